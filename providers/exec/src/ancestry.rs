//! The ancestors of this process. They show that a plugin runs itself, even if a wrapper has removed the variable of
//! [`recursion`](crate::recursion).

use crate::native::process_table::{Member, ancestors};
use crate::recursion::VARIABLE;

/// How often the same command line may occur among the ancestors. A server may start workers with its own command line.
const MAX_REPETITIONS: usize = 2;

/// The ancestors of this process.
pub(crate) struct Ancestry {
    own: Vec<String>,
    ancestors: Vec<Ancestor>,
}

struct Ancestor {
    command_line: Vec<String>,
    stack: Option<String>,
}

impl Ancestry {
    pub(crate) fn read() -> Self {
        let of = |member: &Member| Ancestor {
            command_line: member.command_line(),
            stack: member.variable(VARIABLE),
        };
        let own = Member::find(std::process::id().cast_signed());
        Self {
            own: own.map(|own| own.command_line()).unwrap_or_default(),
            ancestors: ancestors().iter().map(of).collect(),
        }
    }

    /// The variable of the nearest ancestor that has it.
    pub(crate) fn stack(&self) -> Option<&str> {
        self.ancestors
            .iter()
            .find_map(|ancestor| ancestor.stack.as_deref())
    }

    /// Whether this process, or the plugin that it is about to run, repeats itself among the ancestors.
    pub(crate) fn repeats(&self, program: &str, arguments: &[String]) -> bool {
        let is_of_plugin = |line: &Vec<String>| {
            // The interpreter of a script is in front.
            let parts = line.strip_suffix(arguments).unwrap_or_default();
            parts.last().is_some_and(|last| last == program)
        };
        let is_own = |line: &Vec<String>| !line.is_empty() && *line == self.own;
        let count = |is_like: &dyn Fn(&Vec<String>) -> bool| {
            let ancestors = self.ancestors.iter();
            ancestors
                .filter(|ancestor| is_like(&ancestor.command_line))
                .count()
        };
        count(&is_of_plugin) >= MAX_REPETITIONS || count(&is_own) > MAX_REPETITIONS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    fn ancestry(own: &str, ancestors: &[&str]) -> Ancestry {
        let of = |text: &&str| Ancestor {
            command_line: line(text),
            stack: None,
        };
        Ancestry {
            own: line(own),
            ancestors: ancestors.iter().map(of).collect(),
        }
    }

    #[test]
    fn a_chain_without_the_variable_is_found_by_its_command_lines() {
        let args = line("get-token --region x");
        let plugin = "/bin/sh /opt/plugin get-token --region x";
        let once = ancestry("kubex token", &[plugin, "kubex token", "bash"]);
        assert!(
            !once.repeats("/opt/plugin", &args),
            "a user may run a plugin by hand"
        );
        let twice = ancestry("kubex token", &[plugin, "kubex token", plugin, "kubex token"]);
        assert!(twice.repeats("/opt/plugin", &args) && !twice.repeats("/opt/other", &args));
        let workers = ancestry("server", &["server", "server", "systemd"]);
        assert!(!workers.repeats("/opt/plugin", &args));
        let replaced = ancestry(
            "kubex token",
            &["kubex token", "kubex token", "kubex token", "bash"],
        );
        assert!(replaced.repeats("/opt/plugin", &args));
    }

    #[test]
    fn this_process_has_ancestors() {
        let ancestry = Ancestry::read();
        assert!(!ancestry.own.is_empty() && !ancestry.ancestors.is_empty());
    }
}
