//! Bytes to UTF-8 text: bytes that are not UTF-8 become U+FFFD.

use bumpalo::Bump;

/// The bytes as text. Copies (into the arena) only what is not UTF-8.
#[inline]
pub(crate) fn utf8_lossy<'a>(bytes: &'a [u8], arena: &'a Bump) -> &'a str {
    match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(_) => arena.alloc_str(&String::from_utf8_lossy(bytes)),
    }
}

/// The same for bytes that are known to be UTF-8: see [`RawBlock::column`](super::RawBlock::column).
#[inline(always)]
pub(super) fn known_text(bytes: &[u8]) -> &str {
    debug_assert!(std::str::from_utf8(bytes).is_ok());
    // SAFETY: the values of a column whose flag is set are cut out of UTF-8 at ASCII bytes, or at literals that are UTF-8
    // themselves, or are made of digits and a point, or have a question mark behind them.
    unsafe { std::str::from_utf8_unchecked(bytes) }
}

/// The fields' positions in `names`, for the wanted ones; an error names the first that there is not.
pub(super) fn positions(
    wanted: &[&str],
    names: &[super::FieldDef],
) -> Result<Vec<usize>, super::FormatError> {
    let position = |name: &&str| {
        names.iter().position(|field| field.name == *name).ok_or_else(|| unknown_field(name, names))
    };
    wanted.iter().map(position).collect()
}

fn unknown_field(name: &str, names: &[super::FieldDef]) -> super::FormatError {
    let known: Vec<&str> = names.iter().map(|field| field.name.as_str()).collect();
    super::FormatError::new(
        format!("the format has no field `{name}`"),
        format!("its fields are {}", known.join(", ")),
    )
}
