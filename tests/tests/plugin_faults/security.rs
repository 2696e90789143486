//! Attacks by way of a plugin, or of the kubeconfig that names it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use kubex::host::{Exit, PluginOptions, PluginPolicy, PluginRules};
use kubex::{ClientConfiguration, ErrorKind, Host, Options, Result, configure_from_kubeconfig};
use kubex_core::host::SimulatedHost;
use kubex_core::options::Value;

use crate::plugin::{Plugin, answer, credentials_with, shown, token, token_of, world, world_that_says};

/// A kubeconfig with this user.
fn kubeconfig(user: &str) -> String {
    format!(
        "current-context: c\ncontexts: [{{name: c, context: {{cluster: c, user: u}}}}]\n\
         clusters: [{{name: c, cluster: {{server: 'https://10.0.0.1'}}}}]\nusers: [{{name: u, user: {user}}}]\n"
    )
}

fn exec(command: &str) -> String {
    kubeconfig(&format!(
        "{{exec: {{apiVersion: client.authentication.k8s.io/v1, interactiveMode: IfAvailable, command: '{command}'}}}}"
    ))
}

async fn from_bytes(content: &str, world: &SimulatedHost) -> Result<ClientConfiguration> {
    let bytes = content.as_bytes().to_vec();
    configure_from_kubeconfig().bytes(bytes).host(world.host()).await
}

/// Row 36: a kubeconfig that came as bytes, with a plugin or with file references. Refused; no process, no read.
#[tokio::test]
async fn fault_36_an_untrusted_kubeconfig_runs_nothing_and_reads_nothing() {
    let world = world(&answer(r#"{"token":"abc"}"#));
    for path in ["/token", "/cert", "/key", "/ca"] {
        world.write(path, "content");
    }
    let with_ca = kubeconfig("{token: abc}").replace(
        "server: 'https://10.0.0.1'",
        "server: 'https://10.0.0.1', certificate-authority: /ca",
    );
    for content in [
        exec("cloud"),
        exec("/usr/bin/cloud"),
        exec("./cloud"),
        kubeconfig("{tokenFile: /token}"),
        kubeconfig("{client-certificate: /cert, client-key: /key}"),
        with_ca,
    ] {
        let error = from_bytes(&content, &world).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
    }
    assert_eq!((world.runs(), world.reads().len()), (0, 0));
}

fn rules(json: &str) -> Result<PluginRules> {
    let written: Value = serde_json::from_str(json).unwrap();
    written.parse::<PluginOptions>()?.rules()
}

/// Row 37: the allowlist through a real kubeconfig file. What the kubeconfig says about policies is not heard.
#[tokio::test]
async fn fault_37_the_plugin_policy_stands_before_every_plugin_of_a_kubeconfig() {
    let plugin = Plugin::new("answer token");
    let answering = std::fs::read(plugin.path()).unwrap();
    let first = plugin.install("first/cloud", &answering, 0o755);
    let second = plugin.install("second/cloud", &answering, 0o755);
    let link = plugin.directory().join("linked");
    std::os::unix::fs::symlink(&first, &link).unwrap();
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let dotted = format!("{}/second/../first/cloud", text(plugin.directory()));
    let (first, second, link) = (text(&first), text(&second), text(&link));
    // PATH leads to the first, by an entry that is not in its shortest form.
    let path = format!(
        "{}/first/../first:{}/second",
        text(plugin.directory()),
        text(plugin.directory())
    );
    for (entry, command, is_allowed) in [
        ("cloud", "cloud", true),
        ("cloud", first.as_str(), true),
        ("cloud", second.as_str(), false),
        (&first, "cloud", true),
        (&second, "cloud", false),
        (&first, &first, true),
        (&first, &second, false),
        (&first, &dotted, true),
        (&second, &dotted, false),
        (&first, &link, false),
        (&first, "first/cloud", true),
        (&first, "./second/cloud", false),
        ("other", &first, false),
    ] {
        let allowlist = PluginPolicy::allowlist([entry]).unwrap();
        let content = exec(command).replace(
            "command:",
            "pluginPolicy: AllowAll, policy: allow-all, allowlist: [], command:",
        );
        let file = plugin.install("kubeconfig", content.as_bytes(), 0o600);
        let host = Host::real()
            .with_variable(
                "PATH",
                Some(&format!("{path}:{}", std::env::var("PATH").unwrap())),
            )
            .with_plugin_rules(PluginRules::new().policy(allowlist));
        let before = plugin.runs().len();
        let configuration = configure_from_kubeconfig().path(&file).host(host).await.unwrap();
        let asked = configuration.credentials().current().await;
        assert_eq!(asked.is_ok(), is_allowed, "{entry} and {command}: {asked:?}");
        if let Err(error) = asked {
            assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
        }
        assert_eq!(plugin.runs().len(), before + usize::from(is_allowed));
    }
}

/// Row 37: an empty or missing list and an unknown policy are errors; deny-all runs nothing.
#[tokio::test]
async fn fault_37_a_policy_that_cannot_be_meant_is_an_error() {
    for json in [
        r#"{"policy": "allowlist"}"#,
        r#"{"policy": "allowlist", "allowlist": []}"#,
        r#"{"policy": "allowlist", "allowlist": [{"command": ""}]}"#,
        r#"{"policy": "allowlist", "allowlist": [{"command": "./cloud"}]}"#,
        r#"{"policy": "allow-all", "allowlist": [{"command": "cloud"}]}"#,
        r#"{"policy": "deny-all", "allowlist": []}"#,
        r#"{"allowlist": []}"#,
        r#"{"policy": "ask-me"}"#,
    ] {
        assert_eq!(rules(json).unwrap_err().kind(), ErrorKind::InvalidValue, "{json}");
    }
    let plugin = Plugin::new("answer token");
    let denied = rules(r#"{"policy": "deny-all"}"#).unwrap();
    let error = plugin.credentials_by(denied).await.current().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(plugin.runs().is_empty());
}

/// Row 37: under an allowlist, the program that is allowed does not run code that the kubeconfig's variables lead to.
#[tokio::test]
async fn fault_37_under_an_allowlist_a_kubeconfig_brings_no_variable_that_leads_to_other_code() {
    let plugin = Plugin::new("helper 2> /dev/null; answer \"region-$AWS_REGION\"");
    let planted = format!("#!/bin/sh\necho 666 >> {}/runs\n", plugin.directory().display());
    plugin.install("planted/helper", planted.as_bytes(), 0o755);
    let path = plugin.path().to_str().unwrap().to_owned();
    let search = format!("{}/planted:/usr/bin:/bin", plugin.directory().display());
    let with = |variable: &str, value: &str| {
        let variables = format!("env: [{{name: {variable}, value: '{value}'}}], command:");
        exec(&path).replace("command:", &variables)
    };
    let plain = || PluginPolicy::allowlist([path.as_str()]).unwrap();
    let naming_path = PluginPolicy::allowlist_with([(path.as_str(), vec!["PATH"])]).unwrap();
    for (policy, content, token, runs_planted) in [
        (
            PluginPolicy::allow_all(),
            with("PATH", &search),
            Some("region-"),
            true,
        ),
        (plain(), with("PATH", &search), None, false),
        (plain(), with("BASH_ENV", "/planted"), None, false),
        (plain(), with("LD_PRELOAD", "/planted.so"), None, false),
        (
            plain(),
            with("AWS_REGION", "eu-west-1"),
            Some("region-eu-west-1"),
            false,
        ),
        (naming_path, with("PATH", &search), Some("region-"), true),
    ] {
        let file = plugin.install("kubeconfig", content.as_bytes(), 0o600);
        let host = Host::real()
            .with_variable("AWS_REGION", None::<&str>)
            .with_plugin_rules(PluginRules::new().policy(policy));
        let before = plugin.runs().len();
        let configuration = configure_from_kubeconfig().path(&file).host(host).await.unwrap();
        let asked = configuration.credentials().current().await;
        match (&asked, token) {
            (Ok(credential), Some(token)) => assert_eq!(token_of(credential), token, "{content}"),
            (Err(error), None) => assert_eq!(error.kind(), ErrorKind::Refused, "{error}"),
            _ => panic!("{content}{asked:?}"),
        }
        let new: Vec<u32> = plugin.runs().split_off(before);
        assert_eq!(new.contains(&666), runs_planted, "{content}");
        assert_eq!(new.is_empty(), token.is_none(), "{content}");
    }
}

/// Row 37: what was checked is what runs. The program changes place between two runs, and each run is checked.
#[tokio::test]
async fn fault_37_each_run_is_checked_anew() {
    let plugin = Plugin::new("answer token");
    let allowed = PluginPolicy::allowlist([plugin.path().to_str().unwrap()]).unwrap();
    let path = plugin.directory().to_str().unwrap().to_owned();
    let host = Host::real()
        .with_variable("PATH", Some(&format!("{path}/earlier:{path}:/usr/bin:/bin")))
        .with_plugin_rules(PluginRules::new().policy(allowed));
    let options = Options::new().set("command", "plugin");
    let credentials = credentials_with(options.clone(), host.clone()).await.unwrap();
    let first = credentials.current().await.unwrap();

    let planted = std::fs::read(plugin.path()).unwrap();
    plugin.install("earlier/plugin", &planted, 0o755);
    credentials.invalidate(first.generation());
    let kept = credentials.current().await.unwrap();
    assert_eq!(
        kept.generation(),
        first.generation(),
        "a refused refresh replaces nothing"
    );
    let another = options.set("install-hint", "so that it is another one");
    let error = credentials_with(another, host)
        .await
        .unwrap()
        .current()
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
    assert_eq!(plugin.runs().len(), 1);
}

/// A path that leads from the working directory to this one.
fn relative(path: &Path) -> PathBuf {
    let here = std::env::current_dir().unwrap();
    let up: PathBuf = here.components().skip(1).map(|_| "..").collect();
    up.join(path.strip_prefix("/").unwrap())
}

/// Row 38: `.`, empty or relative entries in PATH, with a binary planted there. It is not run.
#[tokio::test]
async fn fault_38_a_program_in_a_relative_entry_of_path_is_not_run() {
    let planted = Plugin::new("answer planted");
    let way = relative(planted.directory());
    assert!(
        way.join("plugin").exists() && way.is_relative(),
        "a shell would find it"
    );
    let path = format!(":.:{}:", way.display());
    let host = Host::real().with_variable("PATH", Some(&path));
    let options = Options::new().set("command", "plugin");
    let credentials = credentials_with(options.clone(), host).await.unwrap();
    let error = credentials.current().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PluginNotFound);
    assert!(
        error
            .message()
            .contains("relative and empty entries of PATH are not searched"),
        "{error}"
    );
    assert!(planted.runs().is_empty());

    // An absolute entry behind them is still searched.
    let good = Plugin::new("answer good");
    let path = format!("{path}{}:/usr/bin:/bin", good.directory().display());
    let host = Host::real().with_variable("PATH", Some(&path));
    assert_eq!(
        token(&credentials_with(options, host).await.unwrap()).await,
        "good"
    );
    assert!(planted.runs().is_empty());
}

/// Row 38: the directory one stands in, by every entry that means it.
#[tokio::test]
async fn fault_38_the_working_directory_is_not_searched() {
    let world = SimulatedHost::new();
    for planted in ["/cloud", "./cloud", "cloud", "/bin/cloud", "bin/cloud"] {
        world.install_program(planted);
    }
    for path in ["", ".", ":", "./", "bin", "./bin:.", "../bin"] {
        world.set_variable("PATH", path);
        let options = Options::new().set("command", "cloud");
        let credentials = credentials_with(options, world.host()).await.unwrap();
        let error = credentials.current().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PluginNotFound, "{path}");
    }
    assert_eq!(world.runs(), 0);
}

/// What a terminal acts on, and what changes the order in which a text is read.
const TRICKS: &str =
    "\u{1b}[2J\u{1b}]8;;http://evil\u{7}x\u{1b}]8;;\u{7}\r\u{8}\u{9b}31m\u{202e}\u{2066}\u{200b}";

fn assert_harmless(text: &str, what: &str) {
    let found: Vec<char> = text
        .chars()
        .filter(|c| (c.is_control() && *c != '\n' && *c != '\t') || TRICKS.contains(*c) && !c.is_ascii())
        .collect();
    assert!(found.is_empty(), "{what}: {found:?} in {text:?}");
}

/// Row 40: escape sequences, OSC 8, `\r` and bidi controls in names, servers, hints and standard error. Nothing
/// of it is shown raw.
#[tokio::test]
async fn fault_40_nothing_from_outside_reaches_a_terminal_raw() {
    let quoted = serde_json::Value::from(TRICKS).to_string();
    let world = world_that_says(Exit::Status(3), TRICKS, &format!("denied{TRICKS}\n"));
    world.set_variable("HOME", "/home/jane");
    let host = || {
        world
            .host()
            .with_plugin_rules(PluginRules::new().deadline(Duration::from_secs(1)))
    };
    let plugin = exec("cloud").replace(
        "command:",
        &format!("installHint: {quoted}, args: [{quoted}], command:"),
    );
    let mut searched = 0;
    for (what, content) in [
        ("standard error", plugin.clone()),
        ("install hint", plugin.replace("'cloud'", "gone")),
        ("command", plugin.replace("'cloud'", &quoted)),
        (
            "path of the command",
            plugin.replace("'cloud'", &quoted.replacen('"', "\"/", 1)),
        ),
        (
            "context",
            plugin.replace("current-context: c", &format!("current-context: {quoted}")),
        ),
        (
            "cluster",
            plugin.replace("cluster: c,", &format!("cluster: {quoted},")),
        ),
        ("user", plugin.replace("user: u}", &format!("user: {quoted}}}"))),
        ("server", plugin.replace("'https://10.0.0.1'", &quoted)),
        (
            "host of the server",
            plugin.replace("'https://10.0.0.1'", &quoted.replacen('"', "\"https://h", 1)),
        ),
        (
            "version",
            plugin
                .replace("client.authentication.k8s.io/v1", "x")
                .replace("apiVersion: x", &format!("apiVersion: {quoted}")),
        ),
        ("mode", plugin.replace("IfAvailable", &quoted)),
    ] {
        world.write("/home/jane/.kube/config", &content);
        let error = match configure_from_kubeconfig().host(host()).await {
            Ok(configuration) => {
                assert_harmless(&format!("{configuration:?} {configuration:#?}"), what);
                configuration.credentials().current().await.unwrap_err()
            }
            Err(error) => error,
        };
        assert_harmless(&shown(&error), what);
        assert_harmless(&error.report().map(ToString::to_string).unwrap_or_default(), what);
        searched += 1;
    }
    println!("row 40: {searched} places searched");
}

/// Row 40: what an interactive plugin says is shown at the terminal, and has no effect there.
#[tokio::test]
async fn fault_40_the_output_of_an_interactive_plugin_has_no_effect_on_the_terminal() {
    let world = world("");
    world.attach_terminal();
    world.run_processes(|process| {
        for piece in TRICKS.as_bytes().chunks(2) {
            process.live_stderr.take(piece);
        }
        process.live_stderr.take(b"\nEnter code: ");
        Ok(kubex::host::ProcessOutput {
            exit: Exit::Status(0),
            output: answer(r#"{"token":"abc"}"#).into_bytes().into(),
            error: Vec::new().into(),
        })
    });
    let options = Options::new().set("command", "cloud");
    let credentials = credentials_with(options, world.host()).await.unwrap();
    assert_eq!(token(&credentials).await, "abc");
    assert!(world.shown().ends_with("\nEnter code: "), "{:?}", world.shown());
    assert_harmless(&world.shown(), "the terminal");
}
