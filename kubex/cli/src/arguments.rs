//! The command line: the flags, then a subcommand.

use std::path::Path;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory as _, FromArgMatches as _, Parser};

use crate::failure::status;
use crate::kubectl;
use crate::output::Format;
use crate::session::Flags;
use crate::subcommand::Subcommand;

/// Shows which Kubernetes API server a program on this machine uses, with which identity, and why.
///
/// Results go to stdout, messages to stderr. Exit status: 0 success, 1 the request failed, 2 the command line is
/// invalid, 3 nothing is configured, 4 the configuration is invalid, 5 the credential could not be fetched,
/// 6 timed out, 7 refused by a policy, 8 the credential was rejected or has expired.
#[derive(Debug, Parser)]
#[command(name = "kubex", version, arg_required_else_help = true)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) flags: Flags,
    /// The output format, if the subcommand has one
    #[arg(short = 'o', long = "output", value_enum, value_name = "FORMAT")]
    output: Option<Format>,
    #[command(subcommand)]
    pub(crate) subcommand: Subcommand,
}

impl Arguments {
    /// Reads the command line. `Err` is the exit status where it is invalid, or only asked for help.
    pub(crate) fn read() -> Result<Self, ExitCode> {
        let mut words = std::env::args_os();
        let program = words.next().unwrap_or_default();
        let is_kubectl_plugin = Path::new(&program)
            .file_stem()
            .is_some_and(|name| name == "kubectl-kubex");
        let of_program = || {
            if is_kubectl_plugin {
                // kubectl runs a program of the name `kubectl-kubex` as `kubectl kubex`.
                Self::command()
                    .bin_name("kubectl kubex")
                    .display_name("kubectl kubex")
            } else {
                grammar()
            }
        };
        // Dropping it would take a tenth of the instructions of `kubex token`.
        let command = Box::leak(Box::new(of_program()));
        let words: Vec<_> = std::iter::once(program).chain(words).collect();
        let matches = command.try_get_matches_from_mut(&words).or_else(|error| {
            if error.kind() != ErrorKind::DisplayHelp {
                return Err(error);
            }
            // The help is made again, without the flags that the subcommand refuses.
            without_refused_flags(of_program()).try_get_matches_from(&words)
        });
        matches
            .and_then(|matches| Self::from_arg_matches(&matches))
            .and_then(|arguments| arguments.with_format(command))
            .map_err(|error| status::print_usage(&kubectl::with_tip(error)))
    }

    /// The arguments, with an output format that was written before the subcommand.
    fn with_format(mut self, command: &mut clap::Command) -> Result<Self, clap::Error> {
        match self.output {
            Some(format) if !self.subcommand.set_format(format) => {
                let message = "the subcommand does not have this output format";
                Err(command.error(ErrorKind::ArgumentConflict, message))
            }
            _ => Ok(self),
        }
    }
}

/// The flags that `wrap`, `unwrap` and `cache` use. They refuse every other flag that selects or overrides something.
const USED_FLAGS: &[&str] = &["config", "kubeconfig", "kuberc", "context"];

/// Hides the flags that some subcommands refuse from their help. The command must not be built yet.
pub(crate) fn without_refused_flags(command: clap::Command) -> clap::Command {
    let hidden: Vec<_> = command
        .get_arguments()
        .filter(|flag| flag.is_global_set() && !USED_FLAGS.contains(&flag.get_id().as_str()))
        .map(|flag| flag.clone().hide(true))
        .collect();
    // A subcommand keeps an argument of its own in place of the global one.
    ["wrap", "unwrap", "cache"].iter().fold(command, |command, name| {
        command.mut_subcommand(name, |subcommand| subcommand.args(hidden.clone()))
    })
}

/// The grammar of the command line, from which completions and manual pages are made.
pub(crate) fn grammar() -> clap::Command {
    Arguments::command().bin_name("kubex")
}

#[cfg(test)]
mod tests {
    use kubex::Options;

    use super::*;

    fn flags(words: &[&str]) -> Flags {
        let words = [&["kubex", "explain"], words].concat();
        Arguments::try_parse_from(words).unwrap().flags
    }

    #[test]
    fn flags_that_select_go_to_the_kubeconfig_and_the_others_override_any_source() {
        let flags = flags(&[
            "--kubeconfig=k",
            "--context=c",
            "--user",
            "u",
            "-n",
            "team-a",
            "-s",
            "https://h",
            "--as=jane",
            "--as-group=a",
            "--as-group=b",
            "--as-user-extra=k=1",
            "--as-user-extra=k=2",
            "--insecure-skip-tls-verify",
        ]);
        let keys = |options: &Options| options.iter().map(|(key, _)| key.to_owned()).collect::<Vec<_>>();
        let selected = flags.kubeconfig_options().unwrap();
        assert_eq!(keys(&selected), ["path", "context", "user"]);
        assert_eq!(selected.origin_of("path").to_string(), "the flag --kubeconfig");
        let overrides = flags.overrides();
        assert_eq!(
            keys(&overrides),
            [
                "namespace",
                "server",
                "as",
                "insecure-skip-tls-verify",
                "as-groups",
                "as-user-extra"
            ]
        );
        let extra = overrides
            .get("as-user-extra")
            .and_then(|extra| extra.get("k"))
            .unwrap();
        assert_eq!(extra.parse::<Vec<String>>().unwrap(), ["1", "2"]);
    }

    #[test]
    fn a_word_of_kubectl_gets_a_tip_and_a_misspelled_one_its_neighbour() {
        let usage = |words: &[&str]| {
            let words = [&["kubex"], words].concat();
            let error = Arguments::try_parse_from(words).unwrap_err();
            kubectl::with_tip(error).to_string()
        };
        assert!(usage(&["config", "view"]).contains("kubex explain"));
        assert!(usage(&["use-context", "a"]).contains("--context NAME"));
        assert!(usage(&["get", "--raw", "/version"]).contains("tip: kubex get takes the path itself"));
        assert!(!usage(&["get", "--raw", "/version"]).contains("-- --raw"));
        assert!(usage(&["contxts"]).contains("contexts"));
        assert!(usage(&["check"]).contains("tip: kubex explain --check"));
        assert!(!usage(&["check"]).contains("schema"));
    }

    #[test]
    fn the_help_of_a_subcommand_lists_no_flag_that_it_refuses() {
        let mut command = without_refused_flags(grammar());
        command.build();
        for (words, refused) in [
            (&["wrap"][..], true),
            (&["unwrap"], true),
            (&["cache", "clear"], true),
            (&["explain"], false),
        ] {
            let subcommand = words.iter().fold(&mut command, |command, word| {
                command.find_subcommand_mut(word).unwrap()
            });
            let help = subcommand.render_help().to_string();
            for flag in ["--source", "--server", "--token", "--as-group"] {
                assert_eq!(!help.contains(flag), refused, "{words:?} {flag}: {help}");
            }
            assert!(
                help.contains("--context") && help.contains("--kubeconfig"),
                "{help}"
            );
        }
    }

    #[test]
    fn an_empty_flag_is_ignored() {
        let flags = flags(&["--context=", "--server=", "--token="]);
        assert!(flags.kubeconfig_options().is_none() && flags.overrides().is_empty());
    }

    #[test]
    fn debug_output_hides_the_token() {
        let shown = format!("{:?}", flags(&["--token", "s3cret"]));
        assert!(!shown.contains("s3cret"), "{shown}");
    }
}
