//! The cells about the kubeconfig's authority, and about the authorities of the server's chain.

use kubex_tests::certificates::{Profile, certificate_pem};
use rcgen::{CidrSubnet, ExtendedKeyUsagePurpose, GeneralSubtree};

use super::cell::Cell;
use super::material::{below, root, root_with};
use super::servers::{p256, server};

pub fn cells() -> Vec<Cell> {
    [defects(), name_constraints(), bundles()].concat()
}

/// What is wrong with an authority.
fn defects() -> Vec<Cell> {
    let mut cells = Vec::new();
    let sound = || Profile::authority("root");
    for (what, profile, is_refused) in [
        ("expired", sound().expired(), true),
        ("not yet valid", sound().future(), true),
        ("CA:FALSE", Profile::new("root").explicitly_no_ca(), true),
        ("without basic constraints", Profile::new("root"), true),
        (
            "without certificate signing",
            sound().without_certificate_signing(),
            true,
        ),
        (
            "for clients",
            sound().for_purpose(ExtendedKeyUsagePurpose::ClientAuth),
            true,
        ),
        (
            "an unknown critical extension",
            sound().unknown_extension(true),
            true,
        ),
        (
            "for servers",
            sound().for_purpose(ExtendedKeyUsagePurpose::ServerAuth),
            false,
        ),
        (
            "for any purpose",
            sound().for_purpose(ExtendedKeyUsagePurpose::Any),
            false,
        ),
        (
            "without key usage",
            sound().with(|it| it.key_usages.clear()),
            false,
        ),
        ("until 9999", sound().endless(), false),
        ("a path length of 0", sound().path_length(0), false),
    ] {
        let authority = root_with(profile);
        let issued = server().issued_by(&authority, p256());
        let cell = Cell::server(format!("a root: {what}"), vec![issued], p256()).trusting(&authority);
        cells.push(if is_refused { cell.refused() } else { cell });
    }
    let top = root();
    for (what, profile) in [
        ("expired", Profile::authority("middle").expired()),
        ("without basic constraints", Profile::new("middle")),
        (
            "without certificate signing",
            Profile::authority("middle").without_certificate_signing(),
        ),
        (
            "for clients",
            Profile::authority("middle").for_purpose(ExtendedKeyUsagePurpose::ClientAuth),
        ),
    ] {
        let middle = below(&top, profile);
        let issued = server().issued_by(&middle, p256());
        let chain = vec![issued, middle.certificate.clone()];
        cells.push(
            Cell::server(format!("an intermediate: {what}"), chain, p256())
                .trusting(&top)
                .refused(),
        );
    }
    let limited = root_with(sound().path_length(0));
    let middle = below(&limited, Profile::authority("middle"));
    let chain = vec![server().issued_by(&middle, p256()), middle.certificate.clone()];
    cells.push(
        Cell::server("a root: its path length is exceeded", chain, p256())
            .trusting(&limited)
            .refused(),
    );
    // An old certificate of the authority, and its renewal with the same name and key.
    let (old, new) = (root_with(sound().expired()), root());
    let both = format!(
        "{}{}",
        certificate_pem(&old.certificate),
        certificate_pem(&new.certificate)
    );
    let issued = server().issued_by(&new, p256());
    cells.push(Cell::server("a root: expired, and its renewal", vec![issued], p256()).trusting_pem(both));
    cells
}

fn name_constraints() -> Vec<Cell> {
    let local = || GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix([127, 0, 0, 0].into(), 8));
    let remote = || GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix([10, 0, 0, 0].into(), 8));
    [
        ("permits its address", local(), true, false),
        ("excludes its address", local(), false, true),
        ("permits another address", remote(), true, true),
        ("excludes another address", remote(), false, false),
    ]
    .into_iter()
    .map(|(what, subtree, is_permitted, is_refused)| {
        let authority = root_with(Profile::authority("root").names_below(subtree, is_permitted));
        let issued = server().only_named("127.0.0.1").issued_by(&authority, p256());
        let cell = Cell::server(format!("a root that {what}"), vec![issued], p256()).trusting(&authority);
        if is_refused { cell.refused() } else { cell }
    })
    .collect()
}

/// How the bundle of authorities is written.
fn bundles() -> Vec<Cell> {
    let authority = root();
    let issued = server().issued_by(&authority, p256());
    let good = certificate_pem(&authority.certificate);
    let junk = certificate_pem(b"\x30\x03\x02\x01\x01");
    let cut: String = good.chars().take(120).collect();
    let trusted = good.replace("CERTIFICATE", "TRUSTED CERTIFICATE");
    let no_base64 = good.replacen("\nMII", "\nM!I", 1);
    let headers = good.replacen("-----\n", "-----\nA: b\n\n", 1);
    [
        ("as it is", good.clone(), false),
        ("CRLF", good.replace('\n', "\r\n"), false),
        ("without a last line end", good.trim_end().to_owned(), false),
        ("text around", format!("subject: root\n{good}\nend"), false),
        ("a byte order mark", format!("\u{feff}{good}"), true),
        (
            "a byte order mark before the first of two",
            format!("\u{feff}{good}{good}"),
            false,
        ),
        (
            "junk that begins as DER, and good",
            format!("{junk}{good}"),
            false,
        ),
        (
            "good, and junk that begins as DER",
            format!("{good}{junk}"),
            false,
        ),
        ("good, and cut off", format!("{good}{cut}"), false),
        ("bad base64, and good", format!("{no_base64}{good}"), false),
        ("a key, and good", format!("{}{good}", p256().pem), false),
        ("another label, and good", format!("{trusted}{good}"), false),
        ("junk alone", junk, true),
        ("cut off alone", cut, true),
        ("bad base64 alone", no_base64, true),
        ("another label alone", trusted, true),
        ("headers alone", headers, true),
        ("a key alone", p256().pem.clone(), true),
        (
            "four dashes at the end",
            good.trim_end().trim_end_matches('-').to_owned() + "----",
            true,
        ),
    ]
    .into_iter()
    .map(|(what, pem, is_refused)| {
        let cell = Cell::server(format!("a bundle: {what}"), vec![issued.clone()], p256()).trusting_pem(pem);
        if is_refused { cell.refused() } else { cell }
    })
    .collect()
}
