//! TLS: a connection that the url wants secure is secure, or there is none.

use std::path::{Path, PathBuf};
use std::process::Command;

use logmill::deliver::sql::{DeliverError, Delivered, mysql};
use tempfile::TempDir;

use crate::fixture::{batch, deliver, hits, sql_table};
use crate::server::{Server, query};

/// A certificate authority on the spot.
struct Authority(TempDir);

/// A certificate's names and times.
struct Wanted {
    name: &'static str,
    alternatives: &'static str,
    days: i32,
}

const GOOD: Wanted = Wanted { name: "db", alternatives: "IP:127.0.0.1,DNS:localhost", days: 10 };

impl Authority {
    fn new(name: &str) -> Authority {
        let authority = Authority(TempDir::new().expect("a temporary folder"));
        authority.openssl(&format!(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 10 -subj /CN={name} \
             -keyout ca.key -out ca.pem"
        ));
        authority
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("ca.pem")
    }

    /// `server.pem` and `server.key`.
    fn issue(&self, wanted: &Wanted) {
        let Wanted { name, alternatives, days } = wanted;
        let extensions = match *alternatives {
            "" => "basicConstraints=CA:FALSE".into(),
            names => format!("subjectAltName={names}"),
        };
        std::fs::write(self.0.path().join("extensions"), extensions).expect("a file");
        self.openssl(&format!(
            "req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN={name} -keyout server.key \
             -out server.csr"
        ));
        self.openssl(&format!(
            "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days {days} -extfile extensions \
             -out server.pem"
        ));
    }

    fn openssl(&self, arguments: &str) {
        let mut command = Command::new("openssl");
        let output = command.args(arguments.split_whitespace()).current_dir(self.0.path()).output();
        let output = output.expect("openssl runs");
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "openssl {arguments}: {words}");
    }

    /// Gives the server the certificate that was issued last.
    fn install(&self, server: &Server) {
        for name in ["server.pem", "server.key"] {
            let place = server.file(name);
            // Keeps the owner, who the server runs as.
            let text = std::fs::read(self.0.path().join(name)).expect("a file");
            std::fs::write(place, text).expect("a file");
        }
        server.root(&["FLUSH SSL"]);
    }
}

/// A delivery by a new connection.
fn try_it(url: &str) -> Result<Delivered, DeliverError> {
    let rows = [hits(&[(Some("a"), 1)])];
    let table = sql_table("secure", &rows[0].rows.schema());
    deliver(&mut *mysql(url, table).expect("a valid url"), &batch(1), &rows)
}

fn with_authority(url: &str, authority: &Path) -> String {
    format!("{url}?ssl_ca={}", authority.display())
}

fn assert_refused(url: &str, word: &str) {
    let error = try_it(url).expect_err(word);
    assert!(matches!(error, DeliverError::Refused { .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains("no secure connection") && text.contains(word), "{word}: {text}");
}

#[test]
fn a_certificate_is_trusted_only_if_authority_name_and_time_fit() {
    let server = Server::start();
    let (ours, theirs) = (Authority::new("ours"), Authority::new("theirs"));
    let url = with_authority(&server.url, &ours.file());

    ours.issue(&GOOD);
    ours.install(&server);
    try_it(&url).expect("a good certificate");
    // Without an authority of its own, the url trusts those of the web.
    assert_refused(&format!("{}?require_ssl=true", server.url), "UnknownIssuer");
    assert_refused(&with_authority(&server.url, &theirs.file()), "UnknownIssuer");

    ours.issue(&Wanted { alternatives: "DNS:db.example.org", ..GOOD });
    ours.install(&server);
    assert_refused(&url, "not valid for name");
    // mysql_async's option against this has no effect: closed, not open.
    assert_refused(&format!("{url}&verify_identity=false"), "not valid for name");

    ours.issue(&Wanted { days: -1, ..GOOD });
    ours.install(&server);
    assert_refused(&url, "Expired; renew");

    // A certificate with nothing but a common name, as MySQL makes for itself: no name to check.
    ours.issue(&Wanted { alternatives: "", ..GOOD });
    ours.install(&server);
    assert_refused(&url, "not valid for name");
    try_it(&format!("{}?require_ssl=true&verify_ca=false", server.url))
        .expect("nothing is checked");

    // And good again, after the errors.
    ours.issue(&GOOD);
    ours.install(&server);
    try_it(&url).expect("a good certificate");
}

#[test]
fn an_account_that_must_use_tls_is_refused_without() {
    let server = Server::start();
    server.root(&[
        "CREATE USER 'secure'@'127.0.0.1' IDENTIFIED BY 'secure' REQUIRE SSL",
        "GRANT ALL ON logmill.* TO 'secure'@'127.0.0.1'",
    ]);
    let url = server.url.replace("logmill:logmill@", "secure:secure@");
    let error = try_it(&url).expect_err("no TLS");
    assert!(matches!(error, DeliverError::Refused { .. }), "{error}");
    try_it(&with_authority(&url, &server.file("ca.pem"))).expect("with TLS");
}

#[test]
fn a_connection_with_tls_is_kept_too() {
    let server = Server::start();
    let url = with_authority(&server.url, &server.file("ca.pem"));
    let rows = [hits(&[(Some("a"), 1)])];
    let table = sql_table("secure", &rows[0].rows.schema());
    let mut output = mysql(&url, table).expect("a valid url");
    let connections = || server.root(&["SHOW GLOBAL STATUS LIKE 'Ssl_accepts'"])[0][1].clone();
    deliver(&mut *output, &batch(1), &rows).expect("batch 1");
    let before = connections();
    deliver(&mut *output, &batch(2), &rows).expect("batch 2");
    assert_eq!(connections(), before);
    assert_ne!(before, "0", "the connection is secure");
}

#[test]
#[ignore = "needs a MySQL server and an administrator of it: LOGMILL_TEST_MYSQL_ADMIN_URL"]
fn the_first_login_with_caching_sha2_password_works_with_tls_and_without() {
    let admin =
        std::env::var("LOGMILL_TEST_MYSQL_ADMIN_URL").expect("LOGMILL_TEST_MYSQL_ADMIN_URL");
    let opts = mysql_async::Opts::from_url(&admin).expect("a valid url");
    let host = crate::server::address_of(&admin);
    let url = format!("mysql://sha2:p%40ss%2Fw0rd@{host}/logmill");
    // The server knows no password of a new account: it asks for the whole one, which goes through TLS or is encrypted with
    // the server's RSA key. The second login is by its cache.
    for option in ["", "?require_ssl=true&verify_ca=false"] {
        query(
            opts.clone(),
            &[
                "DROP USER IF EXISTS sha2@localhost",
                "CREATE USER sha2@localhost IDENTIFIED WITH caching_sha2_password BY 'p@ss/w0rd'",
                "GRANT ALL ON logmill.* TO sha2@localhost",
                "DROP TABLE IF EXISTS logmill.secure, logmill.secure_batches",
            ],
        );
        for login in ["the first", "the second"] {
            try_it(&format!("{url}{option}")).unwrap_or_else(|error| panic!("{login}: {error}"));
        }
        let wrong = url.replace("w0rd", "word");
        let error = try_it(&format!("{wrong}{option}")).expect_err("a wrong password");
        assert!(matches!(error, DeliverError::Refused { .. }), "{error}");
        assert!(error.to_string().contains("error 1045"), "{error}");
    }
    query(opts, &["DROP USER sha2@localhost", "DROP TABLE logmill.secure, logmill.secure_batches"]);
}
