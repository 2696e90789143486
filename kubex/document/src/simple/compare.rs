//! The tree of a document by both readers, for tests and a fuzz target that compare them.

use crate::budget::Budget;
use crate::yaml;

/// Reads a text as simple YAML and as any YAML, and returns both trees as text, with the span of every node. `None` if the
/// text is not simple.
#[must_use]
#[allow(unreachable_pub, reason = "only the fuzz target reaches it")]
pub fn both_ways(text: &str) -> Option<[String; 2]> {
    let budget = &Budget::KUBECONFIG;
    let simple = format!("{:?} None", super::read(text, budget)?);
    let full = match yaml::parse(text, budget) {
        Ok(parsed) => format!("{:?} {:?}", parsed.tree, parsed.rest),
        Err(error) => error.to_string(),
    };
    Some([simple, full])
}
