//! Completions, the manual page, and the name `kubectl-kubex`.

use kubex_tests::machine::has_tool;

use crate::world::{KUBEX, ended, kubex, program};

const SUBCOMMANDS: &[&str] = &[
    "explain",
    "resolve",
    "token",
    "whoami",
    "get",
    "contexts",
    "sources",
    "config",
    "schema",
    "providers",
    "completions",
    "man",
];

#[test]
fn completions_contain_every_subcommand_and_bash_can_read_them() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = kubex(&["completions", shell]);
        assert_eq!((script.status, script.stderr.as_str()), (0, ""), "{shell}");
        for word in SUBCOMMANDS.iter().chain(&["--kubeconfig", "--as-group"]) {
            let bare = word.trim_start_matches('-');
            assert!(script.stdout.contains(bare), "{shell}: {word}");
        }
    }
    if has_tool(&["bash", "-c", "true"], "completions in bash") {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("completions");
        std::fs::write(&path, kubex(&["completions", "bash"]).stdout).unwrap();
        let script = "source \"$1\"; COMP_WORDS=(kubex resol); COMP_CWORD=1; _kubex kubex resol kubex; \
                      echo \"${COMPREPLY[@]}\"";
        let completed = program("bash", &["-c", script, "bash", path.to_str().unwrap()])
            .output()
            .unwrap();
        assert_eq!(ended(completed).stdout.trim(), "resolve");
    }
}

#[test]
fn the_manual_pages_are_roff_and_name_the_exit_status() {
    let page = kubex(&["man"]);
    assert_eq!(page.status, 0);
    assert!(
        page.stdout.contains(".TH kubex 1") && page.stdout.contains("Exit status"),
        "{}",
        page.stdout
    );
    for subcommand in SUBCOMMANDS {
        let page = kubex(&["man", subcommand]);
        assert_eq!(page.status, 0, "{page:?}");
        assert!(
            page.stdout.contains(&format!("kubex\\-{subcommand}")),
            "{}",
            page.stdout
        );
    }
}

/// The committed schema is that of the same providers.
#[test]
fn the_schema_is_the_committed_one() {
    let schema = kubex(&["schema"]);
    assert_eq!(schema.status, 0);
    let committed = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/kubex.schema.json");
    let committed: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(committed).unwrap()).unwrap();
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&schema.stdout).unwrap(),
        committed
    );
}

#[test]
#[cfg(unix)]
fn the_usage_of_kubectl_kubex_names_kubectl() {
    let scratch = tempfile::tempdir().unwrap();
    let plugin = scratch.path().join("kubectl-kubex");
    std::os::unix::fs::symlink(KUBEX, &plugin).unwrap();
    let plugin = plugin.to_str().unwrap();
    let help = ended(program(plugin, &["get", "--help"]).output().unwrap());
    assert!(
        help.stdout.contains("Usage: kubectl kubex get [OPTIONS] <PATH>"),
        "{}",
        help.stdout
    );
    let wrong = ended(program(plugin, &["get"]).output().unwrap());
    assert!(
        wrong.status == 2 && wrong.stderr.contains("Usage: kubectl kubex get"),
        "{wrong:?}"
    );
    let same = ended(program(plugin, &["resolve"]).output().unwrap());
    assert_eq!(same.stdout, kubex(&["resolve"]).stdout);
}
