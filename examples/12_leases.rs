//! Replicas divide a fleet: each shard of it has a Lease in the hub, and the replica that holds the Lease works on the clusters
//! of the shard. When a replica dies, its Leases expire, and the others take its clusters over.
//!
//! The Leases are held by `kube-lease-manager`, which renews them by server-side apply. Two replicas hold one only while one of
//! them does not know yet that its Lease has expired, such as a process that was stopped for longer than that. What it does
//! until its next renewal fails is not prevented: see "Several replicas" in `docs/fleets.md`. Your own program would begin with
//! `kubex::kube::try_default().await?` in place of the embedded server, and take the ordinal from the name of its pod in a
//! StatefulSet.

use std::collections::BTreeSet;
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use kube_lease_manager::{LeaseManagerBuilder, LeaseParams};
use kubex::fleet::{Fleet, Input, Objects};
use kubex_tests::api_server::{ApiServer, User};
use serde_json::json;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// More than there will ever be replicas. Each costs two requests a renewal.
const SHARDS: usize = 4;

/// How long a Lease is held without renewal, in seconds. A real program takes 30, and a grace of 5.
const DURATION: u64 = 3;
const GRACE: u64 = 1;

/// The shard of a cluster: the same in every replica.
fn shard_of(member: &str) -> usize {
    let hash = member.bytes().fold(0_usize, |hash, byte| {
        hash.wrapping_mul(31).wrapping_add(usize::from(byte))
    });
    hash % SHARDS
}

/// How long a replica leaves the shards of the others to them, so that all can start.
const HEAD_START: Duration = Duration::from_secs(8);

/// One replica of the program. Its work ends with its runtime, as in a process that dies.
struct Replica {
    fleet: Fleet,
    /// The shards whose Leases it holds, as of its last renewal.
    held: Arc<Mutex<BTreeSet<usize>>>,
}

impl Replica {
    /// Starts replica number `ordinal` of so many.
    async fn start(hub: &kube::Client, fleet: Fleet, ordinal: usize, replicas: usize) -> Result<Self> {
        let held = Arc::new(Mutex::new(BTreeSet::new()));
        for shard in 0..SHARDS {
            let parameters = LeaseParams::new(format!("replica-{ordinal}"), DURATION, GRACE);
            let manager = LeaseManagerBuilder::new(hub.clone(), format!("fleet-shard-{shard}"))
                .with_namespace("fleet")
                .with_parameters(parameters)
                .build()
                .await?;
            let held = Arc::clone(&held);
            tokio::spawn(async move {
                if shard % replicas != ordinal {
                    tokio::time::sleep(HEAD_START).await;
                }
                let (mut is_held, _) = manager.watch().await;
                while is_held.changed().await.is_ok() {
                    let is_held = *is_held.borrow_and_update();
                    let mut held = held.lock().unwrap_or_else(PoisonError::into_inner);
                    if is_held {
                        held.insert(shard);
                    } else {
                        held.remove(&shard);
                    }
                }
            });
        }
        Ok(Self { fleet, held })
    }

    /// The clusters that are this replica's now. The others cost it no request and no plugin run, because credentials are
    /// fetched on demand.
    fn clusters(&self) -> BTreeSet<String> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let members = self
            .fleet
            .members()
            .into_iter()
            .map(|member| member.name().to_owned());
        members.filter(|name| held.contains(&shard_of(name))).collect()
    }
}

/// A fleet of 20 clusters.
async fn fleet() -> Result<Fleet> {
    let objects = Objects::new();
    let input = Input::objects("hub", &objects);
    let fleet = Fleet::builder(kubex::registry()?).input(input).start().await?;
    for number in 0..20 {
        let secret = json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": format!("cluster-{number}"), "namespace": "fleet",
                "labels": {"argocd.argoproj.io/secret-type": "cluster"}},
            "stringData": {"server": format!("https://cluster-{number}.example"), "config": r#"{"bearerToken": "abc"}"#},
        });
        objects.apply(serde_json::to_vec(&secret)?)?;
    }
    fleet.settled().await;
    Ok(fleet)
}

/// Waits until the replicas have so many clusters, and each cluster at most one replica. Fails if two have the same one.
async fn wait_for(replicas: &[&Replica], expected: &[usize]) -> Result<()> {
    let began = Instant::now();
    loop {
        let clusters: Vec<_> = replicas.iter().map(|replica| replica.clusters()).collect();
        let all: BTreeSet<_> = clusters.iter().flatten().collect();
        let numbers: Vec<_> = clusters.iter().map(BTreeSet::len).collect();
        if all.len() != numbers.iter().sum::<usize>() {
            return Err(format!("two replicas have the same cluster: {clusters:?}").into());
        }
        if numbers == expected {
            return Ok(());
        }
        if began.elapsed() > Duration::from_secs(60) {
            return Err(format!("expected {expected:?} clusters, but the replicas have {numbers:?}").into());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let server = ApiServer::builder().start().await?;
    server.accept_token("t0ken", User::new("fleet"));
    server.keep_objects("coordination.k8s.io/v1", "Lease", "leases");
    let configuration = kubex::configure()
        .url(server.url())
        .server_ca_pem(server.ca_pem())
        .token("t0ken")
        .await?;
    let hub = kubex::kube::client(&configuration)?;

    let first = Replica::start(&hub, fleet().await?, 0, 2).await?;
    let process = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    let second = process.spawn(async move { Replica::start(&hub, fleet().await?, 1, 2).await });
    let second = second.await??;
    let members = first.fleet.members();
    let of_first = members
        .iter()
        .filter(|member| shard_of(member.name()).is_multiple_of(2))
        .count();
    let of_second = members.len() - of_first;
    wait_for(&[&first, &second], &[of_first, of_second]).await?;
    println!("the first replica has {of_first} clusters, the second has {of_second}");

    // A process that dies does not give its Leases back.
    process.shutdown_background();
    let died = Instant::now();
    let lease = server
        .object("Lease", "fleet", "fleet-shard-1")
        .unwrap_or_default();
    println!(
        "the second replica has died; its Lease still names {}",
        lease["spec"]["holderIdentity"]
    );
    wait_for(&[&first], &[members.len()]).await?;
    println!(
        "the first replica has taken them over after {} s",
        died.elapsed().as_secs()
    );
    server.shutdown().await;
    Ok(())
}

#[cfg(test)]
#[test]
fn it_runs() {
    main().unwrap();
}
