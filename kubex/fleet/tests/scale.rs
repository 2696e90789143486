//! A large fleet: ten thousand clusters of mixed kinds, of which a tenth is broken, and plugins that hang.
//!
//! The default run has a fleet of one twentieth. The whole one takes minutes, and prints the figures of `docs/performance.md`:
//!
//! ```sh
//! cargo test --release -p kubex-fleet --test scale -- --ignored --nocapture
//! ```

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    clippy::print_stdout,
    clippy::too_many_lines,
    reason = "a test that panics fails, and this one writes the files of the fleet"
)]
#![cfg(unix)]

mod registry;

use std::alloc::System;
use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use kubex_core::Host;
use kubex_core::host::{PluginPolicy, PluginRules};
use kubex_fleet::{Fleet, Input, Member, Objects};
use registry::registry;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn bytes_in_use() -> usize {
    let stats = ALLOCATOR.stats();
    stats.bytes_allocated - stats.bytes_deallocated
}

/// How many clusters of each kind there are.
struct Size {
    /// Contexts of one kubeconfig.
    contexts: usize,
    /// Kubeconfigs in a directory.
    files: usize,
    cluster_api: usize,
    argo: usize,
    /// `ClusterProfiles` whose plugin answers.
    profiles: usize,
    /// `ClusterProfiles` whose plugin hangs.
    hanging: usize,
    /// Every one of so many is broken, of those without a plugin.
    broken_of: usize,
}

impl Size {
    fn all(&self) -> usize {
        self.contexts + self.files + self.cluster_api + self.argo + self.profiles + self.hanging
    }
}

/// One context of this server; without a server if it is broken.
fn kubeconfig(name: &str, token: &str, is_broken: bool, authority: &str) -> String {
    let server = if is_broken {
        String::new()
    } else {
        format!("server: \"https://{name}.example\", ")
    };
    format!(
        "current-context: {name}\ncontexts:\n- {{name: {name}, context: {{cluster: {name}, user: {name}}}}}\n\
         clusters:\n- {{name: {name}, cluster: {{{server}certificate-authority-data: {authority}}}}}\n\
         users:\n- {{name: {name}, user: {{token: {token}}}}}\n"
    )
}

fn large_kubeconfig(size: &Size, authority: &str) -> String {
    let (mut contexts, mut clusters, mut users) = (String::new(), String::new(), String::new());
    for number in 0..size.contexts {
        let server = if number % size.broken_of == 0 {
            ""
        } else {
            "server: \"https://c.example\", "
        };
        writeln!(
            contexts,
            "- {{name: c{number}, context: {{cluster: c{number}, user: u{number}}}}}"
        )
        .unwrap();
        writeln!(
            clusters,
            "- {{name: c{number}, cluster: {{{server}certificate-authority-data: {authority}}}}}"
        )
        .unwrap();
        writeln!(users, "- {{name: u{number}, user: {{token: token-{number}}}}}").unwrap();
    }
    format!("contexts:\n{contexts}clusters:\n{clusters}users:\n{users}")
}

fn cluster_api(number: usize, is_broken: bool, authority: &str) -> String {
    let kubeconfig = kubeconfig(
        &format!("capi{number}"),
        &format!("token-{number}"),
        is_broken,
        authority,
    );
    let data = BASE64_STANDARD.encode(kubeconfig);
    format!(
        "---\napiVersion: v1\nkind: Secret\ntype: cluster.x-k8s.io/secret\n\
         metadata: {{name: capi{number}-kubeconfig, namespace: fleet}}\ndata: {{value: {data}}}\n"
    )
}

fn argo(number: usize, is_broken: bool, authority: &str) -> String {
    let config =
        format!(r#"{{"bearerToken": "token-{number}", "tlsClientConfig": {{"caData": "{authority}"}}}}"#);
    let config = if is_broken {
        &config[..config.len() / 2]
    } else {
        &config
    };
    let (server, config) = (
        BASE64_STANDARD.encode(format!("https://a{number}.example")),
        BASE64_STANDARD.encode(config),
    );
    format!(
        "---\napiVersion: v1\nkind: Secret\nmetadata: {{name: argo{number}, namespace: argocd, labels: \
         {{argocd.argoproj.io/secret-type: cluster}}}}\ndata: {{server: {server}, config: {config}}}\n"
    )
}

fn profile(name: &str, provider: &str, authority: &str) -> String {
    format!(
        "---\napiVersion: multicluster.x-k8s.io/v1alpha1\nkind: ClusterProfile\nmetadata: {{name: {name}, namespace: fleet}}\n\
         status:\n  accessProviders:\n  - {{name: {provider}, cluster: {{server: \"https://{name}.example\", \
         certificate-authority-data: {authority}}}}}\n"
    )
}

fn plugin(path: &Path, script: &str) {
    std::fs::write(path, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// Writes the world of the fleet. The files have a few hundred objects each, and hanging plugins are among the good ones.
fn write_world(directory: &Path, size: &Size, authority: &str) {
    let kubeconfigs = directory.join("kubeconfigs");
    let hub = directory.join("hub");
    std::fs::create_dir_all(&kubeconfigs).unwrap();
    std::fs::create_dir_all(&hub).unwrap();
    std::fs::write(directory.join("config"), large_kubeconfig(size, authority)).unwrap();
    for number in 0..size.files {
        let text = kubeconfig(
            "only",
            &format!("token-{number}"),
            number % size.broken_of == 0,
            authority,
        );
        std::fs::write(kubeconfigs.join(format!("f{number}")), text).unwrap();
    }
    let mut objects: Vec<String> = Vec::new();
    objects.extend((0..size.cluster_api).map(|n| cluster_api(n, n % size.broken_of == 0, authority)));
    objects.extend((0..size.argo).map(|n| argo(n, n % size.broken_of == 0, authority)));
    objects.extend((0..size.profiles).map(|n| profile(&format!("good{n}"), "good", authority)));
    objects.extend((0..size.hanging).map(|n| profile(&format!("hangs{n}"), "hangs", authority)));
    for (number, part) in objects.chunks(200).enumerate() {
        std::fs::write(hub.join(format!("{number}.yaml")), part.concat()).unwrap();
    }
    let answer = r#"{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": "plugin"}}"#;
    plugin(&directory.join("good"), &format!("echo '{answer}'"));
    plugin(&directory.join("hangs"), "exec sleep 1000");
    // Each cluster has a run of its own, because it gets the cluster.
    let exec = |name: &str| {
        format!(
            r#"{{"name": "{name}", "execConfig": {{"apiVersion": "client.authentication.k8s.io/v1", "command": "{}", "provideClusterInfo": true}}}}"#,
            directory.join(name).display()
        )
    };
    let providers = format!(r#"{{"providers": [{}, {}]}}"#, exec("good"), exec("hangs"));
    std::fs::write(directory.join("providers.json"), providers).unwrap();
}

fn authority() -> String {
    // The usual size of a cluster's authority.
    let key = rcgen::KeyPair::generate().unwrap();
    let mut parameters = rcgen::CertificateParams::new(vec!["kubernetes".to_owned()]).unwrap();
    parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    BASE64_STANDARD.encode(parameters.self_signed(&key).unwrap().pem())
}

async fn run(size: Size, start_limit: Duration, answer_limit: Duration) {
    let directory = tempfile::tempdir().unwrap();
    let authority = authority();
    write_world(directory.path(), &size, &authority);
    let at = |name: &str| directory.path().join(name);
    let objects = Objects::new();
    let before = bytes_in_use();
    let began = Instant::now();
    let fleet = Fleet::builder(registry())
        .host(Host::real())
        .plugin_rules(
            PluginRules::new()
                .policy(PluginPolicy::allow_all())
                .deadline(Duration::from_secs(30)),
        )
        .input(Input::kubeconfig("contexts", at("config")))
        .input(Input::kubeconfigs("files", at("kubeconfigs")))
        .input(Input::manifests("hub", at("hub")).access_providers(at("providers.json")))
        .input(Input::objects("objects", &objects))
        .start()
        .await
        .unwrap();
    fleet.settled().await;
    let started = began.elapsed();
    assert!(started < start_limit, "{started:?}");
    // The tasks that have read the inputs end a moment later.
    let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    for _ in 0..1000 {
        if tasks() == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(tasks(), 1, "one timer for all");
    let members = fleet.members();
    assert_eq!(members.len(), size.all());
    let broken = members
        .iter()
        .filter(|member| member.configuration().is_err())
        .count();
    let expected = [size.contexts, size.files, size.cluster_api, size.argo]
        .map(|number| number.div_ceil(size.broken_of));
    assert_eq!(broken, expected.iter().sum::<usize>(), "{}", fleet.report());
    drop(members);
    let for_each = (bytes_in_use() - before) / size.all();

    let began = Instant::now();
    let mut asked = tokio::task::JoinSet::new();
    for member in fleet.members() {
        if member.configuration().is_err() || member.name().contains("/hangs") {
            if let Ok(configuration) = member.configuration() {
                // It is asked for as the others are, and its answer is not waited for.
                let credentials = configuration.credentials().clone();
                tokio::spawn(async move { credentials.current().await.map(drop) });
            }
            continue;
        }
        asked.spawn(async move {
            member
                .configuration()
                .unwrap()
                .credentials()
                .current()
                .await
                .map(drop)
        });
    }
    while let Some(answer) = asked.join_next().await {
        answer.unwrap().unwrap();
    }
    let answered = began.elapsed();
    assert!(answered < answer_limit, "{answered:?}");
    assert!(
        fleet.most_plugins_at_once() <= 8,
        "{}",
        fleet.most_plugins_at_once()
    );
    let for_each_in_use = (bytes_in_use() - before) / size.all();

    let manifests: Vec<Vec<u8>> = (0..size.argo)
        .map(|number| argo(number, false, &authority).into_bytes())
        .collect();
    let began = Instant::now();
    for manifest in &manifests {
        objects.apply(manifest.clone()).unwrap();
    }
    fleet.settled().await;
    let added = began.elapsed();
    assert_eq!(fleet.members().len(), size.all() + size.argo);
    let began = Instant::now();
    objects.replace(Vec::<Vec<u8>>::new()).unwrap();
    fleet.settled().await;
    let removed = began.elapsed();
    assert_eq!(fleet.members().len(), size.all());
    let whole = fleet.members().iter().map(Member::name).collect::<Vec<_>>().len();
    let rate = |took: Duration| (size.argo as f64 / took.as_secs_f64()).round();
    println!(
        "{whole} clusters, {broken} broken, {} plugins that hang: started in {started:?}; {for_each} bytes for each, {for_each_in_use} with \
         its credential; all good ones answered in {answered:?}, at most {} plugins at once; {} added a second, {} removed a second",
        size.hanging,
        fleet.most_plugins_at_once(),
        rate(added),
        rate(removed),
    );
    assert!(for_each <= 16 * 1024, "{for_each} bytes");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fleet_of_five_hundred_clusters() {
    let size = Size {
        contexts: 150,
        files: 100,
        cluster_api: 100,
        argo: 100,
        profiles: 45,
        hanging: 5,
        broken_of: 10,
    };
    run(size, Duration::from_secs(60), Duration::from_secs(120)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "it takes minutes; its figures are in docs/performance.md"]
async fn a_fleet_of_ten_thousand_clusters() {
    let size = Size {
        contexts: 3_000,
        files: 2_000,
        cluster_api: 2_000,
        argo: 2_000,
        profiles: 900,
        hanging: 100,
        broken_of: 9,
    };
    run(size, Duration::from_secs(120), Duration::from_secs(900)).await;
}
