//! The cells about the server's certificate.

use kubex_tests::certificates::{Key, Profile, certificate_pem};
use rcgen::{CidrSubnet, ExtendedKeyUsagePurpose, GeneralSubtree};

use super::cell::{Cell, Reason};
use super::material::{KEYS, below, key, root, root_with};

pub fn cells() -> Vec<Cell> {
    [
        keys(),
        versions(),
        chains(),
        marked_as_authorities(),
        refusals(),
        over_tls_12(),
    ]
    .concat()
}

pub fn server() -> Profile {
    Profile::new("server")
}

pub fn p256() -> &'static Key {
    key("p256")
}

/// Each kind of key, under each kind of trust.
fn keys() -> Vec<Cell> {
    let authority = root();
    let mut cells = Vec::new();
    for name in KEYS {
        let its_key = key(name);
        let issued = server().issued_by(&authority, its_key);
        let mut of_key = vec![
            Cell::server(format!("{name}, issued"), vec![issued.clone()], its_key).trusting(&authority),
            Cell::server(
                format!("{name}, issued, its own authority"),
                vec![issued.clone()],
                its_key,
            )
            .trusting_itself(),
            Cell::server(format!("{name}, insecure"), vec![issued], its_key),
        ];
        if its_key.can_sign() {
            let own = server().ca().self_signed(its_key);
            of_key.push(
                Cell::server(
                    format!("{name}, self-signed, its own authority"),
                    vec![own],
                    its_key,
                )
                .trusting_itself(),
            );
        } else {
            of_key = of_key
                .into_iter()
                .map(|cell| cell.only_kubectl(Reason::SmallRsa))
                .collect();
        }
        cells.extend(of_key);
    }
    for name in ["rsa2048e3", "rsa3000", "rsa8192", "p384", "p521", "ed25519"] {
        let authority = kubex_tests::certificates::Authority::root(Profile::authority("root"), key(name));
        let issued = server().issued_by(&authority, p256());
        cells
            .push(Cell::server(format!("p256, issued by {name}"), vec![issued], p256()).trusting(&authority));
    }
    cells
}

fn versions() -> Vec<Cell> {
    let authority = root();
    let old = server().version_1();
    let issued = old.issued_by(&authority, p256());
    let own = old.self_signed(p256());
    let old_root = root_with(Profile::authority("root").version_1());
    let below_old = server().issued_by(&old_root, p256());
    let old_below = below(&authority, Profile::authority("below").version_1());
    let below_old_below = server().issued_by(&old_below, p256());
    vec![
        Cell::server("version 1, issued", vec![issued.clone()], p256())
            .trusting(&authority)
            .refused(),
        Cell::server("version 1, its own authority", vec![issued.clone()], p256())
            .trusting_itself()
            .refused(),
        Cell::server(
            "version 1, self-signed, its own authority",
            vec![own.clone()],
            p256(),
        )
        .trusting_itself()
        .refused(),
        Cell::server("version 1, insecure", vec![issued], p256()),
        Cell::server("version 1, self-signed, insecure", vec![own], p256()),
        Cell::server("a root of version 1", vec![below_old], p256()).trusting(&old_root),
        Cell::server(
            "an intermediate of version 1",
            vec![below_old_below, old_below.certificate.clone()],
            p256(),
        )
        .trusting(&authority)
        .refused(),
    ]
}

fn chains() -> Vec<Cell> {
    let authority = root();
    let middle = below(&authority, Profile::authority("middle"));
    let leaf = server().issued_by(&middle, p256());
    let (top, mid) = (authority.certificate.clone(), middle.certificate.clone());
    let two = format!("{}{}", certificate_pem(&mid), certificate_pem(&top));
    vec![
        Cell::server("an intermediate", vec![leaf.clone(), mid.clone()], p256()).trusting(&authority),
        Cell::server(
            "an intermediate and the root",
            vec![leaf.clone(), mid.clone(), top.clone()],
            p256(),
        )
        .trusting(&authority),
        Cell::server(
            "the root before the intermediate",
            vec![leaf.clone(), top, mid.clone()],
            p256(),
        )
        .trusting(&authority),
        Cell::server("an intermediate that is not sent", vec![leaf.clone()], p256())
            .trusting(&authority)
            .refused(),
        Cell::server("an intermediate as the authority", vec![leaf.clone()], p256()).trusting(&middle),
        Cell::server("an intermediate in the bundle", vec![leaf.clone()], p256()).trusting_pem(two),
        Cell::server(
            "a leaf below an intermediate, its own authority",
            vec![leaf, mid.clone()],
            p256(),
        )
        .trusting_itself(),
        Cell::server(
            "the intermediate first",
            vec![mid, server().issued_by(&middle, p256())],
            p256(),
        )
        .trusting(&authority)
        .refused(),
    ]
}

/// Certificates with CA:TRUE that are not in the bundle.
fn marked_as_authorities() -> Vec<Cell> {
    let authority = root();
    let other = kubex_tests::certificates::Authority::root(Profile::authority("root"), key("p256-other"));
    let middle = below(&authority, Profile::authority("middle"));
    let expired_root = root_with(Profile::authority("root").expired());
    let no_ca = root_with(Profile::new("root"));
    let limited = root_with(Profile::authority("root").path_length(0));
    let below_limited = below(&limited, Profile::authority("middle"));
    let below_no_ca = below(&authority, Profile::new("middle"));
    let constrained = root_with(Profile::authority("root").names_below(
        GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix([127, 0, 0, 0].into(), 8)),
        true,
    ));
    let leaf = server().ca();
    let by = |issuer| leaf.issued_by(issuer, p256());
    let cell = |name: &str, chain| Cell::server(format!("CA:TRUE, {name}"), chain, p256());
    vec![
        cell("issued", vec![by(&authority)]).trusting(&authority),
        cell(
            "by an intermediate",
            vec![by(&middle), middle.certificate.clone()],
        )
        .trusting(&authority),
        cell("by an authority with a path length of 0", vec![by(&limited)]).trusting(&limited),
        cell("by another authority of that name", vec![by(&other)])
            .trusting(&authority)
            .refused(),
        cell("self-signed, not trusted", vec![leaf.self_signed(p256())])
            .trusting(&authority)
            .refused(),
        cell("by an expired root", vec![by(&expired_root)])
            .trusting(&expired_root)
            .refused(),
        cell("by a root without basic constraints", vec![by(&no_ca)])
            .trusting(&no_ca)
            .refused(),
        cell(
            "by an intermediate that is not an authority",
            vec![by(&below_no_ca), below_no_ca.certificate.clone()],
        )
        .trusting(&authority)
        .refused(),
        cell(
            "beyond the path length",
            vec![by(&below_limited), below_limited.certificate.clone()],
        )
        .trusting(&limited)
        .refused(),
        cell(
            "expired",
            vec![leaf.clone().expired().issued_by(&authority, p256())],
        )
        .trusting(&authority)
        .refused(),
        cell(
            "another name",
            vec![
                leaf.clone()
                    .only_named("elsewhere.example")
                    .issued_by(&authority, p256()),
            ],
        )
        .trusting(&authority)
        .refused(),
        cell(
            "for clients",
            vec![
                leaf.clone()
                    .for_purpose(ExtendedKeyUsagePurpose::ClientAuth)
                    .issued_by(&authority, p256()),
            ],
        )
        .trusting(&authority)
        .refused(),
        cell("below an authority that permits its name", vec![by(&constrained)])
            .trusting(&constrained)
            .only_kubectl(Reason::NameConstraintsAboveAnAuthority),
    ]
}

/// What is wrong with a certificate, under each kind of trust. The name, the dates and the usage do not matter to a
/// client that accepts any certificate; the key does.
fn refusals() -> Vec<Cell> {
    let authority = root();
    let mut cells = Vec::new();
    for (what, profile) in [
        ("another name", server().only_named("elsewhere.example")),
        (
            "for clients",
            server().for_purpose(ExtendedKeyUsagePurpose::ClientAuth),
        ),
        (
            "for code",
            server().for_purpose(ExtendedKeyUsagePurpose::CodeSigning),
        ),
        ("expired", server().expired()),
        ("not yet valid", server().future()),
        ("an unknown critical extension", server().unknown_extension(true)),
    ] {
        let issued = profile.issued_by(&authority, p256());
        let own = profile.ca().self_signed(p256());
        cells.extend([
            Cell::server(format!("{what}, issued"), vec![issued.clone()], p256())
                .trusting(&authority)
                .refused(),
            Cell::server(format!("{what}, its own authority"), vec![issued.clone()], p256())
                .trusting_itself()
                .refused(),
            Cell::server(
                format!("{what}, self-signed, its own authority"),
                vec![own],
                p256(),
            )
            .trusting_itself()
            .refused(),
            Cell::server(format!("{what}, insecure"), vec![issued], p256()),
        ]);
    }
    for (what, profile) in [
        (
            "for servers",
            server().for_purpose(ExtendedKeyUsagePurpose::ServerAuth),
        ),
        (
            "for any purpose",
            server().for_purpose(ExtendedKeyUsagePurpose::Any),
        ),
        ("until 9999", server().endless()),
        ("an unknown extension", server().unknown_extension(false)),
        ("basic constraints CA:FALSE", server().explicitly_no_ca()),
    ] {
        let issued = profile.issued_by(&authority, p256());
        cells.extend([
            Cell::server(format!("{what}, issued"), vec![issued.clone()], p256()).trusting(&authority),
            Cell::server(format!("{what}, its own authority"), vec![issued], p256()).trusting_itself(),
        ]);
    }
    // The server has not got the key of the certificate that it presents.
    for (what, other) in [("of the same kind", "p256-other"), ("of another kind", "ed25519")] {
        let issued = server().issued_by(&authority, p256());
        let name = |trust: &str| format!("a foreign key {what}, {trust}");
        cells.extend([
            Cell::server(name("issued"), vec![issued.clone()], key(other))
                .trusting(&authority)
                .refused(),
            Cell::server(name("its own authority"), vec![issued.clone()], key(other))
                .trusting_itself()
                .refused(),
            Cell::server(name("insecure"), vec![issued], key(other)).refused(),
        ]);
    }
    let old = server().version_1().issued_by(&authority, p256());
    cells.push(Cell::server("a foreign key, version 1, insecure", vec![old], key("p256-other")).refused());
    cells
}

/// Without Ed25519: OpenSSL does not read the form in which rcgen writes such a key.
fn over_tls_12() -> Vec<Cell> {
    let authority = root();
    let mut cells = Vec::new();
    for name in ["rsa2048", "rsa2048e3", "p256", "p384", "p521"] {
        let its_key = key(name);
        let issued = server().issued_by(&authority, its_key);
        let own = server().ca().self_signed(its_key);
        let old = server().version_1().issued_by(&authority, its_key);
        let of_this_key = [
            Cell::server(format!("{name}, over TLS 1.2, issued"), vec![issued], its_key).trusting(&authority),
            Cell::server(
                format!("{name}, over TLS 1.2, its own authority"),
                vec![own],
                its_key,
            )
            .trusting_itself(),
            Cell::server(
                format!("{name}, over TLS 1.2, version 1, insecure"),
                vec![old],
                its_key,
            ),
        ];
        cells.extend(of_this_key.map(|cell| match name {
            "p521" => cell.only_kubectl(Reason::P521OverTls12),
            _ => cell,
        }));
    }
    cells.into_iter().map(Cell::over_tls_12).collect()
}
