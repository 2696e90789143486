//! The variables and configuration files that select a plugin's identity, besides its command.
//!
//! For the programs in the table below, it is known which variables and files select the identity. For any other program, the
//! whole environment counts, except for variables that differ in each terminal.
//!
//! Caches, logs and stores of tokens never count: they change at every run.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// The variables and files of a family of programs.
struct Ambient {
    /// The names of the programs' files.
    programs: &'static [&'static str],
    /// The beginnings of the names of variables.
    prefixes: &'static [&'static str],
    /// The variables with such a beginning that choose no identity.
    harmless: &'static [&'static str],
    files: &'static [Configured],
}

/// A file that chooses the identity.
struct Configured {
    /// The variable that names the file, or its directory.
    variable: &'static str,
    /// The path in the home directory, if the variable is not set.
    in_home: &'static str,
    /// The files in the directory; empty if the path is the file itself. `*` is the content of `active_config`.
    files: &'static [&'static str],
}

/// The known programs; the page `docs/shared-cache.md` has the same table.
const KNOWN: &[Ambient] = &[
    Ambient {
        programs: &["aws", "aws-iam-authenticator"],
        prefixes: &["AWS_"],
        harmless: &[
            "AWS_PAGER",
            "AWS_DEFAULT_OUTPUT",
            "AWS_CLI_AUTO_PROMPT",
            "AWS_EXECUTION_ENV",
        ],
        files: &[
            Configured {
                variable: "AWS_CONFIG_FILE",
                in_home: ".aws/config",
                files: &[],
            },
            Configured {
                variable: "AWS_SHARED_CREDENTIALS_FILE",
                in_home: ".aws/credentials",
                files: &[],
            },
        ],
    },
    Ambient {
        programs: &["gke-gcloud-auth-plugin", "gcloud"],
        prefixes: &["CLOUDSDK_", "GOOGLE_", "GCE_METADATA_"],
        harmless: &[
            "CLOUDSDK_CORE_VERBOSITY",
            "CLOUDSDK_PYTHON",
            "CLOUDSDK_PYTHON_SITEPACKAGES",
        ],
        files: &[
            Configured {
                variable: "CLOUDSDK_CONFIG",
                in_home: ".config/gcloud",
                files: &[
                    "active_config",
                    "properties",
                    "configurations/config_*",
                    "application_default_credentials.json",
                ],
            },
            Configured {
                variable: "GOOGLE_APPLICATION_CREDENTIALS",
                in_home: "",
                files: &[],
            },
        ],
    },
    Ambient {
        programs: &["az", "azd", "kubelogin"],
        prefixes: &[
            "AZURE_",
            "AZD_",
            "AAD_",
            "ARM_",
            "MSI_",
            "IDENTITY_",
            "ACTIONS_ID_TOKEN_",
            "KUBELOGIN_",
        ],
        harmless: &[
            "AZURE_CORE_OUTPUT",
            "AZURE_CORE_NO_COLOR",
            "AZURE_CORE_COLLECT_TELEMETRY",
        ],
        files: &[
            Configured {
                variable: "AZURE_CONFIG_DIR",
                in_home: ".azure",
                files: &["azureProfile.json", "clouds.config", "config"],
            },
            Configured {
                variable: "AZD_CONFIG_DIR",
                in_home: ".azd",
                files: &["config.json"],
            },
        ],
    },
    Ambient {
        programs: &["oci"],
        prefixes: &["OCI_"],
        harmless: &[],
        files: &[
            Configured {
                variable: "OCI_CLI_CONFIG_FILE",
                in_home: ".oci/config",
                files: &[],
            },
            Configured {
                variable: "OCI_CLI_RC_FILE",
                in_home: ".oci/oci_cli_rc",
                files: &[],
            },
        ],
    },
    Ambient {
        programs: &["doctl"],
        prefixes: &["DIGITALOCEAN_"],
        harmless: &[],
        files: &[Configured {
            variable: "XDG_CONFIG_HOME",
            in_home: ".config",
            files: &["doctl/config.yaml"],
        }],
    },
    Ambient {
        programs: &["tsh"],
        prefixes: &["TELEPORT_", "TSH_"],
        harmless: &["TELEPORT_DEBUG"],
        files: &[Configured {
            variable: "TELEPORT_HOME",
            in_home: ".tsh",
            files: &["current-profile"],
        }],
    },
];

/// The variables that count for each known program: they choose its files, or code that runs in it.
const ALWAYS: &[&str] = &[
    "HOME",
    "USERPROFILE",
    "APPDATA",
    "XDG_CONFIG_HOME",
    "LD_PRELOAD",
    "LD_LIBRARY_PATH",
    "PYTHONPATH",
    "PYTHONHOME",
    "BASH_ENV",
    "ENV",
];

/// The variables that differ in every terminal and choose no identity. A name that ends in `*` stands for all names with that
/// beginning.
const VOLATILE: &[&str] = &[
    "_",
    "PWD",
    "OLDPWD",
    "SHLVL",
    "COLUMNS",
    "LINES",
    "TERM",
    "TERM_*",
    "COLORTERM",
    "TMUX",
    "TMUX_PANE",
    "STY",
    "WINDOW",
    "WINDOWID",
    "WINDOWPATH",
    "XDG_SESSION_*",
    "XDG_VTNR",
    "XDG_SEAT",
    "SSH_TTY",
    "SSH_CLIENT",
    "SSH_CONNECTION",
    "GPG_TTY",
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "DESKTOP_STARTUP_ID",
    "XDG_ACTIVATION_TOKEN",
    "VTE_VERSION",
    "GNOME_TERMINAL_*",
    "KITTY_*",
    "ITERM_*",
    "WEZTERM_*",
    "ALACRITTY_*",
    "KONSOLE_*",
    "WT_SESSION",
    "WT_PROFILE_ID",
    "VSCODE_*",
    "INVOCATION_ID",
    "JOURNAL_STREAM",
    "SYSTEMD_EXEC_PID",
    "LANG",
    "LANGUAGE",
    "LC_*",
    "LS_COLORS",
    "LESS*",
    "PAGER",
    "EDITOR",
    "VISUAL",
    "NO_COLOR",
    "FORCE_COLOR",
    "CLICOLOR*",
    "PS1",
    "PS2",
    "PROMPT*",
    "HISTFILE",
    "HISTSIZE",
    "HISTFILESIZE",
    "HISTCONTROL",
    "RUST_LOG",
    "RUST_BACKTRACE",
    "KUBERNETES_EXEC_INFO",
    "KUBEX_*",
];

/// Which variables and files choose the identity of a command.
pub(crate) struct Choosing {
    known: Vec<&'static Ambient>,
    /// Whether the program itself is known, so that not all of its environment counts.
    is_known: bool,
}

impl Choosing {
    /// For a program and its arguments. A program that runs a known one, such as `env` or `sh -c`, depends on the files of
    /// that one too.
    pub(crate) fn new(program: &Path, arguments: &[String]) -> Self {
        let name = program.file_name().and_then(OsStr::to_str).unwrap_or_default();
        let name = name.strip_suffix(".exe").unwrap_or(name);
        let own: Vec<_> = KNOWN
            .iter()
            .filter(|ambient| ambient.programs.contains(&name))
            .collect();
        if !own.is_empty() {
            return Self {
                known: own,
                is_known: true,
            };
        }
        let words = arguments.iter().flat_map(|argument| {
            argument.split(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_')
        });
        let words: Vec<&str> = words.collect();
        let named = KNOWN
            .iter()
            .filter(|ambient| words.iter().any(|word| ambient.programs.contains(word)));
        Self {
            known: named.collect(),
            is_known: false,
        }
    }

    /// Whether a variable chooses the identity.
    pub(crate) fn has_variable(&self, name: &str) -> bool {
        if !self.is_known {
            return !VOLATILE.iter().any(|volatile| match volatile.strip_suffix('*') {
                Some(beginning) => name.starts_with(beginning),
                None => name == *volatile,
            });
        }
        ALWAYS.contains(&name)
            || self.known.iter().any(|ambient| {
                ambient.prefixes.iter().any(|prefix| name.starts_with(prefix))
                    && !ambient.harmless.contains(&name)
            })
    }

    /// The files that choose the identity. `read` reads a small file.
    pub(crate) fn files(
        &self,
        variable: impl Fn(&str) -> Option<OsString>,
        read: impl Fn(&Path) -> Option<Vec<u8>>,
    ) -> Vec<PathBuf> {
        let home = variable("HOME")
            .or_else(|| variable("USERPROFILE"))
            .map(PathBuf::from);
        let mut files = Vec::new();
        for configured in self.known.iter().flat_map(|ambient| ambient.files) {
            let named = variable(configured.variable)
                .filter(|value| !value.is_empty())
                .map(PathBuf::from);
            let in_home = || {
                (!configured.in_home.is_empty())
                    .then(|| home.as_ref().map(|home| home.join(configured.in_home)))
            };
            let Some(path) = named.or_else(|| in_home().flatten()) else {
                continue;
            };
            if configured.files.is_empty() {
                files.push(path);
                continue;
            }
            for file in configured.files {
                let Some((before, _)) = file.split_once('*') else {
                    files.push(path.join(file));
                    continue;
                };
                let named = variable("CLOUDSDK_ACTIVE_CONFIG_NAME").and_then(|name| name.into_string().ok());
                let active = || String::from_utf8(read(&path.join("active_config"))?).ok();
                let active = named.filter(|name| !name.is_empty()).or_else(active);
                let active = active.as_deref().map_or("default", str::trim);
                // A name is not a path, so it stays in its directory.
                if !active.contains(['/', '\\']) {
                    files.push(path.join(format!("{before}{active}")));
                }
            }
        }
        files
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn for_a_known_program_only_its_own_variables_count() {
        let aws = Choosing::new(Path::new("/usr/bin/aws"), &[]);
        for (name, counts) in [
            ("AWS_PROFILE", true),
            ("AWS_ENDPOINT_URL_STS", true),
            ("HOME", true),
            ("AWS_PAGER", false),
            ("PATH", false),
            ("CLOUDSDK_CONFIG", false),
        ] {
            assert_eq!(aws.has_variable(name), counts, "{name}");
        }
    }

    #[test]
    fn for_any_other_program_everything_counts_that_does_not_change_all_the_time() {
        let own = Choosing::new(Path::new("/opt/login"), &[]);
        for (name, counts) in [
            ("ROLE", true),
            ("PATH", true),
            ("SSH_AUTH_SOCK", true),
            ("SHLVL", false),
            ("LC_ALL", false),
            ("TERM_PROGRAM", false),
            ("TERMINAL_ROLE", true),
        ] {
            assert_eq!(own.has_variable(name), counts, "{name}");
        }
    }

    #[test]
    fn a_shell_depends_on_the_files_of_what_it_runs() {
        let shell = Choosing::new(
            Path::new("/bin/sh"),
            &["-c".to_owned(), "exec aws eks get-token".to_owned()],
        );
        let home = |name: &str| (name == "HOME").then(|| "/home/jane".into());
        let files = shell.files(home, |_| None);
        assert!(
            files.contains(&PathBuf::from("/home/jane/.aws/config")),
            "{files:?}"
        );
        assert!(shell.has_variable("ROLE"));
    }

    #[test]
    fn the_active_configuration_of_gcloud_is_read() {
        let gcloud = Choosing::new(Path::new("/usr/bin/gke-gcloud-auth-plugin"), &[]);
        let home = |name: &str| (name == "HOME").then(|| "/home/jane".into());
        let files = |active: &'static str| gcloud.files(home, move |_| Some(active.as_bytes().to_vec()));
        let path = |name| PathBuf::from("/home/jane/.config/gcloud/configurations").join(name);
        assert!(files("prod\n").contains(&path("config_prod")));
        assert!(gcloud.files(home, |_| None).contains(&path("config_default")));
        assert!(!files("../../x").iter().any(|file| file.ends_with("x")));
    }
}
