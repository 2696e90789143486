//! Long chains.

use std::hint::black_box;

use kubex_benches::{Row, Table, alternate};
use kubex_core::{Chain, Options, Source};
use tokio::runtime::Runtime;

/// What the report of a chain takes that finds nothing, up to 1,000 sources.
pub(crate) fn explained(runtime: &Runtime, table: &mut Table) {
    let registry = kubex::registry().expect("the providers are known");
    for count in [10, 100, 1000] {
        let mut builder = Chain::builder(registry.clone());
        for number in 0..count {
            let options = Options::new().set("paths", vec![format!("/nowhere/config-{number}")]);
            let source = Source::new(&format!("source-{number}")).provider("kubeconfig");
            builder = builder.source(source.options(options));
        }
        let chain = builder.build().expect("the options are right");
        let mut ours = || {
            let error = runtime.block_on(chain.resolve()).expect_err("nothing is there");
            black_box(error.report().expect("a chain reports").to_string());
        };
        let [ours] = alternate(10, [&mut ours]);
        let each = ours.median.as_secs_f64() * 1e6 / f64::from(count);
        table.add(
            Row::took(format!("explain {count} sources, none configured"), ours.median)
                .beside(format!("{each:.1} us a source")),
        );
    }
}
