//! Random kubeconfigs, asked by Kubex and by kubectl: what arrives at the server is compared.
//!
//! A seed makes a case: fields of a kubeconfig and oddities of YAML ([`picks`]), overrides, several files, proxies of the
//! environment and answers of plugins. Both clients ask the same servers on this machine. A difference either belongs to
//! a decision, which is a row of `docs/kubeconfig.md` ([`decisions`]), or fails with its seed.
//!
//! ```sh
//! cargo test --test wire                                          # 200 cases, and all pairs of override and field
//! WIRE_CASES=20000 cargo test --test wire random -- --nocapture   # more of them
//! WIRE_SEED=1234 cargo test --test wire random -- --nocapture     # one case, with what both did
//! ```

#![cfg(unix)]

mod case;
mod chance;
mod decisions;
mod overriding;
mod picks;
mod plugin_input;
mod scripts;
mod world;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use kubex_tests::kubectl::Kubectl;
use kubex_tests::machine::not_tested;

use self::case::Case;
use self::decisions::{DECISIONS, Verdict, judge};
use self::world::World;

/// How many cases a run of the suite has.
const CASES: u64 = 200;

/// The first seed, unless `WIRE_FIRST_SEED` says otherwise.
const FIRST_SEED: u64 = 1;

/// How many cases run at a time, unless `WIRE_WORKERS` says otherwise.
const WORKERS: u64 = 2;

/// The counts of a run, and what was not explained.
#[derive(Default)]
struct Tally {
    same_arrived: u64,
    same_refused: u64,
    decisions: BTreeMap<&'static str, u64>,
    unexplained: Vec<String>,
}

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |text| text.parse().expect("a number"))
}

/// The oldest kubectl whose `get --raw` keeps the path of the server's address and takes every override.
const OLDEST: (u32, u32) = (1, 36);

/// The kubectl to compare with; prints what is not tested if there is none.
fn kubectl(what: &str) -> Option<Kubectl> {
    let found = Kubectl::find().and_then(|kubectl| {
        if kubectl.number < OLDEST {
            return Err(format!(
                "{} is older than {}.{}",
                kubectl.version, OLDEST.0, OLDEST.1
            ));
        }
        Ok(kubectl)
    });
    found.map_err(|reason| not_tested(what, &reason)).ok()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime")
}

#[test]
fn a_random_kubeconfig_puts_on_the_wire_what_kubectl_puts_there() {
    let Some(kubectl) = kubectl("random comparison with kubectl") else {
        return;
    };
    if let Ok(seed) = std::env::var("WIRE_SEED") {
        let case = Case::from_seed(seed.parse().expect("a number"));
        println!("{case}");
        runtime().block_on(async {
            let world = World::start().await.expect("a world");
            let kubex = world.ask_kubex(&case).await;
            let kubectl = world.ask_kubectl(&kubectl, &case).await;
            println!(
                "Kubex   {kubex:?}\nkubectl {kubectl:?}\n{:?}",
                judge(&case, &kubex, &kubectl)
            );
        });
        return;
    }
    let first = number("WIRE_FIRST_SEED", FIRST_SEED);
    let end = first + number("WIRE_CASES", CASES);
    let next = Arc::new(AtomicU64::new(first));
    let tally = Arc::new(Mutex::new(Tally::default()));
    let workers: Vec<_> = (0..number("WIRE_WORKERS", WORKERS))
        .map(|_| {
            let (next, tally, kubectl) = (Arc::clone(&next), Arc::clone(&tally), kubectl.clone());
            std::thread::spawn(move || {
                let runtime = runtime();
                runtime.block_on(work(&next, end, &kubectl, &tally));
                runtime.shutdown_background();
            })
        })
        .collect();
    for worker in workers {
        worker.join().expect("a worker ends well");
    }
    let tally = tally.lock().unwrap();
    print(&tally, &kubectl.version);
    assert!(
        tally.unexplained.is_empty(),
        "{} differences belong to no decision:\n{}",
        tally.unexplained.len(),
        tally.unexplained.join("\n")
    );
}

async fn work(next: &AtomicU64, end: u64, kubectl: &Kubectl, tally: &Mutex<Tally>) {
    let world = World::start().await.expect("a world");
    loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= end {
            return;
        }
        let case = Case::from_seed(seed);
        let kubex = world.ask_kubex(&case).await;
        let asked = world.ask_kubectl(kubectl, &case).await;
        let verdict = judge(&case, &kubex, &asked);
        let mut tally = tally.lock().unwrap();
        match verdict {
            Verdict::SameArrived => tally.same_arrived += 1,
            Verdict::SameRefused => tally.same_refused += 1,
            Verdict::Decided(id) => *tally.decisions.entry(id).or_default() += 1,
            Verdict::Unexplained => {
                let text = format!("seed {seed}: {case}\n  Kubex   {kubex:?}\n  kubectl {asked:?}");
                if std::env::var_os("WIRE_CASES").is_some() {
                    eprintln!("{text}");
                }
                tally.unexplained.push(text);
            }
        }
        let done = tally.same_arrived + tally.same_refused + tally.decisions.values().sum::<u64>();
        if done.is_multiple_of(500) {
            print(&tally, &kubectl.version);
        }
    }
}

fn print(tally: &Tally, version: &str) {
    println!(
        "compared with kubectl {version}: {} arrived as the same, {} refused by both, {} not explained",
        tally.same_arrived,
        tally.same_refused,
        tally.unexplained.len()
    );
    for (id, count) in &tally.decisions {
        println!("  {count:6} {id}");
    }
}

#[test]
fn every_decision_is_a_row_of_the_documentation() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/kubeconfig.md");
    let page = std::fs::read_to_string(page).expect("the page");
    for decision in DECISIONS {
        let row = format!("| {} |", decision.row);
        assert!(
            page.contains(&row),
            "docs/kubeconfig.md has no row that begins with {row}"
        );
    }
}

#[test]
fn one_seed_makes_one_case() {
    for seed in 0..50 {
        assert_eq!(
            Case::from_seed(seed).to_string(),
            Case::from_seed(seed).to_string()
        );
    }
}
