//! The report of a fleet: each member, where it comes from, and its problem.

use std::fmt;
use std::sync::Arc;

use kubex_core::text::{clean_line, write_sanitized};
use kubex_core::{Error, Origin};

/// A member in a [`FleetReport`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ReportedMember {
    /// The name of the member.
    pub name: Arc<str>,
    /// The place where the member is defined.
    pub origin: Origin,
    /// A description of the configuration: the server, the namespace and the kind of credential. An error if the member is
    /// broken.
    pub outcome: Result<String, Error>,
    /// The reason why the newest definition of the member is not used; the member then keeps its earlier configuration. `None`
    /// if the newest definition is used.
    pub problem: Option<Error>,
}

/// A list of clusters that the fleet reads, such as a kubeconfig or a Secret, and its state, in a [`FleetReport`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ReportedInput {
    /// The name of the input.
    pub name: Arc<str>,
    /// The number of members that come from this input.
    pub members: usize,
    /// The problems of the input itself, such as a file that cannot be read. The members of such a file stay as they
    /// were. Empty if there are no problems.
    pub problems: Vec<Error>,
}

/// A report of all inputs and members of a fleet. Its `Display` output is for users: one line for each input and each
/// member, and the problems. It contains no secrets.
///
/// ```text
/// hub: 2 members
///    warning: the manifest is not valid YAML: expected a value (/hub/c.yaml:1:9)
/// hub/secrets/argocd/a: https://10.0.0.1:6443, namespace default, bearer token (/hub/a.yaml:1:1)
/// hub/secrets/argocd/b: failed: the Secret has no "server" (/hub/b.yaml:1:1, data.server); set "server" to the address of the cluster, https://host:port
/// ```
#[derive(Clone, Debug, Default)]
pub struct FleetReport {
    pub(crate) inputs: Vec<ReportedInput>,
    pub(crate) members: Vec<ReportedMember>,
}

impl FleetReport {
    /// Returns the inputs, in the order in which the program added them. An input is a place where clusters are
    /// defined.
    pub fn inputs(&self) -> &[ReportedInput] {
        &self.inputs
    }

    /// Returns the members, sorted by name.
    pub fn members(&self) -> &[ReportedMember] {
        &self.members
    }
}

impl fmt::Display for FleetReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_sanitized(f, Lines(self))
    }
}

struct Lines<'r>(&'r FleetReport);

impl fmt::Display for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for ReportedInput {
            name,
            members,
            problems,
        } in &self.0.inputs
        {
            let unit = if *members == 1 { "member" } else { "members" };
            write!(f, "{separator}{}: {members} {unit}", clean_line(name))?;
            separator = "\n";
            for problem in problems {
                write!(f, "\n   warning: {}", indented(problem))?;
            }
        }
        for member in &self.0.members {
            let name = clean_line(&member.name);
            match &member.outcome {
                Ok(outcome) => write!(f, "{separator}{name}: {outcome} ({})", member.origin)?,
                Err(error) => write!(f, "{separator}{name}: failed: {}", indented(error))?,
            }
            separator = "\n";
            if let Some(problem) = &member.problem {
                write!(f, "\n   warning: kept as it was: {}", indented(problem))?;
            }
        }
        Ok(())
    }
}

fn indented(error: &Error) -> String {
    error.to_string().replace('\n', "\n   ")
}
