//! What holds of every kubeconfig, found out with many that nobody wrote.
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
#[allow(dead_code, reason = "the tests of the layout use the positions")]
mod marks;
mod meaning;
mod merging;
mod secrets;
mod shown;
#[allow(dead_code, reason = "the tests of the layout use documents of any kind")]
mod written;

use std::future::Future;

use proptest::prelude::*;
use proptest::test_runner::{RngSeed, TestError, TestRunner};

/// Runs the cases; what failed is told as the case itself says it.
fn check<S: Strategy>(cases: &S, test: impl Fn(S::Value) -> Result<(), TestCaseError>) {
    let mut config = ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    if config.rng_seed == RngSeed::Random {
        config.rng_seed = RngSeed::Fixed(1);
    }
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
