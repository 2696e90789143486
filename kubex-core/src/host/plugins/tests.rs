//! The policy's matrix and its options.

use super::*;
use crate::error::Result;
use crate::host::{Host, SimulatedHost};
use crate::options::Value;

/// `aws` is installed twice; `PATH` leads to the first.
fn host() -> Host {
    let world = SimulatedHost::new();
    world.set_variable("PATH", "/usr/local/bin:/usr/bin");
    for program in ["/usr/local/bin/aws", "/usr/bin/aws", "/opt/aws", "/opt/other"] {
        world.install_program(program);
    }
    world.link("/opt/linked", "/usr/local/bin/aws");
    world.host()
}

async fn permit(policy: &PluginPolicy, command: &str) -> Result<()> {
    permit_with(policy, command, &[]).await
}

async fn permit_with(policy: &PluginPolicy, command: &str, variables: &[&str]) -> Result<()> {
    let host = host().with_plugin_rules(PluginRules::new().policy(policy.clone()));
    let looked_up = async {
        if command.contains('/') {
            return Ok(command.into());
        }
        let found = host.look_up(command).await.program;
        found.ok_or_else(|| Error::new(ErrorKind::PluginNotFound, "not found"))
    };
    host.permit(command, looked_up, variables).await.map(drop)
}

#[tokio::test]
async fn the_allowlist_decides_as_client_go_does() {
    for (entries, command, is_allowed) in [
        // A name permits the name, wherever PATH leads, and the path that PATH has for it.
        (vec!["aws"], "aws", true),
        (vec!["aws"], "/usr/local/bin/aws", true),
        (vec!["aws"], "/usr/bin/aws", false),
        (vec!["aws"], "/opt/aws", false),
        // A path that can be shortened to a name is not that name.
        (vec!["aws"], "./aws", false),
        (vec!["aws"], "hub/../aws", false),
        // A path permits itself, and the name where PATH leads there.
        (vec!["/usr/local/bin/aws"], "aws", true),
        (vec!["/usr/local/bin/aws"], "/usr/local/bin/aws", true),
        (vec!["/usr/bin/aws"], "aws", false),
        (vec!["/usr/local/bin/aws"], "/opt/aws", false),
        // The normalized path of the program is compared; symbolic links are not followed.
        (vec!["/opt/aws"], "/opt/./x/../aws", true),
        (vec!["/usr/local/bin/aws"], "/opt/linked", false),
        (vec!["/opt/linked"], "/opt/linked", true),
        // Entries are alternatives.
        (vec!["other", "/opt/aws"], "/opt/aws", true),
        (vec!["other", "/opt/aws"], "/opt/other", false),
        (vec!["/opt"], "/opt/aws", false),
    ] {
        let policy = PluginPolicy::allowlist(entries.clone()).unwrap();
        let permitted = permit(&policy, command).await;
        assert_eq!(
            permitted.is_ok(),
            is_allowed,
            "{entries:?} and {command}: {permitted:?}"
        );
        if let Err(error) = permitted {
            assert_eq!(error.kind(), ErrorKind::Refused);
        }
    }
}

#[tokio::test]
async fn under_an_allowlist_a_kubeconfig_sets_only_harmless_variables_and_those_of_the_entry() {
    let plain = PluginPolicy::allowlist(["aws"]).unwrap();
    let named = PluginPolicy::allowlist_with([("aws", vec!["AWS_CONFIG_FILE", "MY_*"])]).unwrap();
    for name in HARMLESS_VARIABLES {
        assert!(permit_with(&plain, "aws", &[name]).await.is_ok(), "{name}");
    }
    for name in [
        "PATH",
        "HOME",
        "BROWSER",
        "LD_PRELOAD",
        "LD_LIBRARY_PATH",
        "LD_AUDIT",
        "DYLD_INSERT_LIBRARIES",
        "GCONV_PATH",
        "BASH_ENV",
        "ENV",
        "SHELLOPTS",
        "PS4",
        "IFS",
        "PYTHONPATH",
        "PYTHONSTARTUP",
        "PYTHONHOME",
        "PERL5OPT",
        "PERL5LIB",
        "RUBYOPT",
        "NODE_OPTIONS",
        "NODE_PATH",
        "JAVA_TOOL_OPTIONS",
        "CLASSPATH",
        "GODEBUG",
        "AWS_CONFIG_FILE",
        "AWS_SHARED_CREDENTIALS_FILE",
        "AWS_ENDPOINT_URL",
        "AWS_CA_BUNDLE",
        "CLOUDSDK_CONFIG",
        "CLOUDSDK_PYTHON",
        "AZURE_AUTHORITY_HOST",
        "SSL_CERT_FILE",
        "REQUESTS_CA_BUNDLE",
        "KUBECONFIG",
        "XDG_CONFIG_HOME",
        "EDITOR",
        "PAGER",
        "aws_region",
        "AWS_REGION ",
        "",
    ] {
        let error = permit_with(&plain, "aws", &["AWS_REGION", name])
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused, "{name}");
        assert!(error.message().contains(&format!("\"{name}\"")), "{error}");
        assert!(
            permit_with(&PluginPolicy::allow_all(), "aws", &[name])
                .await
                .is_ok()
        );
    }
    assert!(
        permit_with(&named, "aws", &["AWS_CONFIG_FILE", "MY_TENANT", "AWS_REGION"])
            .await
            .is_ok()
    );
    assert!(permit_with(&named, "aws", &["LD_PRELOAD"]).await.is_err());
    // What one entry allows is not allowed to another program.
    let two = PluginPolicy::allowlist_with([("aws", vec![]), ("/opt/other", vec!["HOME"])]).unwrap();
    assert!(permit_with(&two, "aws", &["HOME"]).await.is_err());
    assert!(permit_with(&two, "/opt/other", &["HOME"]).await.is_ok());
    for all in ["*", ""] {
        assert!(PluginPolicy::allowlist_with([("aws", [all])]).is_err());
    }
}

#[tokio::test]
async fn a_plugin_that_cannot_be_found_is_not_found_unless_none_may_run() {
    let list = PluginPolicy::allowlist(["missing"]).unwrap();
    for (policy, kind) in [
        (PluginPolicy::allow_all(), ErrorKind::PluginNotFound),
        (list, ErrorKind::PluginNotFound),
        (PluginPolicy::deny_all(), ErrorKind::Refused),
    ] {
        assert_eq!(permit(&policy, "missing").await.unwrap_err().kind(), kind);
    }
    assert!(
        permit(&PluginPolicy::allow_all(), "/anywhere/at/all")
            .await
            .is_ok()
    );
}

fn rules(json: &str) -> Result<PluginRules> {
    let written: Value = serde_json::from_str(json).unwrap();
    written.parse::<PluginOptions>()?.rules()
}

#[test]
fn options_that_cannot_be_meant_are_found() {
    for (json, said) in [
        (r#"{"policy": "allowlist"}"#, "there is no allowlist"),
        (
            r#"{"policy": "allowlist", "allowlist": null}"#,
            "there is no allowlist",
        ),
        (
            r#"{"policy": "allowlist", "allowlist": []}"#,
            "the allowlist is empty",
        ),
        (r#"{"allowlist": []}"#, "the plugin policy is not set"),
        (r#"{"policy": "", "allowlist": [{"command": "x"}]}"#, "not set"),
        (
            r#"{"policy": "allow-all", "allowlist": [{"command": "x"}]}"#,
            "allow-all",
        ),
        (r#"{"policy": "DenyAll", "allowlist": []}"#, "DenyAll"),
        (
            r#"{"policy": "allowlist", "allowlist": [{"command": "x"}, {}]}"#,
            "entry 2",
        ),
        (
            r#"{"policy": "allowlist", "allowlist": [{"command": "./x"}]}"#,
            "entry 1 of the allowlist is neither a name nor an absolute path: \"./x\"",
        ),
        (
            r#"{"policy": "allowlist", "allowlist": [{"command": "/a//b"}]}"#,
            "write it as \"/a/b\"",
        ),
        (
            r#"{"policy": "allowlist", "allowlist": [{"command": "/a/"}]}"#,
            "write it as \"/a\"",
        ),
        (
            r#"{"policy": "allowlist", "allowlist": [{"command": "/a/../b"}]}"#,
            "write it as \"/b\"",
        ),
        (
            r#"{"policy": "Allow\u001bAll"}"#,
            "\"AllowU+001BAll\" is not a valid plugin policy",
        ),
        (r#"{"environment": "none"}"#, "is not a valid environment"),
    ] {
        let error = rules(json).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidValue, "{json}");
        assert!(error.to_string().contains(said), "{json}: {error}");
    }
    let error = rules(r#"{"policy": "deny-all", "allow-list": []}"#).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnknownField);
}

#[cfg(unix)]
#[test]
fn an_entry_that_could_never_permit_anything_is_refused_but_not_in_a_kuberc() {
    for command in [
        "~/x",
        "./x",
        "bin/x",
        "./bin/x",
        "../x",
        "x/",
        "${HOME}/x",
        "$HOME/bin/x",
    ] {
        let error = PluginPolicy::allowlist([command]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidValue, "{command}");
        let message =
            format!("entry 1 of the allowlist is neither a name nor an absolute path: \"{command}\"");
        assert_eq!(error.message(), message);
        assert!(error.help().unwrap().contains("its absolute path"), "{error}");
    }
    for command in ["~/x", "bin/x", "../x"] {
        let entry = AllowedPlugin {
            command: command.to_owned(),
            ..AllowedPlugin::default()
        };
        assert!(PluginPolicy::kuberc_allowlist([entry]).is_ok(), "{command}");
    }
    for command in ["x", "~", "/bin/x"] {
        assert!(PluginPolicy::allowlist([command]).is_ok(), "{command}");
    }
}

#[test]
fn options_become_rules() {
    assert_eq!(rules("{}").unwrap(), PluginRules::new());
    assert_eq!(rules(r#"{"policy": "AllowAll"}"#).unwrap(), PluginRules::new());
    let written = r#"{"policy": "allowlist", "allowlist": [{"command": "aws"}], "deadline": "150ms",
                      "interactive-deadline": "1m", "environment": "minimal", "drop-variables": ["HOME"]}"#;
    let expected = PluginRules::new()
        .policy(PluginPolicy::allowlist(["aws"]).unwrap())
        .environment(PluginEnvironment::minimal().dropping(["HOME"]))
        .deadline(Duration::from_millis(150))
        .interactive_deadline(Duration::from_secs(60));
    assert_eq!(rules(written).unwrap(), expected);
}

#[test]
fn a_plugin_inherits_what_the_rules_leave() {
    let variables = || {
        [
            "PATH",
            "HOME",
            "LC_ALL",
            "AWS_PROFILE",
            "AWS_SECRET_ACCESS_KEY",
            "PATHOLOGY",
        ]
        .map(|name| (OsString::from(name), OsString::from("x")))
        .to_vec()
    };
    for (environment, left) in [
        (
            PluginEnvironment::inherit(),
            "PATH HOME LC_ALL AWS_PROFILE AWS_SECRET_ACCESS_KEY PATHOLOGY",
        ),
        (
            PluginEnvironment::inherit().dropping(["AWS_*", "HOME"]),
            "PATH LC_ALL PATHOLOGY",
        ),
        (PluginEnvironment::minimal(), "PATH HOME LC_ALL"),
        (PluginEnvironment::minimal().dropping(["LC_ALL"]), "PATH HOME"),
        (PluginEnvironment::inherit().dropping(["*"]), ""),
    ] {
        let inherited = PluginRules::new().environment(environment).inherited(variables());
        let names: Vec<_> = inherited.iter().map(|(name, _)| name.to_str().unwrap()).collect();
        assert_eq!(names.join(" "), left);
    }
}

/// A policy whose source can be told to fail.
#[derive(Debug)]
struct Changing(std::sync::Mutex<Result<PluginPolicy>>);

#[async_trait::async_trait]
impl PluginPolicySource for Changing {
    async fn policy(&self, _: &Host) -> Result<PluginPolicy> {
        self.0.lock().unwrap().clone()
    }

    fn id(&self) -> String {
        "changing".to_owned()
    }
}

#[tokio::test]
async fn every_layer_must_permit_and_a_layer_is_read_at_each_run() {
    let source = std::sync::Arc::new(Changing(std::sync::Mutex::new(Ok(PluginPolicy::allow_all()))));
    let aws = PluginPolicy::allowlist(["aws"]).unwrap();
    let policy = aws.clone().and(PluginPolicy::from_source(source.clone()));
    let set = |policy: Result<PluginPolicy>| *source.0.lock().unwrap() = policy;
    assert!(permit(&policy, "aws").await.is_ok());
    assert!(permit(&policy, "/opt/other").await.is_err());

    let line = crate::Origin::file("/kuberc").position(3, 1);
    set(Ok(PluginPolicy::deny_all().with_origin(&line)));
    let error = permit(&policy, "aws").await.unwrap_err();
    assert!(
        error.message().ends_with("deny-all (set by /kuberc:3:1)"),
        "{error}"
    );

    set(Ok(PluginPolicy::allowlist(["other"]).unwrap().with_origin(&line)));
    let error = permit(&policy, "aws").await.unwrap_err();
    assert!(error.message().contains("(set by /kuberc:3:1)"), "{error}");

    // Each policy that refuses is told, so that mending one does not reveal the next.
    let error = permit(&policy, "/opt/third").await.unwrap_err();
    assert_eq!(error.problems().count(), 2, "{error}");
    set(Ok(PluginPolicy::deny_all().with_origin(&line)));
    let error = permit(&policy, "/opt/third").await.unwrap_err();
    let reasons: Vec<&str> = error.problems().map(Error::message).collect();
    assert!(
        reasons.len() == 2 && reasons[0].contains("allowlist"),
        "{reasons:?}"
    );
    assert!(
        reasons[1].ends_with("deny-all (set by /kuberc:3:1)"),
        "{reasons:?}"
    );
    let error = permit(&policy, "aws").await.unwrap_err();
    assert_eq!(error.problems().count(), 1, "{error}");

    let invalid = Error::new(ErrorKind::InvalidValue, "the file is broken").with_origin(&line);
    set(Err(invalid.with_help("mend it")));
    let error = permit(&policy, "aws").await.unwrap_err();
    assert_eq!(
        (error.kind(), error.help()),
        (ErrorKind::Refused, Some("mend it"))
    );
    assert!(
        error.message().contains("the file is broken (/kuberc:3:1)"),
        "{error}"
    );

    // A source of a source is refused, so that none can lead to itself.
    set(Ok(policy.clone()));
    assert_eq!(
        permit(&policy, "aws").await.unwrap_err().kind(),
        ErrorKind::Refused
    );

    // What one layer permits a kubeconfig to set, the other does not forbid: both have listed the program.
    let named = PluginPolicy::allowlist_with([("aws", vec!["AWS_CONFIG_FILE"])]).unwrap();
    set(Ok(named));
    assert!(permit_with(&policy, "aws", &["AWS_CONFIG_FILE"]).await.is_ok());
    assert!(permit_with(&policy, "aws", &["LD_PRELOAD"]).await.is_err());

    // Only the list of the rules themselves can name variables.
    let refused = async |policy: &PluginPolicy| {
        let error = permit_with(policy, "aws", &["LD_PRELOAD", "AWS_REGION", "PYTHONPATH"]).await;
        let error = error.unwrap_err();
        assert!(
            error
                .message()
                .contains("variables \"LD_PRELOAD\", \"PYTHONPATH\""),
            "{error}"
        );
        error.help().unwrap_or_default().to_owned()
    };
    set(Ok(PluginPolicy::allow_all()));
    let help = refused(&policy).await;
    assert!(
        help.contains("add env: [LD_PRELOAD, PYTHONPATH] to the plugin's entry"),
        "{help}"
    );
    set(Ok(aws));
    let help = refused(&PluginPolicy::from_source(source.clone())).await;
    assert!(
        help.ends_with(
            "exec: {policy: allowlist, allowlist: [{command: aws, env: [LD_PRELOAD, PYTHONPATH]}]}"
        ),
        "{help}"
    );
}

#[tokio::test]
async fn an_entry_with_a_digest_permits_only_the_program_that_has_it() {
    let entry = |command: &str, sha256: &str| AllowedPlugin {
        command: command.to_owned(),
        sha256: Some(sha256.to_owned()),
        ..AllowedPlugin::default()
    };
    // The programs of the simulated host are read as files.
    let content = host()
        .files()
        .read("/usr/local/bin/aws".as_ref(), 1024)
        .await
        .unwrap();
    let digest = hmac_sha256::Hash::hash(crate::ExposeSecret::expose_secret(&content));
    let digest = digest
        .iter()
        .fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
    let other = "e".repeat(64);
    for (entries, is_allowed) in [
        (vec![entry("aws", &digest)], true),
        (vec![entry("aws", &digest.to_uppercase())], true),
        (vec![entry("aws", &other)], false),
        (
            vec![entry("aws", &other), entry("/usr/local/bin/aws", &digest)],
            true,
        ),
        (
            vec![
                entry("aws", &other),
                AllowedPlugin {
                    command: "aws".to_owned(),
                    ..AllowedPlugin::default()
                },
            ],
            true,
        ),
    ] {
        let policy = PluginPolicy::allowlist_of(entries).unwrap();
        assert_eq!(permit(&policy, "aws").await.is_ok(), is_allowed);
    }
    for wrong in [
        "",
        "abc",
        &format!("{digest}00"),
        &"g".repeat(64),
        &format!("{}é", &digest[..62]),
    ] {
        assert!(
            PluginPolicy::allowlist_of([entry("aws", wrong)]).is_err(),
            "{wrong}"
        );
    }
}

#[tokio::test]
async fn a_natively_served_command_is_not_compared_with_a_file_of_the_working_directory() {
    // A file of this crate's directory, in which its tests run.
    let command = "Cargo.toml";
    let content = Host::real()
        .files()
        .read(std::path::Path::new(command), 1 << 20)
        .await
        .unwrap();
    let digest = hmac_sha256::Hash::hash(crate::ExposeSecret::expose_secret(&content));
    let digest = digest
        .iter()
        .fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    let entry = |sha256: Option<&str>| AllowedPlugin {
        command: command.to_owned(),
        sha256: sha256.map(str::to_owned),
        ..AllowedPlugin::default()
    };
    for (entries, is_allowed) in [
        (vec![entry(Some(&digest))], false),
        (vec![entry(Some(&digest)), entry(None)], true),
        (vec![entry(None)], true),
    ] {
        let policy = PluginPolicy::allowlist_of(entries).unwrap();
        let host = Host::real()
            .with_variable("PATH", Some("/nonexistent"))
            .with_plugin_rules(PluginRules::new().policy(policy));
        let permitted = host.permit_replaced(command, &[]).await;
        let verdict = host.replaced_verdict(command, &[]).await;
        assert_eq!(verdict.refusal.is_none(), is_allowed);
        match permitted {
            Ok(()) => assert!(is_allowed),
            Err(error) => {
                assert!(!is_allowed, "{error}");
                assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
            }
        }
    }
}
