//! Kubeconfigs whose exec plugin is the AWS CLI: which of their calls are served natively, each decision pinned.
//!
//! The `aws` in `PATH` is a script that prints a token of its own, so that it shows which of the two answered.

use std::path::Path;

use kubex::host::{PluginEnvironment, PluginPolicy, PluginRules};
use kubex::{ClientConfiguration, Error, ErrorKind, ExposeSecret as _, Host};

use crate::scene::{keys, machine, parameters, request, write};
use crate::shared;

const NATIVE: &str = "served natively";

/// A kubeconfig with this exec block, one line each.
pub(crate) fn kubeconfig(exec: &str) -> String {
    shared::kubeconfig("v1", exec)
}

/// Installs an `aws` that prints a token of its own.
pub(crate) fn install(home: &Path) {
    shared::install(home, "aws", "v1");
}

fn rules() -> PluginRules {
    PluginRules::new().native(["aws"])
}

async fn resolve(home: &Path, exec: &str, host: Host) -> kubex::Result<ClientConfiguration> {
    shared::resolve_kubeconfig(home, &kubeconfig(exec), host).await
}

async fn token(configuration: &ClientConfiguration) -> Result<String, Error> {
    let credential = configuration.credentials().current().await?;
    Ok(credential.token().unwrap().expose_secret().to_owned())
}

/// What happens to a call: [`NATIVE`], or the reason in the warning.
async fn decision(home: &Path, exec: &str, host: Host) -> String {
    let configuration = resolve(home, exec, host).await.unwrap();
    let token = token(&configuration).await.unwrap();
    let mut warnings = configuration
        .warnings()
        .iter()
        .filter(|it| it.id() == "plugin-not-replaced");
    match warnings.next() {
        None => {
            assert!(
                token.starts_with("k8s-aws-v1."),
                "{exec}: the plugin ran without a warning"
            );
            assert!(
                configuration
                    .credentials()
                    .describe()
                    .contains("in place of the plugin aws")
            );
            NATIVE.to_owned()
        }
        Some(warning) => {
            assert_eq!(
                token, "printed",
                "{exec}: served natively in spite of the warning"
            );
            assert!(warning.origin().is_some(), "{exec}");
            let (_, why) = warning.message().split_once("lists it: ").unwrap();
            why.to_owned()
        }
    }
}

fn args(args: &str) -> String {
    format!("command: aws\nargs: [{args}]")
}

fn env(env: &str) -> String {
    format!("command: aws\nargs: [--region, eu-west-1, eks, get-token, --cluster-name, c]\nenv: [{env}]")
}

#[tokio::test]
async fn each_call_of_the_aws_cli_is_served_natively_or_runs_for_a_reason() {
    let home = tempfile::tempdir().unwrap();
    install(home.path());
    write(
        home.path(),
        ".aws/credentials",
        "[work]\naws_access_key_id = AKIAWORK\naws_secret_access_key = secret-of-work\n",
    );
    write(
        home.path(),
        ".aws/config",
        "[profile work]\nregion = eu-west-3\n[profile process]\ncredential_process = /bin/false\n\
         [profile mfa]\nrole_arn = a\nsource_profile = work\nmfa_serial = m\n[profile login]\nlogin_session = l\n\
         [profile elsewhere]\nservices = s\n",
    );
    let not = |what: &str| format!("{what} is not supported");
    let flag = |flag: &str| not(&format!("the argument \"--{flag}\""));
    let value = |flag: &str| not(&format!("the value of \"--{flag}\""));
    let variable = |name: &str| not(&format!("the variable \"{name}\""));
    let native = || NATIVE.to_owned();
    let get = "eks, get-token, --cluster-name, c, --region, r-1";
    let cases = [
        // Written by `aws eks update-kubeconfig`, by eksctl, by Terraform, by hand.
        (args("--region, eu-west-1, eks, get-token, --cluster-name, c, --output, json"), native()),
        (args("--region, eu-west-1, eks, get-token, --cluster-name, c"), native()),
        (args("eks, get-token, --cluster-name, c, --region, eu-west-1"), native()),
        (args("eks, get-token, --cluster-name=c, --region=eu-west-1"), native()),
        (args("eks, get-token, --cluster-id, 0-1-2, --region, eu-west-1"), native()),
        (args("--profile, work, eks, get-token, --cluster-name, c"), native()),
        (args("eks, get-token, --cluster-name, c, --profile, work, --output, json"), native()),
        (args("eks, --region, eu-west-1, get-token, --cluster-name, c"), native()),
        (args("--no-cli-pager, --region, eu-west-1, eks, get-token, --cluster-name, c"), native()),
        (env("{name: AWS_PROFILE, value: work}"), native()),
        (env("{name: AWS_DEFAULT_PROFILE, value: work}"), native()),
        (env("{name: AWS_STS_REGIONAL_ENDPOINTS, value: regional}"), native()),
        (env("{name: AWS_REGION, value: eu-west-2}"), native()),
        (env("{name: AWS_ACCESS_KEY_ID, value: A}, {name: AWS_SECRET_ACCESS_KEY, value: s3cret-of-a-kubeconfig}"), native()),
        (env("{name: AWS_CONFIG_FILE, value: /nonexistent}"), native()),
        (env("{name: HTTPS_PROXY, value: 'http://127.0.0.1:1'}"), native()),
        (format!("{}\nprovideClusterInfo: true", args(get)), native()),
        (format!("{}\ninstallHint: install it", args(get)), native()),
        (format!("{}\nenv: null", args(get)), native()),
        // Other commands, and arguments that mean something else.
        ("command: aws".to_owned(), not("a command other than \"eks get-token\"")),
        (args("eks"), not("a command other than \"eks get-token\"")),
        (args("eks, get-token"), not("a call without \"--cluster-name\"")),
        (args("eks, list-clusters"), not("argument 2")),
        (args("sts, get-caller-identity"), not("argument 1")),
        (args("eks, get-token, help"), not("argument 3")),
        (args("eks, get-token, c"), not("argument 3")),
        (args("--cluster-name, c, eks, get-token"), flag("cluster-name")),
        (args("eks, --role-arn, r, get-token, --cluster-name, c"), flag("role-arn")),
        (args("eks, get-token, --cluster, c"), flag("cluster")),
        (args("eks, get-token, --cluster-name, c, --reg, r"), flag("reg")),
        (args("eks, get-token, --cluster-name, c, --cluster-id, d"), flag("cluster-id")),
        (
            args("eks, get-token, --cluster-name, c, --cluster-name, d"),
            not("the argument \"--cluster-name\", which is given twice,"),
        ),
        (args("eks, get-token, --cluster-name"), value("cluster-name")),
        (args("eks, get-token, --cluster-name, ''"), value("cluster-name")),
        (args("eks, get-token, --cluster-name, 'a b'"), value("cluster-name")),
        (args("eks, get-token, --cluster-name, file:///etc/hostname"), value("cluster-name")),
        (args("eks, get-token, --cluster-name, --region, r"), value("cluster-name")),
        (args(&format!("{get}, --role-arn, 'file://role'")), value("role-arn")),
        (args(&format!("{get}, --output, text")), value("output")),
        (args(&format!("{get}, --output, JSON")), value("output")),
        (args(&format!("{get}, --query, status.token")), flag("query")),
        (args(&format!("{get}, --debug")), flag("debug")),
        (args(&format!("{get}, --no-verify-ssl")), flag("no-verify-ssl")),
        (args(&format!("{get}, --no-sign-request")), flag("no-sign-request")),
        (args(&format!("{get}, --endpoint-url, 'https://127.0.0.1'")), flag("endpoint-url")),
        (args(&format!("{get}, --ca-bundle, x")), flag("ca-bundle")),
        (args(&format!("{get}, --cli-read-timeout, '1'")), flag("cli-read-timeout")),
        (args(&format!("{get}, --color, off")), flag("color")),
        (args(&format!("{get}, -x")), not("argument 7")),
        (args(&format!("{get}, --")), flag("")),
        // Variables.
        (env("{name: AWS_CA_BUNDLE, value: /x}"), variable("AWS_CA_BUNDLE")),
        (env("{name: AWS_ENDPOINT_URL, value: 'https://127.0.0.1'}"), variable("AWS_ENDPOINT_URL")),
        (env("{name: AWS_CONTAINER_CREDENTIALS_FULL_URI, value: x}"), variable("AWS_CONTAINER_CREDENTIALS_FULL_URI")),
        (env("{name: AWS_DATA_PATH, value: /x}"), variable("AWS_DATA_PATH")),
        (env("{name: AWS_PROFILE, value: ''}"), variable("AWS_PROFILE")),
        (env("{name: HOME, value: /x}"), variable("HOME")),
        (env("{name: PYTHONPATH, value: /x}"), variable("PYTHONPATH")),
        (env("{name: ANYTHING, value: x}"), variable("ANYTHING")),
        // What a profile needs.
        (
            args("--profile, process, eks, get-token, --cluster-name, c, --region, r-1"),
            "the AWS profile \"process\" sets \"credential_process\", which names a program, which this provider does \
             not start".to_owned(),
        ),
        (
            env("{name: AWS_PROFILE, value: mfa}"),
            "the AWS profile \"$AWS_PROFILE\" sets \"mfa_serial\", which needs a code that this provider cannot ask for".to_owned(),
        ),
        (
            env("{name: AWS_PROFILE, value: login}"),
            "the AWS profile \"$AWS_PROFILE\" sets \"login_session\", which needs a login that only the AWS CLI can make".to_owned(),
        ),
        (
            env("{name: AWS_PROFILE, value: elsewhere}"),
            "the AWS profile \"$AWS_PROFILE\" sets \"services\", which names other addresses of AWS".to_owned(),
        ),
        (env("{name: AWS_PROFILE, value: absent}"), "the AWS profile \"$AWS_PROFILE\" does not exist".to_owned()),
        (
            args("eks, get-token, --cluster-name, c") + "\nenv: [{name: AWS_REGION, value: s3.cret}]",
            "\"$AWS_REGION\" is not a valid AWS region".to_owned(),
        ),
        (args("eks, get-token, --cluster-name, c"), "no AWS region is set".to_owned()),
        (args("eks, get-token, --cluster-name, c, --region, a.b"), "\"a.b\" is not a valid AWS region".to_owned()),
        // A path is a program that was chosen.
        (
            args(get).replace("aws", &format!("{}/bin/aws", home.path().display())),
            "its command is a path".to_owned(),
        ),
        (args(get).replace("aws", "./bin/aws"), "its command is a path".to_owned()),
    ];
    let mut natives = 0;
    for (exec, expected) in &cases {
        let host = machine(home.path(), &keys()).with_plugin_rules(rules());
        let decided = decision(home.path(), exec, host).await;
        assert_eq!(&decided, expected, "{exec}");
        natives += usize::from(decided == NATIVE);
    }
    println!("{} kubeconfigs, {natives} of them served natively", cases.len());
}

#[tokio::test]
async fn the_environment_decides_too() {
    let home = tempfile::tempdir().unwrap();
    install(home.path());
    let exec = args("--region, eu-west-1, eks, get-token, --cluster-name, c");
    let machine = |more: &[(&str, &str)]| machine(home.path(), &[&keys()[..], more].concat());
    let dropping = |environment| rules().environment(environment);
    for (host, expected) in [
        (machine(&[]), NATIVE),
        (machine(&[("AWS_PAGER", "less")]), NATIVE),
        (
            machine(&[("AWS_CLI_SOMETHING_NEW", "x")]),
            "the variable \"AWS_CLI_SOMETHING_NEW\" is not supported",
        ),
        (
            machine(&[("AWS_ENDPOINT_URL", "http://127.0.0.1:1")]),
            "the variable AWS_ENDPOINT_URL does not hold an https address",
        ),
        (
            machine(&[("BOTO_CONFIG", "/x")]),
            "the variable \"BOTO_CONFIG\" is not supported",
        ),
        (
            machine(&[("AWS_REGION", "a"), ("AWS_DEFAULT_REGION", "b")]),
            "AWS_REGION and AWS_DEFAULT_REGION differ, and not every version of the AWS CLI uses the same one",
        ),
    ] {
        assert_eq!(
            decision(home.path(), &exec, host.with_plugin_rules(rules())).await,
            expected
        );
    }
    for environment in [
        PluginEnvironment::minimal(),
        PluginEnvironment::inherit().dropping(["AWS_*"]),
    ] {
        let host = machine(&[]).with_plugin_rules(dropping(environment));
        let decided = decision(home.path(), &exec, host).await;
        assert!(
            decided.starts_with("the plugin rules remove the variable \"AWS_"),
            "{decided}"
        );
    }
    for (name, pattern) in [
        ("HTTPS_PROXY", "HTTPS_PROXY"),
        ("no_proxy", "no_*"),
        ("REQUESTS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"),
    ] {
        let environment = PluginEnvironment::inherit().dropping([pattern]);
        let host = machine(&[(name, "/nonexistent")]).with_plugin_rules(dropping(environment));
        assert_eq!(
            decision(home.path(), &exec, host).await,
            format!("the plugin rules remove the variable \"{name}\"")
        );
    }
    write(home.path(), ".aws/config", "[plugins]\nx = y\n");
    let decided = decision(home.path(), &exec, machine(&[]).with_plugin_rules(rules())).await;
    assert_eq!(decided, "the configuration of the AWS CLI loads plugins");
    write(home.path(), ".aws/config", "");
    write(home.path(), ".aws/cli/alias", "[toplevel]\neks = !true\n");
    let decided = decision(home.path(), &exec, machine(&[]).with_plugin_rules(rules())).await;
    assert_eq!(decided, "the AWS CLI has aliases");
}

#[tokio::test]
async fn the_variables_and_the_region_of_the_call_are_those_of_the_token() {
    let home = tempfile::tempdir().unwrap();
    install(home.path());
    let exec = env(
        "{name: AWS_ACCESS_KEY_ID, value: AKIAKUBECONFIG}, {name: AWS_SECRET_ACCESS_KEY, value: s}, \
                    {name: AWS_SESSION_TOKEN, value: t}",
    );
    let host = machine(home.path(), &keys()).with_plugin_rules(rules());
    let configuration = resolve(home.path(), &exec, host).await.unwrap();
    let url = request(&token(&configuration).await.unwrap());
    assert_eq!(url.host_str(), Some("sts.eu-west-1.amazonaws.com"));
    let parameters = parameters(&url);
    assert!(parameters["X-Amz-Credential"].starts_with("AKIAKUBECONFIG/"));
    assert_eq!(parameters["X-Amz-Security-Token"], "t");
}

#[tokio::test]
async fn a_fetch_that_finds_something_new_that_is_not_supported_runs_the_plugin() {
    let home = tempfile::tempdir().unwrap();
    install(home.path());
    let exec = args("--region, eu-west-1, eks, get-token, --cluster-name, c");
    let host = machine(home.path(), &keys()).with_plugin_rules(rules());
    let configuration = resolve(home.path(), &exec, host).await.unwrap();
    assert!(configuration.warnings().is_empty());
    let credentials = configuration.credentials();
    let native = credentials.current().await.unwrap();
    assert!(native.token().unwrap().expose_secret().starts_with("k8s-aws-v1."));
    write(home.path(), ".aws/cli/alias", "[toplevel]\neks = !true\n");
    credentials.invalidate(native.generation());
    assert_eq!(token(&configuration).await.unwrap(), "printed");
}

#[tokio::test]
async fn the_decision_of_the_policy_is_shown_for_a_natively_served_call() {
    let home = tempfile::tempdir().unwrap();
    let exec = args("--region, eu-west-1, eks, get-token, --cluster-name, c");
    for (policy, is_allowed) in [
        (PluginPolicy::allow_all(), true),
        (PluginPolicy::deny_all(), false),
        (PluginPolicy::allowlist(["aws"]).unwrap(), true),
        (PluginPolicy::allowlist(["kubelogin"]).unwrap(), false),
    ] {
        let host = machine(home.path(), &keys()).with_plugin_rules(rules().policy(policy));
        let configuration = resolve(home.path(), &exec, host).await.unwrap();
        let verdict = configuration.credentials().plugin_verdict().await.unwrap();
        assert_eq!(verdict.command, "aws");
        assert_eq!(verdict.refusal.is_none(), is_allowed);
    }
}

#[tokio::test]
async fn without_the_rule_the_plugin_runs_and_nothing_is_said() {
    let home = tempfile::tempdir().unwrap();
    install(home.path());
    let exec = args("--region, eu-west-1, eks, get-token, --cluster-name, c");
    let configuration = resolve(home.path(), &exec, machine(home.path(), &keys()))
        .await
        .unwrap();
    assert_eq!(token(&configuration).await.unwrap(), "printed");
    assert!(configuration.warnings().is_empty());
}

#[tokio::test]
async fn the_plugin_policy_decides_as_if_the_plugin_ran() {
    let home = tempfile::tempdir().unwrap();
    let exec = args("--region, eu-west-1, eks, get-token, --cluster-name, c");
    let with_file = env("{name: AWS_CONFIG_FILE, value: /nonexistent}");
    let path = home.path().join("bin/aws").display().to_string();
    let list = |entry: &str| PluginPolicy::allowlist([entry]).unwrap();
    let with_variable = || PluginPolicy::allowlist_with([("aws", ["AWS_CONFIG_FILE"])]).unwrap();
    for (is_installed, policy, exec, is_allowed) in [
        (false, PluginPolicy::allow_all(), &exec, true),
        (false, PluginPolicy::deny_all(), &exec, false),
        (false, list("aws"), &exec, true),
        (false, list("kubelogin"), &exec, false),
        (false, list(&path), &exec, false),
        (false, list("/usr/local/bin/aws"), &exec, false),
        (true, PluginPolicy::deny_all(), &exec, false),
        (true, list("aws"), &exec, true),
        (true, list(&path), &exec, true),
        (true, list("/usr/local/bin/aws"), &exec, false),
        (true, list("aws"), &with_file, false),
        (true, with_variable(), &with_file, true),
    ] {
        if is_installed {
            install(home.path());
        }
        let shown = format!("{is_installed} {policy:?}");
        let host = machine(home.path(), &keys()).with_plugin_rules(rules().policy(policy));
        let configuration = resolve(home.path(), exec, host).await.unwrap();
        match token(&configuration).await {
            Ok(token) => assert!(is_allowed && token.starts_with("k8s-aws-v1."), "{shown}"),
            Err(error) => {
                assert!(!is_allowed, "{shown}: {error}");
                assert_eq!(error.kind(), ErrorKind::Refused, "{shown}: {error}");
            }
        }
    }
}

#[tokio::test]
async fn a_kubeconfig_that_came_as_bytes_gets_no_token() {
    let home = tempfile::tempdir().unwrap();
    let exec = args("--region, eu-west-1, eks, get-token, --cluster-name, c");
    let host = machine(home.path(), &keys()).with_plugin_rules(rules());
    let error = shared::refused_as_bytes(kubeconfig(&exec), host).await;
    assert_eq!(error.kind(), ErrorKind::Refused);
}
