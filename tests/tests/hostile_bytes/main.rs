//! Kubeconfigs from outside: no bytes cause a panic, from reading to the headers of a request.

mod generator;

use std::panic::{AssertUnwindSafe, catch_unwind};

use kubex::ClientConfiguration;
use kubex_core::host::SimulatedHost;

/// The number of kubeconfigs, and how many of them must lead to a configuration, so that what follows is tested too.
const KUBECONFIGS: u64 = 10_000;
const AT_LEAST_RESOLVED: usize = 1_000;

/// Resolves the bytes as a program does that does not trust them, and asks for everything that a client needs.
async fn use_bytes(bytes: &[u8]) -> bool {
    let world = SimulatedHost::new();
    let resolved = kubex::configure_from_kubeconfig()
        .host(world.host())
        .bytes(bytes.to_vec())
        .await;
    match resolved {
        Ok(configuration) => {
            use_configuration(&configuration).await;
            true
        }
        Err(error) => {
            let _ = format!("{error} {error:#} {error:?} {:?}", error.report());
            false
        }
    }
}

async fn use_configuration(configuration: &ClientConfiguration) {
    let _ = format!("{configuration} {configuration:?} {:#}", configuration.report());
    let _ = configuration.impersonation_headers().len();
    let _ = kubex::rustls::server_name(configuration).map_err(|error| error.to_string());
    match configuration.credentials().current().await {
        Ok(credential) => drop(format!("{:?} {credential:?}", credential.authorization())),
        Err(error) => drop(format!("{error:#} {error:?}")),
    }
}

#[test]
fn hostile_bytes_cause_no_panic() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let mut resolved = 0;
    for number in 0..KUBECONFIGS {
        let bytes = generator::kubeconfig(number);
        let outcome = catch_unwind(AssertUnwindSafe(|| runtime.block_on(use_bytes(&bytes))));
        let text = String::from_utf8_lossy(&bytes);
        resolved += usize::from(outcome.unwrap_or_else(|_| panic!("number {number} panics:\n{text}")));
    }
    assert!(
        resolved > AT_LEAST_RESOLVED,
        "only {resolved} of {KUBECONFIGS} were resolved"
    );
}
