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

/// `$(touch x)` would run as a command if it were not quoted.
const NAMES: &str = r#"
apiVersion: v1
kind: Config
contexts:
- {name: "arn:aws:eks:eu:1:cluster/prod", context: {cluster: c1, user: u1, namespace: team-a}}
- {name: "arn:aws:eks:eu:1:cluster/test", context: {cluster: c1, user: u1}}
- {name: "$(touch x)", context: {cluster: c1, user: u1}}
- {name: "e\e[31mvil", context: {cluster: c1, user: u1}}
- {name: "-prod", context: {cluster: c1, user: u1}}
clusters: [{name: c1, cluster: {server: "https://127.0.0.1:1"}}]
users: [{name: u1, user: {token: s3cret}}, {name: u2, user: {token: s3cret}}]
"#;

/// What the program offers for the last of these words.
fn completed(program_path: &str, shell: Option<&str>, words: &[&str], kubeconfig: &str) -> Vec<String> {
    let mut command = match shell {
        Some(_) => program(program_path, &[&["--"], words].concat()),
        None => program(program_path, words.get(1..).unwrap_or_default()),
    };
    command.env("KUBECONFIG", kubeconfig);
    if let Some(shell) = shell {
        command.env("KUBEX_COMPLETE", shell);
        command.env("_CLAP_COMPLETE_INDEX", (words.len() - 1).to_string());
        command.env("_CLAP_IFS", "\n");
    }
    let ended = ended(command.output().unwrap());
    assert_eq!((ended.status, ended.stderr.as_str()), (0, ""), "{words:?}");
    assert!(!ended.stdout.contains("s3cret") && !ended.stdout.contains('\u{1b}'));
    ended.stdout.lines().map(str::to_owned).collect()
}

#[test]
fn names_of_the_kubeconfig_are_completed_in_every_shell() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("config");
    std::fs::write(&path, NAMES).unwrap();
    let path = path.to_str().unwrap();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let completed = |words: &[&str]| completed(KUBEX, Some(shell), words, path);
        for (words, expected) in [
            (&["kubex", "expl"] as &[&str], "explain"),
            (&["kubex", "--user", ""], "u2"),
            (&["kubex", "whoami", "--cluster", "c"], "c1"),
            (&["kubex", "-n", ""], "team-a"),
            (&["kubex", "--context", "-p"], "-prod"),
            (&["kubex", "--source", "in"], "in-cluster"),
            (&["kubex", "contexts", "-o", "n"], "name"),
            (&["kubex", "-o", "js"], "json"),
        ] {
            let found = completed(words);
            assert!(
                found.iter().any(|line| line.starts_with(expected)),
                "{shell} {words:?}: {found:?}"
            );
        }
        let contexts = completed(&["kubex", "explain", "--context", "arn:"]);
        assert_eq!(contexts.len(), 2, "{shell}: {contexts:?}");
        let contexts = completed(&["kubex", "explain", "--context", ""]);
        assert!(
            !contexts.iter().any(|line| line.contains("vil")),
            "{shell}: {contexts:?}"
        );
    }
}

#[test]
#[cfg(unix)]
fn kubectl_gets_the_completions_in_the_protocol_of_cobra() {
    let scratch = tempfile::tempdir().unwrap();
    let kubeconfig = scratch.path().join("config");
    std::fs::write(&kubeconfig, NAMES).unwrap();
    let link = scratch.path().join("kubectl_complete-kubex");
    std::os::unix::fs::symlink(KUBEX, &link).unwrap();
    let words = ["kubex", "--context", "arn"];
    let lines = completed(link.to_str().unwrap(), None, &words, kubeconfig.to_str().unwrap());
    let expected = [
        "arn:aws:eks:eu:1:cluster/prod\tcluster c1",
        "arn:aws:eks:eu:1:cluster/test\tcluster c1",
        ":4",
    ];
    assert_eq!(lines, expected);
}

#[test]
#[cfg(unix)]
fn bash_completes_names_with_colons_and_quotes_those_that_it_would_interpret() {
    if !has_tool(&["bash", "-c", "true"], "completions in bash") {
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(scratch.path().join(name), text).unwrap();
    write("config", NAMES);
    write("completions", &kubex(&["completions", "bash"]).stdout);
    std::os::unix::fs::symlink(KUBEX, scratch.path().join("kubex")).unwrap();
    let complete = |line: &str, words: &[&str]| {
        let words: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
        let script = format!(
            "cd \"$1\"; source ./completions; COMP_LINE='{line}'; COMP_POINT=${{#COMP_LINE}}; COMP_WORDS=({}); \
             COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _kubex; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
            words.join(" ")
        );
        let mut command = program("bash", &["-c", &script, "bash", scratch.path().to_str().unwrap()]);
        command.env("PATH", format!("{}:/usr/bin:/bin", scratch.path().display()));
        let output = command
            .env("KUBECONFIG", scratch.path().join("config"))
            .output()
            .unwrap();
        ended(output)
            .stdout
            .lines()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(complete("kubex resol", &["kubex", "resol"]), ["resolve"]);
    // Bash replaces only what follows the last colon.
    let words: Vec<_> = "kubex --context arn : aws : eks : eu : 1 : cluster/p"
        .split(' ')
        .collect();
    assert_eq!(
        complete("kubex --context arn:aws:eks:eu:1:cluster/p", &words),
        ["cluster/prod"]
    );
    let words: Vec<_> = "kubex --context = arn : aws : eks : eu : 1 :"
        .split(' ')
        .collect();
    let found = complete("kubex --context=arn:aws:eks:eu:1:", &words);
    assert_eq!(found, ["cluster/prod", "cluster/test"]);
    let found = complete("kubex --context $", &["kubex", "--context", "$"]);
    assert_eq!(found, [r"\$\(touch\ x\)"]);
    assert!(!scratch.path().join("x").exists());
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

/// The command lines in the pages: the lines of shell blocks, and code within a sentence. Words in capitals stand for what a
/// user writes there.
fn command_lines(page: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut is_in_shell_block = false;
    for line in page.lines() {
        if line.trim_start().starts_with("```") {
            is_in_shell_block = matches!(line.trim(), "```sh" | "```console");
        } else if is_in_shell_block {
            let command = line.split(" #").next().unwrap_or_default().trim();
            lines.push(command.trim_start_matches("$ ").to_owned());
        } else {
            lines.extend(line.split('`').skip(1).step_by(2).map(str::to_owned));
        }
    }
    let is_complete = |line: &&String| {
        let words = line.strip_prefix("kubex ").unwrap_or_default();
        let is_placeholder = |word: &str| word.chars().all(|c| c.is_ascii_uppercase() || "[]".contains(c));
        !words.is_empty() && !words.contains(['<', '|']) && !words.split(' ').any(is_placeholder)
    };
    lines.iter().filter(is_complete).cloned().collect()
}

#[test]
fn every_command_line_of_the_docs_is_valid() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let docs = std::fs::read_dir(root.join("docs")).unwrap();
    let pages = docs
        .map(|entry| entry.unwrap().path())
        .chain(["README.md", "CONTRIBUTING.md", "kubex/cli/README.md"].map(|page| root.join(page)))
        .filter(|page| page.extension().is_some_and(|extension| extension == "md"));
    let mut count = 0;
    for page in pages {
        for line in command_lines(&std::fs::read_to_string(&page).unwrap()) {
            let words: Vec<&str> = line.split(' ').skip(1).chain(["--help"]).collect();
            let help = kubex(&words);
            assert_eq!(help.status, 0, "{}: {line}\n{}", page.display(), help.stderr);
            count += 1;
        }
    }
    eprintln!("{count} command lines of the docs are valid");
    assert!(count >= 20, "{count}");
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
