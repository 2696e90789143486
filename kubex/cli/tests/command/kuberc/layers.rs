//! The kuberc beside the other policies, and what is shown of it.

use super::*;

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
    let explain = |status: i32, allowed: bool| {
        let (plugin, ended) = scene.run(&mut scene.kubex(&["explain", "-ojson"]));
        let shown: Value = serde_json::from_str(&ended.stdout).unwrap();
        let verdict = &shown["configuration"]["plugin"];
        assert_eq!(plugin, DoesNotRun, "explain runs no plugin");
        assert_eq!(
            (&verdict["command"], &verdict["allowed"]),
            (&plug.as_str().into(), &allowed.into())
        );
        let (plugin, checked) = scene.run(&mut scene.kubex(&["explain", "--check"]));
        assert_eq!((plugin, checked.status), (DoesNotRun, status), "{checked:?}");
        assert!(
            checked
                .stdout
                .contains(&format!("exec plugin {plug}, through kubex exec")),
            "{checked:?}"
        );
    };
    allow(&format!("{{command: {KUBEX}}}"));
    explain(7, false);
    check(
        DoesNotRun,
        &format!("the plugin \"{plug}\" is not on the plugin allowlist"),
    );
    allow(&format!("{{command: {plug}}}"));
    check(DoesNotRun, "is not on the plugin allowlist");
    allow(&format!("{{command: {KUBEX}}}, {{command: {plug}}}"));
    explain(0, true);
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
