//! Properties of every kubeconfig, tested with generated ones.
//!
//! The cases are the same in every run. `PROPTEST_RNG_SEED` asks for others, `PROPTEST_CASES` for more.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what fails in a helper of a test fails the test"
)]

#[path = "../behaviour/scene.rs"]
#[allow(dead_code, reason = "the suite `behaviour` uses the rest")]
mod scene;

mod edits;
mod kubeconfigs;
mod marks;
mod meaning;
mod merging;
mod positions;
mod secrets;
mod shown;
mod written;

use std::future::Future;

use proptest::prelude::*;
use proptest::test_runner::{RngSeed, TestError, TestRunner};

/// Runs the cases; what failed is told as the case itself says it.
fn check<S: Strategy>(cases: &S, test: impl Fn(S::Value) -> Result<(), TestCaseError>) {
    check_times(1, cases, test);
}

/// The same, with so many times as many cases.
fn check_times<S: Strategy>(times: u32, cases: &S, test: impl Fn(S::Value) -> Result<(), TestCaseError>) {
    let mut config = ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    if config.rng_seed == RngSeed::Random {
        config.rng_seed = RngSeed::Fixed(1);
    }
    config.cases *= times;
    match TestRunner::new(config).run(cases, test) {
        Ok(()) => {}
        Err(TestError::Fail(reason, _) | TestError::Abort(reason)) => panic!("{}", reason.message()),
    }
}

/// Waits for what never waits: the simulated host answers at once.
fn now<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(future)
}
