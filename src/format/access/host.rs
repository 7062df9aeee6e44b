//! The first fields of an access log: whether they are what they should be. Lines of a format that has others in front would
//! be cut too, with each value in another's place.

use std::net::Ipv6Addr;

/// The format of Debian's Apache.
pub(in crate::format) const VHOST_COMBINED: &str =
    r#"%v:%p %h %l %u %t "%r" %>s %O "%{Referer}i" "%{User-Agent}i""#;
/// The same without a port.
pub(in crate::format) const HOST_COMBINED: &str =
    r#"%v %h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i""#;

const NO_HOST: &str = "remote_addr: the first field is no address and no host name";
const WITH_PORT: &str = "remote_addr: the first field has a port, as in Apache's vhost_combined: write format = { apache = '%v:%p %h %l %u %t \"%r\" %>s %O \"%{Referer}i\" \"%{User-Agent}i\"' }";
const WITH_HOST: &str = "remote_user: a host stands before the address: write format = { apache = '%v %h %l %u %t \"%r\" %>s %b \"%{Referer}i\" \"%{User-Agent}i\"' }";
const SPACED: &str = "remote_user: a space in it, so other fields than host, identity and user are in front of the time";

/// Bytes of a name or an IPv4 address, also of one that is masked.
const NAME: [bool; 256] = {
    let mut name = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        let is_word = (byte as u8).is_ascii_alphanumeric() || byte >= 0x80;
        name[byte] = is_word || matches!(byte as u8, b'.' | b'-' | b'_' | b'*');
        byte += 1;
    }
    name
};

/// Why host, identity and user are not these.
pub(super) fn fault(host: &[u8], identity: &[u8], user: &[u8]) -> Option<&'static str> {
    if !is_host(host) {
        return Some(if has_port(host) { WITH_PORT } else { NO_HOST });
    }
    let is_shifted = || is_address(identity) && !is_address(host);
    has_space(user).then(|| if is_shifted() { WITH_HOST } else { SPACED })
}

/// Whether all three can be what they should be.
#[inline(always)]
pub(super) fn are_usual(host: &[u8], identity: &[u8], user: &[u8]) -> bool {
    !identity.is_empty() && is_host(host) && (user == b"-" || !has_space(user))
}

/// An address, a host name, or what nginx logs of a socket.
#[inline(always)]
fn is_host(host: &[u8]) -> bool {
    let is_name = host.iter().fold(true, |all, &byte| all & NAME[usize::from(byte)]);
    !host.is_empty() && (is_name || is_ipv6(host))
}

#[inline(never)]
fn is_ipv6(host: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(host) else { return false };
    let address = text.split_once('%').map_or(text, |(address, _zone)| address);
    let bare = address.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    bare.unwrap_or(address).parse::<Ipv6Addr>().is_ok() || text.starts_with("unix:")
}

fn is_address(text: &[u8]) -> bool {
    std::str::from_utf8(text).is_ok_and(|text| text.parse::<std::net::IpAddr>().is_ok())
}

fn has_port(host: &[u8]) -> bool {
    let colon = host.iter().rposition(|&byte| byte == b':');
    colon.is_some_and(|at| {
        let (name, port) = (&host[..at], &host[at + 1..]);
        let name = name.strip_prefix(b"[").and_then(|name| name.strip_suffix(b"]")).unwrap_or(name);
        is_host(name) && !port.is_empty() && port.iter().all(u8::is_ascii_digit)
    })
}

fn has_space(user: &[u8]) -> bool {
    user.contains(&b' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_a_host_name_or_a_socket_comes_first() {
        for host in [
            "192.0.2.1",
            "::1",
            "2001:db8::1",
            "fe80::1%eth0",
            "::ffff:192.0.2.1",
            "[::1]",
            "example.com",
            "my_host-1",
            "-",
            "unix:",
            "unix:/run/x.sock",
            "UNKNOWN",
            "192.0.2.xxx",
            "192.0.2.*",
            "bücher.example",
        ] {
            assert_eq!(fault(host.as_bytes(), b"-", b"-"), None, "{host}");
        }
        for (host, reason) in [
            ("example.com:80", WITH_PORT),
            ("192.0.2.1:50123", WITH_PORT),
            ("[::1]:443", WITH_PORT),
            ("cafe.de:80", WITH_PORT),
            ("192.0.2.1,", NO_HOST),
            ("\"192.0.2.1\"", NO_HOST),
            ("2026-03-14T12:00:00Z", NO_HOST),
            ("<34>1", NO_HOST),
            ("example.com:http", NO_HOST),
        ] {
            assert_eq!(fault(host.as_bytes(), b"-", b"-"), Some(reason), "{host}");
            assert!(!are_usual(host.as_bytes(), b"-", b"-"));
        }
    }

    #[test]
    fn a_user_has_no_space_in_it() {
        assert_eq!(fault(b"h", b"-", b"a"), None);
        assert_eq!(fault(b"h", b"-", b""), None);
        assert_eq!(fault(b"h", b"-", b"a b"), Some(SPACED));
        assert_eq!(fault(b"a.example", b"192.0.2.1", b"- -"), Some(WITH_HOST));
        assert!(are_usual(b"h", b"-", b"a") && !are_usual(b"h", b"-", b"a b"));
        for (reason, pattern) in [(WITH_PORT, VHOST_COMBINED), (WITH_HOST, HOST_COMBINED)] {
            assert!(reason.contains(pattern), "what is advised is what `init` writes");
        }
    }
}
