//! Each rule of the file, beside kubectl.

use super::*;

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
        stricter("both fields with two values", list("[{name: x, command: plug}]"), "has a \"command\" and a different \"name\""),
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
