//! Where the file is, beside kubectl.

use super::*;

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
