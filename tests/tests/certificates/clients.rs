//! The cells about the client's certificate and key.

use kubex_tests::certificates::{Key, Profile, certificate_pem};

use super::cell::{Cell, Reason};
use super::material::{KEYS, below, key, root};

pub fn cells() -> Vec<Cell> {
    [keys(), shapes(), labels(), texts(), wrong()].concat()
}

fn client() -> Profile {
    Profile::new("jane")
}

fn p256() -> &'static Key {
    key("p256")
}

fn issued(profile: &Profile, key: &Key) -> String {
    certificate_pem(&profile.issued_by(&root(), key))
}

/// Each kind of key, in each version.
fn keys() -> Vec<Cell> {
    let mut cells = Vec::new();
    for name in KEYS {
        for (version, profile) in [("version 1", client().version_1()), ("version 3", client())] {
            let its_key = key(name);
            let cell = Cell::client(
                format!("{name}, {version}"),
                issued(&profile, its_key),
                its_key.pem.as_str(),
            );
            cells.push(if its_key.can_sign() {
                cell
            } else {
                cell.only_kubectl(Reason::SmallRsa)
            });
        }
    }
    cells
}

fn shapes() -> Vec<Cell> {
    let authority = root();
    let middle = below(&authority, Profile::authority("middle"));
    let leaf = certificate_pem(&client().issued_by(&middle, p256()));
    let (mid, top) = (
        certificate_pem(&middle.certificate),
        certificate_pem(&authority.certificate),
    );
    let key = p256().pem.as_str();
    vec![
        Cell::client("self-signed", certificate_pem(&client().self_signed(p256())), key),
        Cell::client(
            "self-signed, CA:TRUE",
            certificate_pem(&client().ca().self_signed(p256())),
            key,
        ),
        Cell::client("leaf and intermediate", format!("{leaf}{mid}"), key),
        Cell::client("leaf, intermediate and root", format!("{leaf}{mid}{top}"), key),
        Cell::client(
            "root between leaf and intermediate",
            format!("{leaf}{top}{mid}"),
            key,
        ),
        Cell::client("the intermediate before the leaf", format!("{mid}{leaf}"), key).refused(),
        Cell::client(
            "an unknown critical extension",
            issued(&client().unknown_extension(true), p256()),
            key,
        ),
        Cell::client("expired", issued(&client().expired(), p256()), key),
        Cell::client("not yet valid", issued(&client().future(), p256()), key),
        Cell::client("until 9999", issued(&client().endless(), p256()), key),
    ]
}

/// Each format of a key, under each label.
fn labels() -> Vec<Cell> {
    let mut cells = Vec::new();
    for (format, name, pem) in [
        ("PKCS #8 of RSA", "rsa2048", include_str!("keys/rsa2048.pem")),
        ("PKCS #1", "rsa2048", include_str!("keys/rsa2048.pkcs1.pem")),
        ("PKCS #8 of P-256", "p256-file", include_str!("keys/p256.pem")),
        ("SEC1", "p256-file", include_str!("keys/p256.sec1.pem")),
        (
            "PKCS #8 of Ed25519",
            "ed25519-file",
            include_str!("keys/ed25519.pem"),
        ),
    ] {
        let certificate = match name {
            "rsa2048" => issued(&client(), key("rsa2048")),
            "p256-file" => issued(
                &client(),
                &Key::from_pem(name, include_str!("keys/p256.pem"), None),
            ),
            _ => issued(
                &client(),
                &Key::from_pem(name, include_str!("keys/ed25519.pem"), None),
            ),
        };
        for (label, is_refused) in [
            ("PRIVATE KEY", false),
            ("RSA PRIVATE KEY", false),
            ("EC PRIVATE KEY", false),
            ("ANY PRIVATE KEY", false),
            ("ENCRYPTED PRIVATE KEY", true),
            ("PUBLIC KEY", true),
            ("KEY", true),
        ] {
            let key = relabelled(pem, label);
            let cell = Cell::client(format!("{format} as {label}"), certificate.as_str(), key);
            // Go reads the content under this label too, but a key that is not encrypted does not have it.
            if label == "ENCRYPTED PRIVATE KEY" {
                continue;
            }
            cells.push(if is_refused { cell.refused() } else { cell });
        }
    }
    cells
}

fn relabelled(pem: &str, label: &str) -> String {
    let lines: Vec<_> = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    format!(
        "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
        lines.join("\n")
    )
}

/// How the certificate and the key are written.
fn texts() -> Vec<Cell> {
    let certificate = issued(&client(), p256());
    let key = p256().pem.clone();
    let mut cells = Vec::new();
    for (what, write, is_refused) in [
        (
            "CRLF",
            (|text| text.replace('\n', "\r\n")) as fn(&str) -> String,
            false,
        ),
        (
            "text around",
            |text| format!("Bag Attributes\n    a: b\n{text}\nend"),
            false,
        ),
        ("no last line end", |text| text.trim_end().to_owned(), false),
        ("blanks at line ends", |text| text.replace('\n', " \t\n"), false),
        (
            "an empty line inside",
            |text| text.replacen("-----\n", "-----\n\n", 1),
            false,
        ),
        (
            "headers",
            |text| text.replacen("-----\n", "-----\nA: b\n\n", 1),
            false,
        ),
        (
            "junk in front",
            |text| format!("-----BEGIN X-----\n!\n-----END X-----\n{text}"),
            false,
        ),
        (
            "one line",
            |text| {
                let lines: Vec<_> = text.lines().collect();
                format!(
                    "{}\n{}\n{}\n",
                    lines[0],
                    lines[1..lines.len() - 1].concat(),
                    lines[lines.len() - 1]
                )
            },
            false,
        ),
        ("a byte order mark", |text| format!("\u{feff}{text}"), true),
        ("a blank in front", |text| format!(" {text}"), true),
        (
            "four dashes at the end",
            |text| format!("{}----", text.trim_end().trim_end_matches('-')),
            true,
        ),
        ("cut off", |text| text.chars().take(100).collect(), true),
        ("bad base64", |text| text.replacen("\nM", "\n!", 1), true),
        ("no PEM", |_| "none".to_owned(), true),
    ] {
        let of_certificate = Cell::client(format!("certificate: {what}"), write(&certificate), key.as_str());
        let of_key = Cell::client(format!("key: {what}"), certificate.as_str(), write(&key));
        for cell in [of_certificate, of_key] {
            cells.push(if is_refused { cell.refused() } else { cell });
        }
    }
    let cut: String = certificate.chars().take(100).collect();
    let junk = certificate_pem(b"\x30\x03\x02\x01\x01");
    cells.push(Cell::client(
        "certificate: good, and cut off",
        format!("{certificate}{cut}"),
        key.as_str(),
    ));
    cells.push(Cell::client(
        "certificate: good, and junk",
        format!("{certificate}{junk}"),
        key.as_str(),
    ));
    cells.push(
        Cell::client(
            "certificate: junk, and good",
            format!("{junk}{certificate}"),
            key.as_str(),
        )
        .refused(),
    );
    cells.push(Cell::client(
        "key: two keys",
        certificate.as_str(),
        format!("{key}{}", self::key("p384").pem),
    ));
    cells
}

fn wrong() -> Vec<Cell> {
    let certificate = issued(&client(), p256());
    let key = p256().pem.as_str();
    let of_rsa = issued(&client(), self::key("rsa2048"));
    let of_ed25519 = issued(&client(), self::key("ed25519"));
    let cells = vec![
        Cell::client(
            "the key of another certificate, P-256",
            certificate.as_str(),
            self::key("p256-other").pem.as_str(),
        ),
        Cell::client(
            "the key of another certificate, RSA",
            of_rsa.as_str(),
            self::key("rsa3072").pem.as_str(),
        ),
        Cell::client(
            "the key of another certificate, Ed25519",
            of_ed25519.as_str(),
            self::key("ed25519-other").pem.as_str(),
        ),
        Cell::client("a key of another kind", of_rsa.as_str(), key),
        Cell::client("swapped", key, certificate.as_str()),
        Cell::client(
            "the certificate twice",
            certificate.as_str(),
            certificate.as_str(),
        ),
        Cell::client(
            "encrypted, PKCS #8",
            of_rsa.as_str(),
            include_str!("keys/encrypted.pkcs8.pem"),
        ),
        Cell::client(
            "encrypted, PKCS #1",
            of_rsa.as_str(),
            include_str!("keys/encrypted.pkcs1.pem"),
        ),
        Cell::client(
            "a public key",
            of_rsa.as_str(),
            include_str!("keys/rsa1024.public.pem"),
        ),
        Cell::client(
            "a key of secp256k1",
            certificate.as_str(),
            include_str!("keys/secp256k1.pem"),
        ),
        Cell::client(
            "labelled TRUSTED CERTIFICATE",
            relabelled(&certificate, "TRUSTED CERTIFICATE"),
            key,
        ),
        Cell::client(
            "labelled X509 CERTIFICATE",
            relabelled(&certificate, "X509 CERTIFICATE"),
            key,
        ),
        Cell::client(
            "junk that begins as DER",
            certificate_pem(b"\x30\x03\x02\x01\x01"),
            key,
        ),
    ];
    cells.into_iter().map(Cell::refused).collect()
}
