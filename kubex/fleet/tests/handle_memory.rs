//! What a followed handle takes. It is the only test of its process, because it counts what the whole process allocates.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that panics fails, and this one prints its figures"
)]

use std::alloc::System;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use kubex_core::Registry;
use kubex_fleet::{Fleet, Input, Objects};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const NUMBER: usize = 300;

fn bytes_in_use() -> usize {
    let stats = ALLOCATOR.stats();
    stats.bytes_allocated - stats.bytes_deallocated
}

fn manifest(number: usize, authority: &str) -> Vec<u8> {
    let config =
        format!(r#"{{"bearerToken": "token-{number}", "tlsClientConfig": {{"caData": "{authority}"}}}}"#);
    let [server, config] =
        [format!("https://a{number}.example"), config].map(|text| BASE64_STANDARD.encode(text));
    let manifest = format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{name: argo{number}, namespace: argocd, labels: \
         {{argocd.argoproj.io/secret-type: cluster}}}}\ndata: {{server: {server}, config: {config}}}\n"
    );
    manifest.into_bytes()
}

fn authority() -> String {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut parameters = rcgen::CertificateParams::new(vec!["kubernetes".to_owned()]).unwrap();
    parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    BASE64_STANDARD.encode(parameters.self_signed(&key).unwrap().pem())
}

/// Asks every member for its credential.
async fn use_all(fleet: &Fleet) {
    for member in fleet.members() {
        let configuration = member.configuration().unwrap();
        configuration.credentials().current().await.unwrap();
    }
}

/// What a member takes, in bytes: its definition, its handle, and its handle with a credential.
struct Taken {
    definition: usize,
    handle: usize,
    in_use: usize,
}

/// Adds members with these certificate authorities, one for each, and measures what one of them takes.
async fn measure(authorities: &[String]) -> Taken {
    let registry = Registry::from_registrations([&kubex_static::REGISTRATION]).unwrap();
    let objects = Objects::new();
    let fleet = Fleet::builder(registry)
        .input(Input::objects("hub", &objects))
        .start()
        .await
        .unwrap();
    // What is allocated once is not counted.
    objects
        .apply(manifest(authorities.len(), authorities.first().unwrap()))
        .unwrap();
    fleet.settled().await;
    use_all(&fleet).await;
    let before = bytes_in_use();
    for (number, authority) in authorities.iter().enumerate() {
        objects.apply(manifest(number, authority)).unwrap();
    }
    let defined = bytes_in_use();
    fleet.settled().await;
    let resolved = bytes_in_use();
    use_all(&fleet).await;
    let used = bytes_in_use();
    let [definition, handle, in_use] =
        [defined - before, resolved - defined, used - defined].map(|bytes| bytes / authorities.len());
    Taken {
        definition,
        handle,
        in_use,
    }
}

/// A handle has its chain, its configuration with the authority, and its credential. The definition of its member is counted
/// apart.
#[tokio::test]
async fn what_a_handle_takes_is_bounded() {
    let one = vec![authority(); NUMBER];
    let own: Vec<_> = (0..NUMBER).map(|_| authority()).collect();
    for (which, authorities, limit) in [
        ("with one authority for all", one, 4 * 1024),
        ("with an authority of its own", own, 5 * 1024 + 512),
    ] {
        let Taken {
            definition,
            handle,
            in_use,
        } = measure(&authorities).await;
        println!(
            "{which}: {definition} bytes for the definition, {handle} for a handle, {in_use} for one in use"
        );
        assert!(in_use <= limit, "{which}: {in_use}");
    }
}
