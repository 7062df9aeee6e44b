//! The URL of a MySQL output: what it means, and what of it may be shown.

use std::path::{Path, PathBuf};

use mysql_async::{Opts, OptsBuilder, SslOpts, UrlError};

use super::super::DeliverError;

const FORM: &str =
    "write mysql://user:password@host:port/database, with special characters percent-encoded";

/// Where to connect.
pub(super) struct Target {
    pub(super) opts: Opts,
    /// Host, port, database and table, without user and password.
    pub(super) place: String,
}

impl Target {
    pub(super) fn parse(url: &str, table: &str) -> Result<Self, DeliverError> {
        let unnamed = format!("MySQL output, table {table}");
        let refused = |problem: String| DeliverError::refused(&unnamed, problem, FORM);
        // An unencoded / ? or # ends the host part early, and what follows would be shown as a database or an option.
        if has_late_at_sign(url) {
            return Err(refused("the url has an @ behind its host".into()));
        }
        let (url, ca) = take_ca(url);
        let opts = Opts::from_url(&url).map_err(|error| refused(describe(&error)))?;
        let Some(database) = opts.db_name() else {
            return Err(refused("the url names no database".into()));
        };
        let place =
            format!("mysql {}:{}/{database}.{table}", opts.ip_or_hostname(), opts.tcp_port());
        let ca = ca.map(|path| read_ca(&place, &path)).transpose()?;
        Ok(Target { opts: hardened(opts, ca), place })
    }
}

fn has_late_at_sign(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.find(['/', '?', '#']).is_some_and(|end| rest[end..].contains('@'))
}

/// Splits the option `ssl_ca`, which is ours, from the URL.
fn take_ca(url: &str) -> (String, Option<PathBuf>) {
    let Some((base, query)) = url.split_once('?') else {
        return (url.into(), None);
    };
    let (ours, others): (Vec<&str>, Vec<&str>) =
        query.split('&').partition(|option| option.starts_with("ssl_ca="));
    let ca = ours.last().map(|option| PathBuf::from(percent_decode(&option["ssl_ca=".len()..])));
    let query = if others.is_empty() { String::new() } else { format!("?{}", others.join("&")) };
    (format!("{base}{query}"), ca)
}

/// Reads the authorities' certificates now, so that a wrong path is told as such.
fn read_ca(place: &str, path: &Path) -> Result<Vec<u8>, DeliverError> {
    std::fs::read(path).map_err(|error| {
        let problem = format!("cannot read the url's ssl_ca {}: {error}", path.display());
        DeliverError::refused(place, problem, "name a PEM file with the authority's certificate")
    })
}

fn percent_decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let hex = tail.get(..2).filter(|_| *first == b'%');
        let code = hex.and_then(|hex| std::str::from_utf8(hex).ok());
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) => (bytes.push(byte), rest = &tail[2..]),
            None => (bytes.push(*first), rest = tail),
        };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Stays on TCP where the URL says TCP (mysql_async would move to the server's local socket, which has no TLS), and asks for
/// TLS when an authority is named.
fn hardened(opts: Opts, ca: Option<Vec<u8>>) -> Opts {
    let ssl = match (opts.ssl_opts().cloned(), ca) {
        (ssl, Some(ca)) => {
            Some(ssl.unwrap_or_else(SslOpts::default).with_root_certs(vec![ca.into()]))
        }
        (ssl, None) => ssl,
    };
    OptsBuilder::from_opts(opts).prefer_socket(false).ssl_opts(ssl).into()
}

/// Says nothing of the URL but the names of its options.
fn describe(error: &UrlError) -> String {
    match error {
        UrlError::UnknownParameter { param } => format!("the url has an unknown option {param}"),
        UrlError::InvalidParamValue { param, .. } => {
            format!("the url's option {param} has no valid value")
        }
        UrlError::UnsupportedScheme { .. } => "the url does not begin with mysql://".into(),
        UrlError::Parse(error) => format!("the url can't be read ({error})"),
        _ => "the url can't be read".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(url: &str) -> String {
        Target::parse(url, "t").expect(url).place
    }

    #[test]
    fn the_place_shows_neither_user_nor_password() {
        assert_eq!(place("mysql://joe:s3cret@db.local/logs"), "mysql db.local:3306/logs.t");
        assert_eq!(place("mysql://joe:s%2Fcret@[::1]:33/logs"), "mysql [::1]:33/logs.t");
    }

    #[test]
    fn no_error_shows_a_password() {
        for url in [
            "mysql://joe:s3cret@db.local",
            "mysql://joe:s3cret@db.local:port/logs",
            "mysql://joe:12/s3cret@db.local/logs",
            "mysql://joe:12?s3cret@db.local/logs",
            "mysql://joe:12#s3cret@db.local/logs",
            "mysql://joe:s3cret@db.local/logs?no_such=s3cret",
            "mysql://joe:s3cret@db.local/logs?require_ssl=s3cret",
            "postgres://joe:s3cret@db.local/logs",
            "s3cret",
        ] {
            let error = Target::parse(url, "t").err().expect(url).to_string();
            assert!(!error.contains("s3cret"), "{error}");
            assert!(error.contains("write mysql://"), "{error}");
        }
    }

    #[test]
    fn naming_an_authority_asks_for_tls() {
        let folder = tempfile::TempDir::new().expect("a temporary folder");
        let path = folder.path().join("my ca.pem");
        std::fs::write(&path, "PEM").expect("a file");
        let encoded = path.display().to_string().replace('/', "%2F").replace(' ', "%20");
        let url = format!("mysql://a:b@h/d?ssl_ca={encoded}&stmt_cache_size=1");
        let opts = Target::parse(&url, "t").expect("a valid url").opts;
        let authorities = opts.ssl_opts().expect("TLS").root_certs().to_vec();
        assert_eq!(authorities, vec![b"PEM".to_vec().into()]);
        assert_eq!(opts.stmt_cache_size(), 1);
        assert!(Target::parse("mysql://a:b@h/d", "t").expect("valid").opts.ssl_opts().is_none());
    }

    #[test]
    fn an_authority_that_cannot_be_read_is_named() {
        let error = Target::parse("mysql://a:b@h/d?ssl_ca=/no/such.pem", "t").err();
        let error = error.expect("no such file").to_string();
        assert!(error.contains("cannot read the url's ssl_ca /no/such.pem"), "{error}");
    }
}
