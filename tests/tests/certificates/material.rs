//! The keys and authorities that the cells share.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use kubex_tests::certificates::{Authority, Key, Profile};

/// Made once for all cells.
pub static MATERIAL: LazyLock<Material> = LazyLock::new(Material::new);

#[derive(Debug)]
pub struct Material {
    keys: BTreeMap<&'static str, Key>,
}

impl Material {
    fn new() -> Self {
        let mut keys = BTreeMap::new();
        for (name, pem, public) in [
            (
                "rsa1024",
                include_str!("keys/rsa1024.pem"),
                Some(include_str!("keys/rsa1024.public.pem")),
            ),
            (
                "rsa1536",
                include_str!("keys/rsa1536.pem"),
                Some(include_str!("keys/rsa1536.public.pem")),
            ),
            ("rsa2048", include_str!("keys/rsa2048.pem"), None),
            ("rsa2048e3", include_str!("keys/rsa2048e3.pem"), None),
            ("rsa2056", include_str!("keys/rsa2056.pem"), None),
            ("rsa3000", include_str!("keys/rsa3000.pem"), None),
            ("rsa3072", include_str!("keys/rsa3072.pem"), None),
            ("rsa4096", include_str!("keys/rsa4096.pem"), None),
            ("rsa4097", include_str!("keys/rsa4097.pem"), None),
            ("rsa8192", include_str!("keys/rsa8192.pem"), None),
        ] {
            keys.insert(name, Key::from_pem(name, pem, public));
        }
        for (name, algorithm) in [
            ("p256", &rcgen::PKCS_ECDSA_P256_SHA256),
            ("p256-other", &rcgen::PKCS_ECDSA_P256_SHA256),
            ("p256-root", &rcgen::PKCS_ECDSA_P256_SHA256),
            ("p256-below", &rcgen::PKCS_ECDSA_P256_SHA256),
            ("p384", &rcgen::PKCS_ECDSA_P384_SHA384),
            ("p521", &rcgen::PKCS_ECDSA_P521_SHA512),
            ("ed25519", &rcgen::PKCS_ED25519),
            ("ed25519-other", &rcgen::PKCS_ED25519),
        ] {
            keys.insert(name, Key::generate(name, algorithm));
        }
        Self { keys }
    }

    pub fn key(&self, name: &str) -> &Key {
        &self.keys[name]
    }
}

/// The key of this name.
pub fn key(name: &str) -> &'static Key {
    MATERIAL.key(name)
}

/// The kinds of keys that a client or a server may have.
pub const KEYS: [&str; 14] = [
    "rsa1024",
    "rsa1536",
    "rsa2048",
    "rsa2048e3",
    "rsa2056",
    "rsa3000",
    "rsa3072",
    "rsa4096",
    "rsa4097",
    "rsa8192",
    "p256",
    "p384",
    "p521",
    "ed25519",
];

/// A root authority.
pub fn root() -> Authority<'static> {
    root_with(Profile::authority("root"))
}

/// A root authority that says this of itself.
pub fn root_with(profile: Profile) -> Authority<'static> {
    Authority::root(profile, key("p256-root"))
}

/// An authority below the root.
pub fn below(issuer: &Authority<'_>, profile: Profile) -> Authority<'static> {
    Authority::below(issuer, profile, key("p256-below"))
}
