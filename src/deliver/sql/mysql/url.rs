//! The URL of a MySQL output: what it means, and what of it may be shown.

use std::path::Path;

use mysql_async::{Opts, OptsBuilder, SslOpts, UrlError};

use super::super::DeliverError;
use crate::error::nearest;

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
        let parts = Parts::of(url.trim()).map_err(refused)?;
        let opts = Opts::from_url(&parts.plain()).map_err(|error| refused(describe(&error)))?;
        let Some(database) = opts.db_name() else {
            return Err(refused("the url names no database".into()));
        };
        let place = match parts.socket() {
            Some(socket) => format!("mysql {socket} {database}.{table}"),
            None => format!("mysql {}:{}/{database}.{table}", parts.host, opts.tcp_port()),
        };
        let ca = parts.option("ssl_ca").map(|path| read_ca(&place, Path::new(path))).transpose()?;
        let opts = hardened(opts, &parts, ca);
        if opts.socket().is_some() && opts.ssl_opts().is_some() {
            return Err(refused("a socket has no TLS: leave out require_ssl and ssl_ca".into()));
        }
        Ok(Target { opts, place })
    }
}

/// Options of a URL that mean something here.
const OPTIONS: [&str; 13] = [
    "socket",
    "require_ssl",
    "ssl_ca",
    "verify_ca",
    "verify_identity",
    "built_in_roots",
    "compression",
    "tcp_keepalive",
    "tcp_nodelay",
    "max_allowed_packet",
    "stmt_cache_size",
    "secure_auth",
    "enable_cleartext_plugin",
];

/// A URL in its pieces.
struct Parts<'u> {
    /// User and password with the @ behind them, or nothing.
    login: &'u str,
    /// With its brackets, if it is an address of IPv6, and with its zone.
    host: String,
    /// With its colon, or nothing.
    port: &'u str,
    database: &'u str,
    /// Decoded.
    options: Vec<(String, String)>,
}

impl<'u> Parts<'u> {
    fn of(url: &'u str) -> Result<Self, String> {
        // An unencoded / ? or # ends the host part early, and what follows would be shown as a database or an option.
        if has_late_at_sign(url) {
            return Err("the url has an @ after its host".into());
        }
        let scheme = url.get(..SCHEME.len()).filter(|scheme| scheme.eq_ignore_ascii_case(SCHEME));
        if scheme.is_none() {
            return Err(format!("the url does not begin with {SCHEME}"));
        }
        let rest = &url[SCHEME.len()..];
        if rest.contains('#') {
            return Err("the url has a # in it".into());
        }
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
        if database.trim_end_matches('/').contains('/') {
            return Err("the url has more than a database after its host".into());
        }
        let (login, host) = authority.split_at(authority.rfind('@').map_or(0, |at| at + 1));
        let (host, port) = host.split_at(port_at(host));
        let options = options(query)?;
        let has_socket = options.iter().any(|(name, _)| name == "socket");
        if host.is_empty() && !has_socket {
            return Err("the url names no host".into());
        }
        let host = if host.is_empty() { "localhost" } else { host }.replace("%25", "%");
        let database = database.trim_end_matches('/');
        Ok(Parts { login, host, port, database, options })
    }

    /// Without what is set behind `Opts::from_url`: our own options, and the zone of an address, which no URL knows.
    fn plain(&self) -> String {
        let zone = self.host.find('%').filter(|_| self.host.starts_with('['));
        let host = zone.map_or_else(|| self.host.clone(), |at| format!("{}]", &self.host[..at]));
        let others = self.options.iter().filter(|(name, _)| !OWN.contains(&name.as_str()));
        let others: Vec<String> = others.map(|(name, value)| format!("{name}={value}")).collect();
        let Parts { login, port, database, .. } = self;
        format!("{SCHEME}{login}{host}{port}/{database}?{}", others.join("&"))
    }

    fn option(&self, name: &str) -> Option<&str> {
        let of_name = self.options.iter().rev().find(|(known, _)| known == name);
        of_name.map(|(_, value)| value.as_str())
    }

    fn socket(&self) -> Option<&str> {
        self.option("socket")
    }

    /// The host as the resolver takes it: an address of IPv6 without its brackets.
    fn resolvable(&self) -> &str {
        let inner = self.host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        inner.unwrap_or(&self.host)
    }
}

const SCHEME: &str = "mysql://";
/// Options that are not given on as text: they are paths, which may hold anything.
const OWN: [&str; 2] = ["ssl_ca", "socket"];

/// Where a host's port begins, with its colon.
fn port_at(host: &str) -> usize {
    let from = host.rfind(']').unwrap_or(0);
    host[from..].find(':').map_or(host.len(), |at| from + at)
}

fn options(query: &str) -> Result<Vec<(String, String)>, String> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = percent_decode(name);
        if OPTIONS.contains(&name.as_str()) {
            return Ok((name, percent_decode(value)));
        }
        let near = nearest(&name.to_lowercase().replace('-', "_"), OPTIONS);
        let near = near.map(|near| format!("; did you mean {near}?")).unwrap_or_default();
        let all = OPTIONS.join(", ");
        Err(format!("the url has an unknown option {}{near} (known: {all})", name.escape_debug()))
    };
    pairs.map(pair).collect()
}

fn has_late_at_sign(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.find(['/', '?', '#']).is_some_and(|end| rest[end..].contains('@'))
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
fn hardened(opts: Opts, parts: &Parts<'_>, ca: Option<Vec<u8>>) -> Opts {
    let ssl = match (opts.ssl_opts().cloned(), ca) {
        (ssl, Some(ca)) => {
            Some(ssl.unwrap_or_else(SslOpts::default).with_root_certs(vec![ca.into()]))
        }
        (ssl, None) => ssl,
    };
    let opts = OptsBuilder::from_opts(opts).ip_or_hostname(parts.resolvable());
    opts.prefer_socket(false).socket(parts.socket()).ssl_opts(ssl).into()
}

/// Says nothing of the URL but the names of its options.
fn describe(error: &UrlError) -> String {
    match error {
        UrlError::InvalidParamValue { param, .. } => {
            format!("the url's option {param} has no valid value")
        }
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
    fn an_address_of_ipv6_is_resolved_without_its_brackets() {
        let host = |url: &str| Target::parse(url, "t").expect(url).opts.ip_or_hostname().to_owned();
        assert_eq!(host("mysql://u@[::1]/d"), "::1");
        assert_eq!(host("mysql://u@[2001:db8::7]:3307/d"), "2001:db8::7");
        assert_eq!(host("mysql://u@[fe80::1%25eth0]:3307/d"), "fe80::1%eth0");
        assert_eq!(host("mysql://u@[fe80::1%eth0]/d"), "fe80::1%eth0");
        assert_eq!(place("mysql://u@[fe80::1%25eth0]/d"), "mysql [fe80::1%eth0]:3306/d.t");
        assert_eq!(host("mysql://u@db.local/d"), "db.local");
        for url in ["mysql://u@[::1/d", "mysql://u@::1/d", "mysql://u@[::g]/d", "mysql://u@[]/d"] {
            assert!(Target::parse(url, "t").is_err(), "{url}");
        }
    }

    #[test]
    fn users_passwords_and_databases_are_decoded() {
        let all = |url: &str| {
            let opts = Target::parse(url, "t").expect(url).opts;
            let own = |text: Option<&str>| text.unwrap_or_default().to_owned();
            let port = opts.tcp_port();
            (own(opts.user()), own(opts.pass()), own(opts.db_name()), port)
        };
        let four = |user: &str, pass: &str, db: &str, port| {
            (user.to_owned(), pass.to_owned(), db.to_owned(), port)
        };
        assert_eq!(all("mysql://u:a@b@h/d"), four("u", "a@b", "d", 3306));
        assert_eq!(all("mysql://u:a:b@h:3307/d"), four("u", "a:b", "d", 3307));
        assert_eq!(all("mysql://u%40x:p%2F%3F%23%25@h/d"), four("u@x", "p/?#%", "d", 3306));
        assert_eq!(all("mysql://u:p%2Bq+r@h/my%20logs"), four("u", "p+q+r", "my logs", 3306));
        assert_eq!(all("mysql://u:%C3%A9@h/d/"), four("u", "é", "d", 3306));
        assert_eq!(all("mysql://u:é@h/d"), four("u", "é", "d", 3306));
        assert_eq!(all("mysql://u:@h:/d"), four("u", "", "d", 3306));
        assert_eq!(all("mysql://h/d"), four("", "", "d", 3306));
        assert_eq!(all(" MySQL://u@h/d\n"), four("u", "", "d", 3306));
    }

    #[test]
    fn a_socket_takes_the_hosts_place() {
        let target = |url: &str| Target::parse(url, "t");
        for url in [
            "mysql://u:p@localhost/d?socket=/run/my+sql.sock",
            "mysql://u@/d?socket=%2Frun%2Fmy%2Bsql.sock",
        ] {
            let Target { opts, place } = target(url).expect(url);
            assert_eq!(opts.socket(), Some("/run/my+sql.sock"));
            assert_eq!(place, "mysql /run/my+sql.sock d.t");
        }
        let error = target("mysql://u@/d?socket=/s&require_ssl=true").err().expect("no TLS");
        assert!(error.to_string().contains("a socket has no TLS"), "{error}");
    }

    #[test]
    fn what_a_url_may_not_hold_is_told() {
        for (url, words) in [
            ("mysql://u@h/d?ssl-mode=REQUIRED", "unknown option ssl-mode"),
            ("mysql://u@h/d?require-ssl=true", "did you mean require_ssl?"),
            ("mysql://u@h/d?pool_min=3", "unknown option pool_min"),
            ("mysql://u@h/d?require_ssl=yes", "option require_ssl has no valid value"),
            ("mysql://u@h/d/t", "more than a database"),
            ("mysql://u@h/d#x", "a # in it"),
            ("mysql://u@h", "no database"),
            ("mysql://u@h/", "no database"),
            ("mysql:///d", "no host"),
            ("mysql://u@:3306/d", "no host"),
            ("mysql://u@h:99999/d", "invalid port number"),
            ("mariadb://u@h/d", "does not begin with mysql://"),
            ("", "does not begin with mysql://"),
            ("é", "does not begin with mysql://"),
        ] {
            let error = Target::parse(url, "t").err().expect(url).to_string();
            assert!(error.contains(words), "{url}: {error}");
        }
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
