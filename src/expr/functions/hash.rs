//! Hashes as hexadecimal text, and pseudonyms.

use bumpalo::Bump;
use hmac::{Hmac, Mac};
use md5::Md5;
use sha2::{Digest, Sha256};

use crate::data::DataType::Text;
use crate::expr::kernel::Kernel;

use super::{Args, Function, Made, Param, Refusal};

/// Where the key of `pseudonym` comes from.
const KEY_VARIABLE: &str = "LOGMILL_PSEUDONYM_KEY";
/// Bytes of the HMAC that a pseudonym shows, as twice as many hexadecimal digits: 128 bits.
const PSEUDONYM_BYTES: usize = 16;

pub(super) static FUNCTIONS: &[Function] = &[
    Function::new("md5", &[Param::Text], |_| Ok((Text, digest::<Md5>()))),
    Function::new("sha256", &[Param::Text], |_| Ok((Text, digest::<Sha256>()))),
    Function::new("pseudonym", &[Param::Text], pseudonym),
];

fn digest<D: Digest>() -> Kernel {
    Kernel::text(|row| Ok(Some(hexadecimal(row.arena, &D::digest(row.text(0))))))
}

/// HMAC-SHA-256 (RFC 2104), its first half in hexadecimal. The key is read when the job is compiled.
fn pseudonym(_: &Args<'_>) -> Made {
    let key = std::env::var(KEY_VARIABLE).ok().filter(|key| !key.is_empty());
    let key = key.ok_or_else(|| Refusal {
        arg: usize::MAX,
        message: format!("{KEY_VARIABLE} is not set"),
        help: Some(format!(
            "set {KEY_VARIABLE} to a long random text, and keep it: another key, other pseudonyms"
        )),
    })?;
    Ok((Text, keyed(key.as_bytes()).beside(fingerprint(key.as_bytes()))))
}

fn mac(key: &[u8]) -> Hmac<Sha256> {
    Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length")
}

/// Tells keys apart. It is stored, and says as much of the key as a pseudonym does.
fn fingerprint(key: &[u8]) -> String {
    let arena = Bump::new();
    let digest = mac(key).chain_update(KEY_VARIABLE).finalize().into_bytes();
    hexadecimal(&arena, &digest[..PSEUDONYM_BYTES]).to_owned()
}

fn keyed(key: &[u8]) -> Kernel {
    let mac = mac(key);
    Kernel::text(move |row| {
        let mut mac = mac.clone();
        mac.update(row.text(0).as_bytes());
        Ok(Some(hexadecimal(row.arena, &mac.finalize().into_bytes()[..PSEUDONYM_BYTES])))
    })
}

fn hexadecimal<'a>(arena: &'a Bump, bytes: &[u8]) -> &'a str {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = bumpalo::collections::String::with_capacity_in(bytes.len() * 2, arena);
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text.into_bump_str()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{DataType, Scalar};
    use crate::expr::kernel::{Arg, Rows};

    #[test]
    fn a_pseudonym_is_the_first_half_of_the_hmac() {
        // RFC 4231, test case 2.
        let (arena, mut failures) = (Bump::new(), Vec::new());
        let text = Scalar::Text("what do ya want for nothing?".into());
        let mut rows =
            Rows { sel: &[0], len: 1, ty: DataType::Text, arena: &arena, failures: &mut failures };
        let column = keyed(b"Jefe").run(&mut rows, &[Arg::Const(&text)]);
        assert_eq!(column.scalar(0), Scalar::Text("5bdcc146bf60754e6a042426089575c7".into()));
    }
}
