//! `insecure-skip-tls-verify`: the warning that any certificate is accepted.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use kubex_core::{Cluster, LiveTrust, Trust};

/// The servers for which this process has logged the warning.
static WARNED_OF: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Logs a warning that the certificate of this server is not verified, once per server and process.
pub(crate) fn warn_if_insecure(cluster: &Cluster, trust: &LiveTrust) {
    if !cluster.server.is_encrypted() || !matches!(trust.try_current().trust(), Trust::Insecure) {
        return;
    }
    let server = cluster.server.to_string();
    let is_new = WARNED_OF
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .insert(server.clone());
    if is_new {
        tracing::warn!(
            target: "kubex::trust",
            outcome = "insecure",
            %server,
            "the server's certificate is not verified: any server that responds receives the credential"
        );
    }
}
