//! The identity in a client certificate: for Kubernetes the common name is the user, each organization a group.

use std::time::{Duration, SystemTime};

use kubex::{Error, ErrorKind};
use serde::Serialize;
use x509_parser::prelude::{FromDer as _, X509Certificate};
use x509_parser::time::ASN1Time;

use crate::view::{rfc3339, sha256};

/// The identity in a client certificate.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CertificateIdentity {
    username: Option<String>,
    groups: Vec<String>,
    issuer: String,
    sha256: String,
    not_before: Option<String>,
    not_after: Option<String>,
    expired: bool,
    #[serde(skip)]
    end: Option<SystemTime>,
}

impl CertificateIdentity {
    /// When it expires.
    pub(super) fn end(&self) -> Option<SystemTime> {
        self.end
    }

    /// Whether it has expired, by this machine's clock.
    pub(super) fn is_expired(&self) -> bool {
        self.expired
    }

    /// Reads a certificate in DER.
    pub(super) fn read(certificate: &[u8], now: SystemTime) -> kubex::Result<Self> {
        let (_, parsed) = X509Certificate::from_der(certificate).map_err(|_| {
            Error::new(
                ErrorKind::InvalidPem,
                "the client certificate is not a valid X.509 certificate",
            )
        })?;
        let subject = parsed.subject();
        let username = subject
            .iter_common_name()
            .next()
            .and_then(|name| name.as_str().ok());
        let groups = subject.iter_organization().filter_map(|name| name.as_str().ok());
        let not_after = time(parsed.validity().not_after);
        Ok(Self {
            username: username.map(str::to_owned),
            groups: groups.map(str::to_owned).collect(),
            issuer: parsed.issuer().to_string(),
            sha256: sha256(certificate),
            not_before: time(parsed.validity().not_before).map(rfc3339),
            not_after: not_after.map(rfc3339),
            expired: not_after.is_some_and(|end| end < now),
            end: not_after,
        })
    }

    /// For a table.
    pub(super) fn rows(&self) -> Vec<(String, String)> {
        let mut rows = Vec::new();
        let mut add = |field: &str, value: Option<String>| {
            rows.extend(value.map(|value| (format!("certificate {field}"), value)));
        };
        add("username", self.username.clone());
        add(
            "groups",
            (!self.groups.is_empty()).then(|| self.groups.join(", ")),
        );
        add("issuer", Some(self.issuer.clone()));
        add("sha256", Some(self.sha256.clone()));
        add("not before", self.not_before.clone());
        let expired = if self.expired { " (expired)" } else { "" };
        add(
            "not after",
            self.not_after.as_ref().map(|time| format!("{time}{expired}")),
        );
        rows
    }
}

fn time(time: ASN1Time) -> Option<SystemTime> {
    let seconds = time.timestamp();
    let span = Duration::from_secs(seconds.unsigned_abs());
    if seconds < 0 {
        SystemTime::UNIX_EPOCH.checked_sub(span)
    } else {
        SystemTime::UNIX_EPOCH.checked_add(span)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_not_a_certificate_are_an_error() {
        let error = CertificateIdentity::read(&[0x30, 0], SystemTime::UNIX_EPOCH).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidPem);
    }
}
