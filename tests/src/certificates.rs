//! Certificates of every kind that a cluster may have, made by rcgen: for the matrix of certificates.

use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose, NameConstraints, PublicKeyData, SigningKey,
    SubjectPublicKeyInfo,
};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use x509_parser::asn1_rs::{Any, Class, FromDer as _};
use x509_parser::prelude::X509Certificate;

use crate::api_server::{element, pem};

const A_DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A key pair in PEM.
#[derive(Debug)]
pub struct Key {
    /// Its name in the matrix: `p521`.
    pub name: String,
    /// The private key in PEM.
    pub pem: String,
    public: SubjectPublicKeyInfo,
    /// `None` if no library here can sign with it.
    pair: Option<KeyPair>,
}

impl Key {
    /// A new key for one of rcgen's algorithms.
    #[allow(
        clippy::expect_used,
        reason = "it fails only where the system has no random numbers left"
    )]
    pub fn generate(name: &str, algorithm: &'static rcgen::SignatureAlgorithm) -> Self {
        let pair = KeyPair::generate_for(algorithm).expect("a key");
        Self::from_parts(name, pair.serialize_pem(), Some(pair), None)
    }

    /// A private key in PKCS #8. `public` is its public key in PEM, which is needed only for a key that no library here can
    /// sign with.
    #[allow(
        clippy::expect_used,
        reason = "the keys of the suite are files that are valid"
    )]
    pub fn from_pem(name: &str, pem: &str, public: Option<&str>) -> Self {
        let pair = public
            .is_none()
            .then(|| KeyPair::from_pem(pem).expect("a key that rcgen can read"));
        Self::from_parts(name, pem.to_owned(), pair, public)
    }

    #[allow(clippy::expect_used, reason = "it is a public key, or that of a pair")]
    fn from_parts(name: &str, pem: String, pair: Option<KeyPair>, public: Option<&str>) -> Self {
        let public = match (&pair, public) {
            (_, Some(public)) => SubjectPublicKeyInfo::from_pem(public),
            (Some(pair), None) => SubjectPublicKeyInfo::from_der(&pair.subject_public_key_info()),
            (None, None) => unreachable!("a key is a pair or has a public key"),
        }
        .expect("a public key");
        Self {
            name: name.to_owned(),
            pem,
            public,
            pair,
        }
    }

    /// Whether a library here can sign with it.
    pub fn can_sign(&self) -> bool {
        self.pair.is_some()
    }

    /// The private key for rustls.
    #[allow(clippy::expect_used, reason = "it was read before")]
    pub fn for_rustls(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::from_pem_slice(self.pem.as_bytes()).expect("a private key")
    }

    #[allow(
        clippy::expect_used,
        reason = "a cell of the matrix that signs with such a key is wrong"
    )]
    fn pair(&self) -> &KeyPair {
        self.pair.as_ref().expect("a key that can sign")
    }
}

/// What a certificate says. By default it is that of a server on 127.0.0.1, valid today.
#[derive(Clone, Debug)]
pub struct Profile {
    name: String,
    parameters: CertificateParams,
    is_version_1: bool,
}

impl Profile {
    /// For the server `127.0.0.1`, and a client alike.
    #[allow(clippy::expect_used, reason = "the name is an address")]
    pub fn new(name: &str) -> Self {
        let mut parameters =
            CertificateParams::new(["127.0.0.1".to_owned(), "localhost".to_owned()]).expect("names");
        let mut subject = DistinguishedName::new();
        subject.push(DnType::CommonName, name);
        parameters.distinguished_name = subject;
        parameters.not_before = (SystemTime::now() - A_DAY).into();
        parameters.not_after = (SystemTime::now() + 300 * A_DAY).into();
        Self {
            name: name.to_owned(),
            parameters,
            is_version_1: false,
        }
    }

    /// For an authority.
    pub fn authority(name: &str) -> Self {
        Self::new(name).with(|it| {
            it.subject_alt_names.clear();
            it.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            it.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        })
    }

    /// Changes its parameters.
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut CertificateParams)) -> Self {
        change(&mut self.parameters);
        self
    }

    /// Version 1, which has no extensions.
    #[must_use]
    pub fn version_1(mut self) -> Self {
        self.is_version_1 = true;
        self.with(|it| it.is_ca = IsCa::NoCa)
    }

    /// Marked as an authority, as `openssl req -x509` marks every certificate.
    #[must_use]
    pub fn ca(self) -> Self {
        self.with(|it| it.is_ca = IsCa::Ca(BasicConstraints::Unconstrained))
    }

    /// Basic constraints that say that it is not an authority.
    #[must_use]
    pub fn explicitly_no_ca(self) -> Self {
        self.with(|it| it.is_ca = IsCa::ExplicitNoCa)
    }

    /// With a limit on the authorities below it.
    #[must_use]
    pub fn path_length(self, limit: u8) -> Self {
        self.with(|it| it.is_ca = IsCa::Ca(BasicConstraints::Constrained(limit)))
    }

    /// Expired yesterday.
    #[must_use]
    pub fn expired(self) -> Self {
        self.with(|it| {
            it.not_before = (SystemTime::now() - 20 * A_DAY).into();
            it.not_after = (SystemTime::now() - A_DAY).into();
        })
    }

    /// Valid from tomorrow.
    #[must_use]
    pub fn future(self) -> Self {
        self.with(|it| it.not_before = (SystemTime::now() + A_DAY).into())
    }

    /// Without an end (RFC 5280, 4.1.2.5).
    #[must_use]
    pub fn endless(self) -> Self {
        self.with(|it| it.not_after = rcgen::date_time_ymd(9999, 12, 31))
    }

    /// For this name alone.
    #[must_use]
    #[allow(clippy::expect_used, reason = "the names of the matrix are valid")]
    pub fn only_named(self, name: &str) -> Self {
        let names = CertificateParams::new([name.to_owned()])
            .expect("a name")
            .subject_alt_names;
        self.with(|it| it.subject_alt_names = names)
    }

    /// With this extended key usage.
    #[must_use]
    pub fn for_purpose(self, purpose: ExtendedKeyUsagePurpose) -> Self {
        self.with(|it| it.extended_key_usages = vec![purpose])
    }

    /// With a key usage that does not include the signing of certificates.
    #[must_use]
    pub fn without_certificate_signing(self) -> Self {
        self.with(|it| it.key_usages = vec![KeyUsagePurpose::DigitalSignature])
    }

    /// With an extension that no program knows.
    #[must_use]
    pub fn unknown_extension(self, is_critical: bool) -> Self {
        let mut extension = CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 55555, 1], vec![5, 0]);
        extension.set_criticality(is_critical);
        self.with(|it| it.custom_extensions = vec![extension])
    }

    /// Permits only these names below it, if `is_permitted`, or excludes them.
    #[must_use]
    pub fn names_below(self, subtree: GeneralSubtree, is_permitted: bool) -> Self {
        let (permitted_subtrees, excluded_subtrees) = if is_permitted {
            (vec![subtree], Vec::new())
        } else {
            (Vec::new(), vec![subtree])
        };
        self.with(|it| {
            it.name_constraints = Some(NameConstraints {
                permitted_subtrees,
                excluded_subtrees,
            });
        })
    }

    /// Signs it with its own key.
    #[allow(clippy::expect_used, reason = "rcgen writes what it was given")]
    pub fn self_signed(&self, key: &Key) -> CertificateDer<'static> {
        let made = self.parameters.self_signed(key.pair()).expect("a certificate");
        self.in_version(made.der(), key)
    }

    /// Has the authority sign it.
    #[allow(clippy::expect_used, reason = "rcgen writes what it was given")]
    pub fn issued_by(&self, issuer: &Authority<'_>, key: &Key) -> CertificateDer<'static> {
        let signer = Issuer::from_params(&issuer.profile.parameters, issuer.key.pair());
        let made = self
            .parameters
            .signed_by(&key.public, &signer)
            .expect("a certificate");
        self.in_version(made.der(), issuer.key)
    }

    fn in_version(&self, made: &CertificateDer<'static>, signer: &Key) -> CertificateDer<'static> {
        if self.is_version_1 {
            as_version_1(made, signer)
        } else {
            made.clone()
        }
    }
}

/// An authority that issues certificates.
#[derive(Debug)]
pub struct Authority<'a> {
    profile: Profile,
    key: &'a Key,
    /// Its own certificate.
    pub certificate: CertificateDer<'static>,
}

impl<'a> Authority<'a> {
    /// A root.
    pub fn root(profile: Profile, key: &'a Key) -> Self {
        let certificate = profile.self_signed(key);
        Self {
            profile,
            key,
            certificate,
        }
    }

    /// An authority below another one.
    pub fn below(issuer: &Authority<'_>, profile: Profile, key: &'a Key) -> Self {
        let certificate = profile.issued_by(issuer, key);
        Self {
            profile,
            key,
            certificate,
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.profile.name
    }
}

/// A certificate in PEM.
pub fn certificate_pem(certificate: &[u8]) -> String {
    pem("CERTIFICATE", certificate)
}

/// The same certificate without version and extensions, signed again: rcgen makes no version 1.
#[allow(clippy::expect_used, reason = "rcgen writes certificates that can be read")]
fn as_version_1(certificate: &CertificateDer<'_>, signer: &Key) -> CertificateDer<'static> {
    const SEQUENCE: u8 = 0x30;
    const BIT_STRING: u8 = 0x03;
    let (_, parsed) = X509Certificate::from_der(certificate).expect("a certificate");
    let signed_part = parsed.tbs_certificate.as_ref();
    let mut rest = Any::from_der(signed_part).expect("its signed part").1.data;
    let mut kept = Vec::new();
    while !rest.is_empty() {
        let (after, field) = Any::from_der(rest).expect("a field");
        if field.class() != Class::ContextSpecific {
            kept.extend_from_slice(rest.strip_suffix(after).expect("the field is before the rest"));
        }
        rest = after;
    }
    let new_signed_part = element(SEQUENCE, &[&kept]);
    let outer = Any::from_der(certificate).expect("a sequence").1.data;
    let after = outer.get(signed_part.len()..).expect("the signed part is first");
    let (old_signature, _) = Any::from_der(after).expect("an algorithm");
    let algorithm = after.strip_suffix(old_signature).expect("the signature is last");
    let signature = signer.pair().sign(&new_signed_part).expect("a signature");
    let signature = element(BIT_STRING, &[&[0], &signature]);
    element(SEQUENCE, &[&new_signed_part, algorithm, &signature]).into()
}
