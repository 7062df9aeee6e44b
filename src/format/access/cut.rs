//! Cuts one line of an access log. No copy, no look at a byte twice but for the quotes.

use memchr::{memchr, memchr_iter, memchr2};

use super::{LOGGED, host};

/// Bytes of `10/Oct/2000:13:55:36 -0700`.
pub(super) const TIME_BYTES: usize = 26;

/// Cuts a line into the fields of [`LOGGED`]; says why where it is none.
#[inline]
pub(super) fn cut(line: &[u8], combined: bool) -> Result<[&[u8]; LOGGED.len()], &'static str> {
    let (host, rest) = word(line).ok_or("no client address, identity and user in front")?;
    let (identity, rest) = word(rest).ok_or("no client address, identity and user in front")?;
    let (user, rest) = user(rest).ok_or("no user and [time]")?;
    // Some formats have more than one space around it.
    let user = user.trim_ascii();
    if let Some(fault) = host::fault(host, identity, user) {
        return Err(fault);
    }
    let (time, rest) = time(rest).ok_or("no closing bracket of the time")?;
    let (request, rest) = quoted(rest).ok_or("no request in quotes")?;
    let (status, rest) = status(rest).ok_or("the status is not three digits")?;
    let (bytes, rest) = size(rest).ok_or("the size is not a number")?;
    if !combined {
        return Ok([host, user, time, request, status, bytes, b"", b""]);
    }
    let (referer, rest) = quoted(rest).ok_or("no referer in quotes")?;
    let (agent, _) = quoted(rest).ok_or("no user agent in quotes")?;
    Ok([host, user, time, request, status, bytes, referer, agent])
}

/// Up to a space, which is passed over. Words here are short, so a plain loop beats memchr.
#[inline]
fn word(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = line.iter().position(|&byte| byte == b' ')?;
    (end > 0).then(|| (&line[..end], &line[end + 1..]))
}

/// Up to ` [`. A user name may be empty in Apache's logs.
#[inline]
fn user(line: &[u8]) -> Option<(&[u8], &[u8])> {
    if let [b'-', b' ', b'[', rest @ ..] = line {
        return Some((&line[..1], rest));
    }
    let behind_space = |at: &usize| *at > 0 && line[at - 1] == b' ';
    let bracket = memchr_iter(b'[', line).find(behind_space)?;
    Some((&line[..bracket - 1], &line[bracket + 1..]))
}

/// Up to `] `.
#[inline]
fn time(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = if line.get(TIME_BYTES) == Some(&b']') { TIME_BYTES } else { memchr(b']', line)? };
    Some((&line[..end], line[end + 1..].strip_prefix(b" ")?))
}

/// A field in quotes, which may hold backslash escapes; a space behind it is passed over by the next field.
#[inline]
fn quoted(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let line = line.strip_prefix(b" ").unwrap_or(line).strip_prefix(b"\"")?;
    let end = closing_quote(line)?;
    Some((&line[..end], &line[end + 1..]))
}

/// Where the first quote stands that no backslash escapes.
#[inline]
pub(in crate::format) fn closing_quote(line: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at += memchr2(b'"', b'\\', line.get(at..)?)?;
        if line[at] == b'"' {
            return Some(at);
        }
        at += 2;
    }
}

/// ` 200` or ` -`, and a space that stays.
#[inline]
fn status(line: &[u8]) -> Option<(&[u8], &[u8])> {
    match line {
        [b' ', a, b, c, b' ', ..] if [a, b, c].iter().all(|digit| digit.is_ascii_digit()) => {
            Some((&line[1..4], &line[4..]))
        }
        [b' ', b'-', b' ', ..] => Some((&line[1..2], &line[2..])),
        _ => None,
    }
}

/// ` 1234` or ` -`, up to a space or the line's end.
#[inline]
fn size(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let line = line.strip_prefix(b" ")?;
    let end = match line {
        [b'-', ..] => 1,
        _ => line.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(line.len()),
    };
    let good = end > 0 && matches!(line.get(end), None | Some(b' ' | b'\t'));
    good.then(|| (&line[..end], &line[end..]))
}
