//! kubectl's `kuberc` as a policy for plugins: each rule of KEP-3104, compared with kubectl where there is one that has it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use kubex_tests::kubectl::Kubectl;
use serde_json::Value;

use crate::world::{Ended, KUBEX, ended};

const BETA: &str = "apiVersion: kubectl.config.k8s.io/v1beta1\nkind: Preference\n";
const ALPHA: &str = "apiVersion: kubectl.config.k8s.io/v1alpha1\nkind: Preference\n";
const GA: &str = "apiVersion: kubectl.config.k8s.io/v1\nkind: Preference\n";
const TOKEN: &str = "Qz7token-of-the-plugin";

/// What a program does with the plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Plugin {
    Runs,
    DoesNotRun,
}
use Plugin::{DoesNotRun, Runs};

/// A home directory, and a plugin that leaves a mark when it runs.
struct Scene {
    directory: tempfile::TempDir,
}

impl Scene {
    fn new() -> Self {
        let scene = Self {
            directory: tempfile::tempdir().unwrap(),
        };
        for directory in ["home/.kube", "bin", "other"] {
            fs::create_dir_all(scene.path(directory)).unwrap();
        }
        let answer = format!(
            r#"{{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{{"token":"{TOKEN}"}}}}"#
        );
        let script = format!("#!/bin/sh\n: > \"${{0%/*}}/../ran\"\nprintf '%s' '{answer}'\n");
        scene.write("bin/plug", &script);
        fs::set_permissions(scene.path("bin/plug"), fs::Permissions::from_mode(0o755)).unwrap();
        std::os::unix::fs::symlink(scene.path("bin/plug"), scene.path("other/plug")).unwrap();
        scene.use_command("plug");
        scene
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// The text with the directory in the place of `[DIR]`.
    fn filled(&self, text: &str) -> String {
        text.replace("[DIR]", self.directory.path().to_str().unwrap())
    }

    fn use_command(&self, command: &str) {
        self.use_plugin(&format!("command: {}", self.filled(command)));
    }

    /// Writes a kubeconfig with this plugin.
    fn use_plugin(&self, plugin: &str) {
        let text = format!(
            "apiVersion: v1\nkind: Config\nclusters: [{{name: c, cluster: {{server: 'https://127.0.0.1:1'}}}}]\n\
             contexts: [{{name: c, context: {{cluster: c, user: u}}}}]\ncurrent-context: c\nusers:\n- name: u\n  user:\n    \
             exec: {{apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, {plugin}}}\n"
        );
        self.write("home/.kube/config", &text);
    }

    fn command(&self, program: &Path, words: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .args(words)
            .current_dir(self.directory.path())
            .env_clear()
            .env("HOME", self.path("home"))
            .env("PATH", format!("{}:/usr/bin:/bin", self.path("bin").display()))
            .env("KUBEX_CACHE_DIR", self.path("cache"))
            .env("KUBEX_CACHE_KEY", "file")
            .stdin(Stdio::null());
        command
    }

    /// What a program does, and what it printed.
    fn run(&self, command: &mut Command) -> (Plugin, Ended) {
        let _ = fs::remove_file(self.path("ran"));
        let ended = ended(command.output().unwrap());
        let plugin = if self.path("ran").exists() {
            Runs
        } else {
            DoesNotRun
        };
        (plugin, ended)
    }

    fn kubex(&self, words: &[&str]) -> Command {
        self.command(Path::new(KUBEX), words)
    }
}

/// A kubectl whose kuberc has a policy for plugins.
fn kubectl() -> Option<Kubectl> {
    match Kubectl::find() {
        Ok(kubectl) if kubectl.number >= (1, 35) => Some(kubectl),
        Ok(kubectl) => {
            eprintln!(
                "NOT COMPARED: the kuberc with kubectl: {} is older than 1.35",
                kubectl.version
            );
            None
        }
        Err(why) => {
            eprintln!("NOT COMPARED: the kuberc with kubectl: {why}");
            None
        }
    }
}

/// A file, what Kubex does with it, what kubectl does, and a part of Kubex's error.
type Row = (&'static str, String, Plugin, Plugin, &'static str);

fn rows() -> Vec<Row> {
    let beta = |rest: &str| format!("{BETA}{rest}");
    let policy = |policy: &str| beta(&format!("credentialPluginPolicy: {policy}\n"));
    let list = |list: &str| {
        beta(&format!(
            "credentialPluginPolicy: Allowlist\ncredentialPluginAllowlist: {list}\n"
        ))
    };
    let same = |name: &'static str, text: String, plugin: Plugin, error: &'static str| {
        (name, text, plugin, plugin, error)
    };
    // kubectl prints a message, and ignores the file or the field.
    let stricter =
        |name: &'static str, text: String, error: &'static str| (name, text, DoesNotRun, Runs, error);
    vec![
        same("empty", String::new(), Runs, ""),
        same("only a comment", "# nothing\n".into(), Runs, ""),
        same("null", "null\n".into(), Runs, ""),
        same("no policy", beta(""), Runs, ""),
        same("other preferences", beta("defaults: []\naliases: []\n"), Runs, ""),
        same("an unknown field", beta("foo: bar\n"), Runs, ""),
        same("v1alpha1", ALPHA.into(), Runs, ""),
        same("the empty policy", policy("''"), Runs, ""),
        same("a policy of null", policy("null"), Runs, ""),
        same("AllowAll", policy("AllowAll"), Runs, ""),
        same("DenyAll", policy("DenyAll"), DoesNotRun, "the plugin policy is deny-all (set by [DIR]/home/.kube/kuberc:3:1, credentialPluginPolicy)"),
        same("DenyAll with a tag", policy("!!str DenyAll"), DoesNotRun, "deny-all"),
        same("DenyAll in JSON", r#"{"apiVersion":"kubectl.config.k8s.io/v1beta1","kind":"Preference","credentialPluginPolicy":"DenyAll"}"#.into(), DoesNotRun, "deny-all"),
        same("DenyAll after a byte order mark", format!("\u{feff}{}", policy("DenyAll")), DoesNotRun, "deny-all"),
        same("another policy", policy("denyall"), DoesNotRun, "\"denyall\" is not a valid plugin policy"),
        same("a policy with a blank", policy("'DenyAll '"), DoesNotRun, "is not a valid plugin policy"),
        same("Allowlist without a list", policy("Allowlist"), DoesNotRun, "there is no allowlist"),
        same("Allowlist with a list of null", list("null"), DoesNotRun, "there is no allowlist"),
        same("Allowlist with an empty list", list("[]"), DoesNotRun, "the allowlist is empty"),
        same("a list beside AllowAll", beta("credentialPluginPolicy: AllowAll\ncredentialPluginAllowlist: [{command: plug}]\n"), DoesNotRun, "there is an allowlist, but the plugin policy is AllowAll"),
        same("a list beside DenyAll", beta("credentialPluginPolicy: DenyAll\ncredentialPluginAllowlist: [{command: plug}]\n"), DoesNotRun, "the plugin policy is DenyAll"),
        same("a list without a policy", beta("credentialPluginAllowlist: [{command: plug}]\n"), DoesNotRun, "the plugin policy is not set"),
        same("an empty list beside AllowAll", beta("credentialPluginPolicy: AllowAll\ncredentialPluginAllowlist: []\n"), DoesNotRun, "the plugin policy is AllowAll"),
        same("a list of null beside AllowAll", beta("credentialPluginPolicy: AllowAll\ncredentialPluginAllowlist: null\n"), Runs, ""),
        same("an empty entry", list("[{}]"), DoesNotRun, "an entry of the plugin allowlist is empty"),
        same("an empty command", list("[{command: ''}, {command: plug}]"), DoesNotRun, "is empty"),
        same("an entry of null", list("[null]"), DoesNotRun, "is empty"),
        same("a name", list("[{command: plug}]"), Runs, ""),
        same("a name in the deprecated field", list("[{name: plug}]"), Runs, ""),
        same("both fields with one value", list("[{name: plug, command: plug}]"), Runs, ""),
        stricter("both fields with two values", list("[{name: x, command: plug}]"), "has a \"command\" and another \"name\""),
        same("the second entry", list("[{command: aws}, {command: plug}]"), Runs, ""),
        same("another name", list("[{command: aws}]"), DoesNotRun, "is not on the plugin allowlist (set by [DIR]/home/.kube/kuberc:4:1, credentialPluginAllowlist)"),
        same("the path", list("[{command: '[DIR]/bin/plug'}]"), Runs, ""),
        same("another path", list("[{command: /usr/bin/plug}]"), DoesNotRun, "is not on the plugin allowlist"),
        same("a path that is not clean", list("[{command: '[DIR]/bin/../bin/plug'}]"), DoesNotRun, "is not in its shortest form"),
        same("a name that is not clean", list("[{command: ./plug}]"), DoesNotRun, "is not in its shortest form"),
        same("a name with a separator at its end", list("[{command: plug/}]"), DoesNotRun, "is not in its shortest form"),
        same("a relative path", list("[{command: bin/plug}]"), DoesNotRun, "is not on the plugin allowlist"),
        same("a pattern", list("[{command: 'pl*'}]"), DoesNotRun, "is not on the plugin allowlist"),
        same("another case", list("[{command: PLUG}]"), DoesNotRun, "is not on the plugin allowlist"),
        same("the home directory as ~", list("[{command: '~/plug'}]"), DoesNotRun, "is not on the plugin allowlist"),
        same("a newer version first", format!("{GA}credentialPluginPolicy: AllowAll\n---\n{}", policy("DenyAll")), DoesNotRun, "deny-all (set by [DIR]/home/.kube/kuberc:7:1"),
        same("an older version second", format!("{}---\n{ALPHA}", policy("DenyAll")), DoesNotRun, "deny-all"),
        same("the first of two", format!("{}---\n{}", policy("AllowAll"), policy("DenyAll")), Runs, ""),
        same("blank documents first", format!("---\n---\n# x\n---\n{}", policy("DenyAll")), DoesNotRun, "deny-all"),
        same("a broken document second", format!("{}---\nfoo: [\n", policy("DenyAll")), DoesNotRun, "deny-all"),
        stricter("a policy that is a number", policy("5"), "\"credentialPluginPolicy\" is not a string"),
        stricter("a list that is a string", list("plug"), "\"credentialPluginAllowlist\" is not a list"),
        stricter("an entry that is a string", list("[plug]"), "an entry of the plugin allowlist is a string"),
        stricter("an unknown field of an entry", list("[{command: plug, sha256: abc}]"), "unknown key \"sha256\""),
        stricter("another case of the key", beta("CredentialPluginPolicy: DenyAll\n"), "unknown key \"CredentialPluginPolicy\""),
        stricter("a misspelled key", beta("credentialPluginPolcy: DenyAll\n"), "unknown key \"credentialPluginPolcy\""),
        stricter("a policy in v1alpha1", format!("{ALPHA}credentialPluginPolicy: DenyAll\n"), "v1alpha1 has no plugin policy"),
        stricter("only a newer version", format!("{GA}credentialPluginPolicy: DenyAll\n"), "no document of a known version"),
        stricter("no apiVersion", "kind: Preference\ncredentialPluginPolicy: DenyAll\n".into(), "no document of a known version"),
        stricter("no kind", "apiVersion: kubectl.config.k8s.io/v1beta1\n".into(), "no document of a known version"),
        stricter("another kind", "apiVersion: kubectl.config.k8s.io/v1beta1\nkind: Config\n".into(), "no document of a known version"),
        stricter("invalid YAML", beta("credentialPluginPolicy: [DenyAll\n"), "is not valid YAML"),
        stricter("a list as the document", "- a\n".into(), "the kuberc"),
        stricter("a key that is written twice", beta("credentialPluginPolicy: AllowAll\ncredentialPluginPolicy: AllowAll\n"), "the key \"credentialPluginPolicy\" is written twice"),
    ]
}

#[test]
fn each_rule_of_the_kuberc_holds_and_is_that_of_kubectl_or_stricter() {
    let scene = Scene::new();
    let kubectl = kubectl();
    for (name, text, in_kubex, in_kubectl, error) in rows() {
        scene.write("home/.kube/kuberc", &scene.filled(&text));
        let (plugin, ended) = scene.run(&mut scene.kubex(&["token"]));
        assert_eq!(plugin, in_kubex, "{name}: {ended:?}");
        let status = if plugin == Runs { 0 } else { 7 };
        assert_eq!(ended.status, status, "{name}: {ended:?}");
        assert!(ended.stderr.contains(&scene.filled(error)), "{name}: {ended:?}");
        if let Some(kubectl) = &kubectl {
            let (plugin, ended) =
                scene.run(&mut scene.command(&kubectl.program, &["get", "--raw", "/version"]));
            assert_eq!(
                plugin, in_kubectl,
                "kubectl {}: {name}: {ended:?}",
                kubectl.version
            );
        }
    }
}

#[test]
fn the_command_of_the_kubeconfig_is_compared_as_by_kubectl() {
    let scene = Scene::new();
    let kubectl = kubectl();
    for (command, entry, expected) in [
        ("[DIR]/bin/plug", "plug", Runs),
        ("[DIR]/bin/plug", "[DIR]/bin/plug", Runs),
        ("[DIR]/home/../bin/plug", "plug", Runs),
        ("[DIR]/home/../bin/plug", "[DIR]/bin/plug", Runs),
        ("[DIR]/other/plug", "plug", DoesNotRun),
        ("[DIR]/other/plug", "[DIR]/bin/plug", DoesNotRun),
        ("[DIR]/other/plug", "[DIR]/other/plug", Runs),
        ("../../bin/plug", "bin/plug", DoesNotRun),
        ("../../bin/plug", "[DIR]/bin/plug", Runs),
    ] {
        scene.use_command(command);
        let text = format!(
            "{BETA}credentialPluginPolicy: Allowlist\ncredentialPluginAllowlist: [{{command: '{entry}'}}]\n"
        );
        scene.write("home/.kube/kuberc", &scene.filled(&text));
        let (plugin, ended) = scene.run(&mut scene.kubex(&["token"]));
        assert_eq!(plugin, expected, "{command} and {entry}: {ended:?}");
        if let Some(kubectl) = &kubectl {
            let (plugin, ended) =
                scene.run(&mut scene.command(&kubectl.program, &["get", "--raw", "/version"]));
            assert_eq!(plugin, expected, "kubectl: {command} and {entry}: {ended:?}");
        }
    }
}

/// What is in the home directory, the variables, the flag, and what Kubex and kubectl do.
type Place = (
    &'static str,
    &'static [(&'static str, &'static str)],
    &'static [&'static str],
    Plugin,
    Plugin,
    &'static str,
);
const PLACES: &[Place] = &[
    ("nothing", &[], &[], Runs, Runs, ""),
    ("deny", &[], &[], DoesNotRun, DoesNotRun, "deny-all"),
    (
        "nothing",
        &[("KUBERC", "[DIR]/deny")],
        &[],
        DoesNotRun,
        DoesNotRun,
        "[DIR]/deny:3:1",
    ),
    (
        "nothing",
        &[("KUBERC", "deny")],
        &[],
        DoesNotRun,
        DoesNotRun,
        "[DIR]/deny:3:1",
    ),
    ("deny", &[("KUBERC", "")], &[], DoesNotRun, DoesNotRun, "deny-all"),
    ("deny", &[("KUBERC", "off")], &[], Runs, Runs, ""),
    ("deny", &[("KUBERC", "[DIR]/allow")], &[], Runs, Runs, ""),
    (
        "deny",
        &[("KUBERC", "OFF")],
        &[],
        DoesNotRun,
        DoesNotRun,
        "cannot read the kuberc",
    ),
    (
        "nothing",
        &[("KUBERC", "[DIR]/missing")],
        &[],
        DoesNotRun,
        DoesNotRun,
        "cannot read the kuberc",
    ),
    (
        "nothing",
        &[],
        &["--kuberc=[DIR]/deny"],
        DoesNotRun,
        DoesNotRun,
        "[DIR]/deny:3:1",
    ),
    (
        "deny",
        &[("KUBERC", "[DIR]/deny")],
        &["--kuberc=[DIR]/allow"],
        Runs,
        Runs,
        "",
    ),
    (
        "nothing",
        &[],
        &["--kuberc=[DIR]/missing"],
        DoesNotRun,
        DoesNotRun,
        "cannot read the kuberc",
    ),
    (
        "deny",
        &[],
        &["--kuberc=off"],
        DoesNotRun,
        DoesNotRun,
        "cannot read the kuberc",
    ),
    (
        "nothing",
        &[("KUBERC", "off")],
        &["--kuberc=[DIR]/allow"],
        DoesNotRun,
        DoesNotRun,
        "KUBERC=off turns it off",
    ),
    (
        "nothing",
        &[],
        &["--kuberc=[DIR]"],
        DoesNotRun,
        DoesNotRun,
        "cannot read the kuberc",
    ),
    ("deny", &[("KUBECTL_KUBERC", "false")], &[], Runs, Runs, ""),
    ("deny", &[("KUBECTL_KUBERC", "FALSE")], &[], Runs, Runs, ""),
    (
        "deny",
        &[("KUBECTL_KUBERC", "0")],
        &[],
        DoesNotRun,
        DoesNotRun,
        "deny-all",
    ),
    ("directory", &[], &[], DoesNotRun, Runs, "cannot read the kuberc"),
    (
        "document",
        &[(
            "KUBERC",
            "apiVersion: v1\nkind: Preference\ntoken: Qz7token-planted",
        )],
        &[],
        DoesNotRun,
        DoesNotRun,
        "KUBERC",
    ),
];

#[test]
fn the_file_is_where_kubectl_has_it() {
    let deny = format!("{BETA}credentialPluginPolicy: DenyAll\n");
    let kubectl = kubectl();
    for (home, variables, flags, in_kubex, in_kubectl, error) in PLACES {
        let scene = Scene::new();
        scene.write("deny", &deny);
        scene.write("allow", &format!("{BETA}credentialPluginPolicy: AllowAll\n"));
        match *home {
            "deny" => scene.write("home/.kube/kuberc", &deny),
            "directory" => fs::create_dir(scene.path("home/.kube/kuberc")).unwrap(),
            _ => {}
        }
        let flags: Vec<String> = flags.iter().map(|flag| scene.filled(flag)).collect();
        let run = |program: &Path, words: &[&str]| {
            let words = [words, &flags.iter().map(String::as_str).collect::<Vec<_>>()].concat();
            let mut command = scene.command(program, &words);
            command.envs(variables.iter().map(|(name, value)| (name, scene.filled(value))));
            scene.run(&mut command)
        };
        let (plugin, ended) = run(Path::new(KUBEX), &["token"]);
        let case = format!("{home} {variables:?} {flags:?}");
        assert_eq!(plugin, *in_kubex, "{case}: {ended:?}");
        assert!(ended.stderr.contains(&scene.filled(error)), "{case}: {ended:?}");
        assert!(!ended.stderr.contains("Qz7token"), "{case}: {ended:?}");
        if let Some(kubectl) = &kubectl {
            let (plugin, ended) = run(&kubectl.program, &["get", "--raw", "/version"]);
            assert_eq!(plugin, *in_kubectl, "kubectl: {case}: {ended:?}");
        }
    }
}

#[test]
fn of_two_policies_the_stricter_holds_and_explain_names_the_lines_that_decide() {
    let scene = Scene::new();
    let kuberc = |text: &str| scene.write("home/.kube/kuberc", &format!("{BETA}{text}"));
    let listed =
        "credentialPluginPolicy: Allowlist\ncredentialPluginAllowlist:\n- command: aws\n- command: plug\n";
    fs::create_dir_all(scene.path("home/.config/kubex")).unwrap();
    let own = |text: &str| scene.write("home/.config/kubex/config.yaml", text);
    let own_file = scene.path("home/.config/kubex/config.yaml").display().to_string();
    let kuberc_file = scene.path("home/.kube/kuberc").display().to_string();
    let explained = |expected_status: i32| -> (Value, String) {
        let (plugin, ended) = scene.run(&mut scene.kubex(&["explain", "-ojson"]));
        assert_eq!(plugin, DoesNotRun, "explain runs no plugin");
        let explained: Value = serde_json::from_str(&ended.stdout).unwrap();
        let (_, ended) = scene.run(&mut scene.kubex(&["token"]));
        assert_eq!(ended.status, expected_status, "{ended:?}");
        (explained["configuration"]["plugin"].clone(), ended.stderr)
    };
    let lines = |plugin: &Value| -> Vec<String> {
        let lines = plugin["decidedBy"].as_array().unwrap().iter();
        lines
            .map(|line| {
                format!(
                    "{}:{}:{}",
                    line["file"].as_str().unwrap(),
                    line["line"],
                    line["column"]
                )
            })
            .collect()
    };

    let (plugin, _) = explained(0);
    assert_eq!(
        (plugin["allowed"].as_bool(), lines(&plugin)),
        (Some(true), vec![])
    );

    kuberc(listed);
    let (plugin, _) = explained(0);
    assert_eq!(plugin["allowed"], true);
    assert_eq!(lines(&plugin), [format!("{kuberc_file}:6:3")]);

    own("exec: {policy: deny-all}\n");
    let (plugin, error) = explained(7);
    assert_eq!(plugin["allowed"], false);
    assert_eq!(lines(&plugin), [format!("{own_file}:1:8")]);
    assert!(error.contains(&own_file), "{error}");

    own("exec:\n  policy: allowlist\n  allowlist:\n  - command: plug\n");
    let (plugin, _) = explained(0);
    assert_eq!(
        lines(&plugin),
        [format!("{own_file}:4:5"), format!("{kuberc_file}:6:3")]
    );

    kuberc("credentialPluginPolicy: DenyAll\n");
    let (plugin, error) = explained(7);
    assert_eq!(lines(&plugin), [format!("{kuberc_file}:3:1")]);
    assert!(error.contains(&kuberc_file), "{error}");
    let (_, ended) = scene.run(&mut scene.kubex(&["explain"]));
    assert!(
        ended.stdout.contains("refused") && ended.stdout.contains(&kuberc_file),
        "{ended:?}"
    );

    kuberc("credentialPluginPolicy: Allowlist\n");
    let (plugin, error) = explained(7);
    assert_eq!(lines(&plugin), [format!("{kuberc_file}:3:1")]);
    assert!(
        error.contains("the plugin policy is unknown") && error.contains("DenyAll"),
        "{error}"
    );

    // The user turns it off.
    own("exec: {kuberc: false}\n");
    explained(0);
}

#[test]
fn an_allowlist_that_names_kubex_does_not_allow_what_it_wraps() {
    let scene = Scene::new();
    let plug = scene.path("bin/plug").display().to_string();
    scene.use_plugin(&format!("command: {KUBEX}, args: [exec, --, {plug}]"));
    let allow = |commands: &str| {
        let text =
            format!("{BETA}credentialPluginPolicy: Allowlist\ncredentialPluginAllowlist: [{commands}]\n");
        scene.write("home/.kube/kuberc", &text);
    };
    let kubectl = kubectl();
    let check = |expected: Plugin, error: &str| {
        let (plugin, ended) = scene.run(&mut scene.kubex(&["token"]));
        assert_eq!(plugin, expected, "{ended:?}");
        assert!(ended.stderr.contains(error), "{ended:?}");
        if let Some(kubectl) = &kubectl {
            let (plugin, ended) =
                scene.run(&mut scene.command(&kubectl.program, &["get", "--raw", "/version"]));
            assert_eq!(plugin, expected, "kubectl: {ended:?}");
        }
    };
    allow(&format!("{{command: {KUBEX}}}"));
    check(
        DoesNotRun,
        &format!("the plugin \"{plug}\" is not on the plugin allowlist"),
    );
    allow(&format!("{{command: {plug}}}"));
    check(DoesNotRun, "is not on the plugin allowlist");
    allow(&format!("{{command: {KUBEX}}}, {{command: {plug}}}"));
    // The second client gets the credential that the first has stored.
    let (plugin, ended) = scene.run(&mut scene.kubex(&["token"]));
    assert_eq!((plugin, ended.status), (Runs, 0), "{ended:?}");
}

#[test]
fn an_entry_with_a_digest_permits_only_that_file() {
    let scene = Scene::new();
    fs::create_dir_all(scene.path("home/.config/kubex")).unwrap();
    let sum = Command::new("sha256sum")
        .arg(scene.path("bin/plug"))
        .output()
        .unwrap();
    let sum = String::from_utf8(sum.stdout).unwrap();
    let digest = sum.split(' ').next().unwrap();
    let own = |digest: &str| {
        let text =
            format!("exec:\n  policy: allowlist\n  allowlist:\n  - {{command: plug, sha256: '{digest}'}}\n");
        scene.write("home/.config/kubex/config.yaml", &text);
    };
    own(digest);
    let (plugin, ended) = scene.run(&mut scene.kubex(&["token"]));
    assert_eq!((plugin, ended.status), (Runs, 0), "{ended:?}");
    let mut script = fs::read_to_string(scene.path("bin/plug")).unwrap();
    script.push_str("# changed\n");
    scene.write("bin/plug", &script);
    let (plugin, ended) = scene.run(&mut scene.kubex(&["token"]));
    assert_eq!((plugin, ended.status), (DoesNotRun, 7), "{ended:?}");
    assert!(
        ended.stderr.contains("digest") && ended.stderr.contains("config.yaml:4:"),
        "{ended:?}"
    );
    own("abc");
    let (plugin, ended) = scene.run(&mut scene.kubex(&["token"]));
    assert_eq!((plugin, ended.status), (DoesNotRun, 4), "{ended:?}");
}

/// Default options of kubectl commands may contain secrets.
#[test]
fn no_secret_of_a_kuberc_is_shown() {
    let scene = Scene::new();
    let defaults = "defaults: [{command: get, options: [{name: token, default: Qz7token-planted}]}]\n";
    for text in [
        format!("{BETA}{defaults}credentialPluginPolicy: DenyAll\n"),
        format!("{BETA}{defaults}credentialPluginPolicy: [\n"),
        format!("{BETA}{defaults}credentialPluginPolicy: {{token: Qz7token-planted}}\n"),
        format!(
            "{BETA}credentialPluginPolicy: Allowlist\ncredentialPluginAllowlist: [{{command: plug, token: Qz7token-planted}}]\n"
        ),
        format!("{BETA}credentialPluginPolicy: Allowlist\ncredentialPluginAllowlist: [Qz7token-planted]\n"),
        format!(
            "{BETA}credentialPluginPolicy: Allowlist\ncredentialPluginAllowlist: {{token: Qz7token-planted}}\n"
        ),
        "Qz7token-planted".to_owned(),
        "token: *Qz7token-planted".to_owned(),
        format!("{GA}{defaults}"),
    ] {
        scene.write("home/.kube/kuberc", &text);
        for words in [&["token"][..], &["explain"], &["explain", "-ojson"]] {
            let (plugin, ended) = scene.run(&mut scene.kubex(words));
            assert_eq!(plugin, DoesNotRun, "{text}: {ended:?}");
            assert!(
                !ended.stdout.contains("Qz7token") && !ended.stderr.contains("Qz7token"),
                "{text}: {ended:?}"
            );
        }
    }
}
