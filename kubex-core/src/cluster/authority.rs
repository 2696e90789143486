//! Whether a certificate of a CA bundle can verify servers.

use std::time::SystemTime;

use crate::time::rfc3339;
use crate::warning::Warning;
use crate::x509::Purpose;

/// The properties of a certificate that its warnings depend on.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Authority {
    /// `None` if the dates cannot be read.
    validity: Option<(SystemTime, SystemTime)>,
    /// Why it issues no certificates. A certificate without the right to issue others has no such problem: a server may
    /// present it itself.
    problem: Option<&'static str>,
}

/// Why an authority accepts no server.
pub(super) enum Problem {
    Expired(SystemTime),
    NotYetValid(SystemTime),
    Unusable(&'static str),
}

impl Authority {
    pub(crate) fn new(purpose: &Purpose) -> Self {
        let is_authority = purpose.is_ca() || !purpose.allows_server_auth();
        Self {
            validity: Some(purpose.validity()),
            problem: purpose.why_not_an_authority().filter(|_| is_authority),
        }
    }

    /// Why it accepts no server at this time.
    pub(super) fn problem(&self, now: SystemTime) -> Option<Problem> {
        match self.validity? {
            (_, not_after) if not_after < now => Some(Problem::Expired(not_after)),
            (not_before, _) if now < not_before => Some(Problem::NotYetValid(not_before)),
            _ => self.problem.map(Problem::Unusable),
        }
    }
}

impl Problem {
    /// The warning about the certificate of this number and name.
    pub(super) fn warning(self, number: usize, name: &str) -> Warning {
        let about = format!("certificate {number} of the certificate authority, \"{name}\",");
        match self {
            Self::Expired(end) => Warning::new(
                "certificate-authority-expired",
                format_args!(
                    "{about} expired at {}, so it is not trusted; get the cluster's current certificate authority",
                    rfc3339(end)
                ),
            ),
            Self::NotYetValid(begin) => Warning::new(
                "certificate-authority-not-yet-valid",
                format_args!(
                    "{about} is not trusted before {}; check the clock of this machine",
                    rfc3339(begin)
                ),
            ),
            Self::Unusable(problem) => Warning::new(
                "certificate-authority-unusable",
                format_args!(
                    "{about} is not trusted to issue certificates: {problem}; get the cluster's certificate authority"
                ),
            ),
        }
    }
}
