//! What is said about a certificate: the sentence, the place, and one thing to do.

use kubex::ErrorKind;
use kubex_tests::certificates::{Profile, certificate_pem};

use super::cell::Cell;
use super::material::{key, root, root_with};

fn issued(profile: &Profile) -> String {
    certificate_pem(&profile.issued_by(&root(), key("p256")))
}

async fn resolve(cell: &Cell) -> kubex::Result<kubex::ClientConfiguration> {
    let kubeconfig = cell.kubeconfig("https://127.0.0.1:1");
    kubex::configure_from_kubeconfig()
        .bytes(kubeconfig.into_bytes())
        .await
}

#[tokio::test]
async fn a_problem_of_a_client_certificate_is_an_error_at_resolving() {
    let certificate = issued(&Profile::new("jane"));
    let key_pem = key("p256").pem.as_str();
    for (cell, kind, message, field) in [
        (
            Cell::client(
                "encrypted",
                certificate.as_str(),
                include_str!("keys/encrypted.pkcs8.pem"),
            ),
            ErrorKind::InvalidPem,
            "the client key is encrypted, and Kubex cannot ask for its pass phrase",
            "client-key-data",
        ),
        (
            Cell::client(
                "encrypted, older form",
                certificate.as_str(),
                include_str!("keys/encrypted.pkcs1.pem"),
            ),
            ErrorKind::InvalidPem,
            "the client key is encrypted, and Kubex cannot ask for its pass phrase",
            "client-key-data",
        ),
        (
            Cell::client("swapped", key_pem, certificate.as_str()),
            ErrorKind::InvalidPem,
            "the client certificate contains a private key, not a certificate",
            "client-certificate-data",
        ),
        (
            Cell::client("two certificates", certificate.as_str(), certificate.as_str()),
            ErrorKind::InvalidPem,
            "the client key contains a certificate, not a private key",
            "client-key-data",
        ),
        (
            Cell::client(
                "another key",
                certificate.as_str(),
                key("p256-other").pem.as_str(),
            ),
            ErrorKind::IncompleteKeyPair,
            "the client certificate and the client key do not belong together",
            "client-key-data",
        ),
        (
            Cell::client(
                "another key, which does not contain its public key",
                certificate_pem(&Profile::new("jane").issued_by(&root(), key("ed25519"))),
                key("ed25519-other").pem.as_str(),
            ),
            ErrorKind::IncompleteKeyPair,
            "the client certificate and the client key do not belong together",
            "client-key-data",
        ),
        (
            Cell::client(
                "a small key",
                certificate_pem(&Profile::new("jane").issued_by(&root(), key("rsa1024"))),
                key("rsa1024").pem.as_str(),
            ),
            ErrorKind::Unsupported,
            "the client key is an RSA key of 1024 bits, which is not supported: expected RSA of 2048 to 8192 bits, P-256, \
             P-384, P-521 or Ed25519",
            "client-key-data",
        ),
    ] {
        let error = resolve(&cell).await.expect_err(&cell.name);
        assert_eq!(error.kind(), kind, "{}: {error}", cell.name);
        assert_eq!(error.message(), message, "{}", cell.name);
        let origin = error.origin().expect("a place").to_string();
        assert!(origin.contains(field), "{}: {origin}", cell.name);
        assert!(error.help().is_some(), "{}", cell.name);
        assert!(!format!("{error:?}").contains("BEGIN PRIVATE"), "{}", cell.name);
    }
}

#[tokio::test]
async fn what_works_but_perhaps_not_as_intended_is_a_warning_at_resolving() {
    let (certificate, key_pem) = (issued(&Profile::new("jane")), key("p256").pem.as_str());
    let authority = certificate_pem(&root().certificate);
    let with_bundle = |pem: String| Cell::client("a bundle", certificate.as_str(), key_pem).trusting_pem(pem);
    let of = |profile: Profile| certificate_pem(&root_with(profile).certificate);
    let sound = || Profile::authority("root");
    for (cell, id, message) in [
        (
            Cell::client("expired", issued(&Profile::new("jane").expired()), key_pem),
            "client-certificate-expired",
            "the client certificate expired at ",
        ),
        (
            Cell::client("future", issued(&Profile::new("jane").future()), key_pem),
            "client-certificate-not-yet-valid",
            "the client certificate is not valid before ",
        ),
        (
            Cell::client(
                "junk",
                format!("{certificate}-----BEGIN CERTIFICATE-----\n"),
                key_pem,
            ),
            "pem-block-ignored",
            "block 2 of the client certificate, at line ",
        ),
        (
            with_bundle(format!("{}{authority}", certificate_pem(b"0\x03\x02\x01\x01"))),
            "pem-block-ignored",
            "block 1 of the certificate authority, at line 1 of the PEM, is not used: it is not an X.509 certificate",
        ),
        (
            with_bundle(of(sound().expired())),
            "certificate-authority-expired",
            "certificate 1 of the certificate authority, \"CN=root\", expired at ",
        ),
        (
            with_bundle(of(sound().future())),
            "certificate-authority-not-yet-valid",
            "certificate 1 of the certificate authority, \"CN=root\", is not trusted before ",
        ),
        (
            with_bundle(of(sound().without_certificate_signing())),
            "certificate-authority-unusable",
            "certificate 1 of the certificate authority, \"CN=root\", is not trusted to issue certificates: its key usage",
        ),
    ] {
        let configuration = resolve(&cell).await.expect(&cell.name);
        let warnings = configuration.warnings();
        assert_eq!(warnings.len(), 1, "{}: {warnings:?}", cell.name);
        assert_eq!(warnings[0].id(), id);
        assert!(warnings[0].message().starts_with(message), "{:?}", warnings[0]);
        assert!(warnings[0].origin().is_some(), "{}", cell.name);
    }
    let sound = Cell::client("sound", certificate.as_str(), key_pem);
    assert!(resolve(&sound).await.expect("it is sound").warnings().is_empty());
}

#[tokio::test]
async fn a_bundle_of_many_broken_blocks_causes_few_warnings() {
    let junk = certificate_pem(b"0\x03\x02\x01\x01").repeat(1000);
    let pem = format!("{junk}{}", certificate_pem(&root().certificate));
    let cell =
        Cell::client("many", issued(&Profile::new("jane")), key("p256").pem.as_str()).trusting_pem(pem);
    let configuration = resolve(&cell).await.expect("one block is sound");
    let last = configuration.warnings().last().expect("a warning").message();
    assert_eq!(
        (configuration.warnings().len(), last),
        (9, "992 more blocks are not used")
    );
}
