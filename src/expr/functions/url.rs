//! Parts of URLs and of request targets (RFC 3986), by where their delimiters stand.

use bumpalo::Bump;

use crate::data::DataType::Text;
use crate::expr::kernel::{Kernel, Outcome, Row};

use super::{Function, Param};

const TEXT: Param = Param::Text;

pub(super) static FUNCTIONS: &[Function] = &[
    Function::new("url_host", &[TEXT], |_| Ok((Text, Kernel::text(host)))),
    Function::new("url_path", &[TEXT], |_| Ok((Text, Kernel::text(path)))),
    Function::new("url_query", &[TEXT, TEXT], |_| Ok((Text, Kernel::text(query)))),
    Function::new("url_decode", &[TEXT], |_| {
        Ok((Text, Kernel::text(|row| Ok(Some(decode(row.text(0), false, row.arena))))))
    }),
];

/// What stands behind `scheme://` or `//`; `None` for a target without a host, such as `/path?query`.
fn behind_scheme(url: &str) -> Option<&str> {
    if let Some(rest) = url.strip_prefix("//") {
        return Some(rest);
    }
    let (scheme, rest) = url.split_once("://")?;
    let named =
        scheme.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'));
    (named && !scheme.is_empty()).then_some(rest)
}

/// Host and all behind it, cut apart.
fn authority(rest: &str) -> (&str, &str) {
    rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()))
}

/// The host in lower case, without user and port; NULL if there is none.
fn host<'a>(row: &Row<'_, 'a>) -> Outcome<&'a str> {
    let Some(rest) = behind_scheme(row.text(0)) else {
        return Ok(None);
    };
    let (authority, _) = authority(rest);
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    // A port stands behind the bracket of an IPv6 address, else behind the only colon.
    let end = host.find(']').map_or_else(|| host.find(':').unwrap_or(host.len()), |at| at + 1);
    let host = &host[..end];
    if host.is_empty() {
        return Ok(None);
    }
    if !host.bytes().any(|b| b.is_ascii_uppercase()) {
        return Ok(Some(host));
    }
    let lower = row.arena.alloc_str(host);
    lower.make_ascii_lowercase();
    Ok(Some(lower))
}

/// The path, as it is written; of a URL with none it is `/`.
fn path<'a>(row: &Row<'_, 'a>) -> Outcome<&'a str> {
    let url = row.text(0);
    let absolute = behind_scheme(url).map(|rest| authority(rest).1);
    let path = absolute.unwrap_or(url);
    let path = &path[..path.find(['?', '#']).unwrap_or(path.len())];
    Ok(Some(if path.is_empty() && absolute.is_some() { "/" } else { path }))
}

/// The decoded value of the first parameter of that name (`+` is a space); NULL if there is none.
fn query<'a>(row: &Row<'_, 'a>) -> Outcome<&'a str> {
    let (url, wanted) = (row.text(0), row.text(1));
    let url = &url[..url.find('#').unwrap_or(url.len())];
    let Some((_, query)) = url.split_once('?') else {
        return Ok(None);
    };
    let pair = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, ""))).find(
        |(name, _)| {
            *name == wanted
                || (name.contains(['%', '+']) && decode(name, true, row.arena) == wanted)
        },
    );
    Ok(pair.map(|(_, value)| decode(value, true, row.arena)))
}

/// Decodes `%HH`; what is no such thing stays, and what is not UTF-8 then becomes U+FFFD.
fn decode<'a>(text: &'a str, plus_is_space: bool, arena: &'a Bump) -> &'a str {
    let encoded = text.contains('%') || (plus_is_space && text.contains('+'));
    if !encoded {
        return text;
    }
    let mut bytes = bumpalo::collections::Vec::with_capacity_in(text.len(), arena);
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        match (first, hex_pair(tail)) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            (b'+', _) if plus_is_space => bytes.push(b' '),
            _ => bytes.push(*first),
        }
    }
    let bytes = bytes.into_bump_slice();
    match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(_) => arena.alloc_str(&String::from_utf8_lossy(bytes)),
    }
}

fn hex_pair(bytes: &[u8]) -> Option<u8> {
    let digit = |at: usize| bytes.get(at).and_then(|b| char::from(*b).to_digit(16));
    Some((digit(0)? << 4 | digit(1)?) as u8)
}
