//! No secret of AWS in anything that is shown.

use http::StatusCode;
use kubex_tests::issuer::{Issuer, IssuerAnswer};

use crate::scene::{chain, machine, options, write};
use crate::shown_output::{Shown, disguises};

const KEY: &str = "Kq7secre-canary-in-an-access-key";
const SESSION: &str = "Lw8sessi-canary-in-a-session-token";
const ANSWER: &str = "Mx9answe-canary-in-an-answer-of-sts";
const WEB_IDENTITY: &str = "Ny4webid-canary-in-a-web-identity";

/// Builds, resolves, fetches and shows all of it.
async fn run(what: &str, home: &std::path::Path, variables: &[(&str, &str)], options: kubex::Options) {
    let shown = Shown::default();
    let guard = shown.listen();
    shown.all_of(what, chain(machine(home, variables), options)).await;
    drop(guard);
    for marker in [KEY, SESSION, ANSWER, WEB_IDENTITY] {
        shown.assert_hides(&format!("{what}: {marker}"), &disguises(marker));
    }
}

#[tokio::test]
async fn eks_shows_no_secret_of_aws() {
    let home = tempfile::tempdir().unwrap();
    let sts = Issuer::start().await.unwrap();
    write(home.path(), "ca.pem", &sts.ca_pem());
    write(home.path(), "token", WEB_IDENTITY);
    let bundle = home.path().join("ca.pem");
    let token = home.path().join("token");
    let in_region = || options().set("region", "eu-central-1");
    let with_role = || in_region().set("role", "arn:aws:iam::123456789012:role/deployer");
    let keys = [
        ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", KEY),
        ("AWS_SESSION_TOKEN", SESSION),
    ];
    let to_sts = [
        ("AWS_ENDPOINT_URL_STS", sts.origin()),
        ("AWS_CA_BUNDLE", bundle.to_str().unwrap()),
    ];
    let identity = [
        ("AWS_WEB_IDENTITY_TOKEN_FILE", token.to_str().unwrap()),
        ("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/pod"),
    ];
    run("keys", home.path(), &keys, in_region()).await;
    run("half a pair", home.path(), &keys[1..], in_region()).await;
    run(
        "a key as a profile",
        home.path(),
        &[],
        in_region().set("cluster", format!("{KEY} x")),
    )
    .await;
    for (what, answer) in [
        (
            "refused",
            IssuerAnswer::Raw(StatusCode::FORBIDDEN, refusal().into()),
        ),
        ("not XML", IssuerAnswer::Raw(StatusCode::OK, ANSWER.into())),
        (
            "redirected",
            IssuerAnswer::Redirect(StatusCode::FOUND, format!("https://127.0.0.1:1/?{ANSWER}")),
        ),
        ("issued", IssuerAnswer::Raw(StatusCode::OK, issued().into())),
    ] {
        sts.answer("/", answer);
        run(what, home.path(), &[&keys[..], &to_sts[..]].concat(), with_role()).await;
        run(
            what,
            home.path(),
            &[&identity[..], &to_sts[..]].concat(),
            in_region(),
        )
        .await;
    }
    for content in [
        format!(
            "[default]\naws_access_key_id = AKIA\naws_secret_access_key = {KEY}\naws_session_token = {SESSION}\n"
        ),
        format!("[default]\naws_secret_access_key = {KEY}\n"),
        format!("[default]\naws_secret_access_key {KEY}\n"),
        format!("[default\n{KEY}\n"),
        format!("[default]\ncredential_process = vault --token {KEY}\n"),
        format!("[default]\nrole_arn = {KEY}\n"),
    ] {
        write(home.path(), ".aws/credentials", &content);
        run("a profile", home.path(), &[], in_region()).await;
    }
}

#[tokio::test]
async fn a_call_that_is_served_natively_shows_no_secret_and_neither_does_the_reason_why_it_is_not() {
    let home = tempfile::tempdir().unwrap();
    crate::native::install(home.path());
    let get = "eks, get-token, --cluster-name, c, --region, eu-west-1";
    for exec in [
        format!(
            "command: aws\nargs: [{get}]\nenv: [{{name: AWS_ACCESS_KEY_ID, value: A}}, \
             {{name: AWS_SECRET_ACCESS_KEY, value: {KEY}}}, {{name: AWS_SESSION_TOKEN, value: {SESSION}}}]"
        ),
        format!("command: aws\nargs: [{get}]\nenv: [{{name: OTHER, value: {KEY}}}]"),
        format!("command: aws\nargs: [{get}, --token, {KEY}]"),
        format!("command: aws\nargs: [{get}, --token={KEY}]"),
        format!("command: aws\nargs: [{get}, {KEY}]"),
        format!("command: aws\nargs: [{get}, --output, {KEY}]"),
    ] {
        let shown = Shown::default();
        let guard = shown.listen();
        shown.add(format!(
            "{} what follows is everything that is shown\n",
            get.len()
        ));
        write(home.path(), "kubeconfig", &crate::native::kubeconfig(&exec));
        let rules = kubex::host::PluginRules::new().native(["aws"]);
        let host = machine(home.path(), &[])
            .with_plugin_rules(rules)
            .with_variable("PATH", Some(home.path().join("bin")));
        let resolving = kubex::configure_from_kubeconfig()
            .host(host)
            .path(home.path().join("kubeconfig"));
        let configuration = resolving.await.unwrap();
        shown.debug(&configuration);
        shown.add(format!("{}\n", configuration.report()));
        for warning in configuration.warnings() {
            shown.add(format!("{warning}\n"));
        }
        match configuration.credentials().current().await {
            Ok(credential) => shown.debug(&credential),
            Err(error) => shown.error(&error),
        }
        shown.add(configuration.credentials().describe());
        drop(guard);
        for marker in [KEY, SESSION] {
            shown.assert_hides(&exec.replace(marker, ""), &disguises(marker));
        }
    }
}

fn issued() -> String {
    format!(
        "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIA</AccessKeyId><SecretAccessKey>{ANSWER}\
         </SecretAccessKey><SessionToken>{SESSION}</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration>\
         </Credentials></AssumeRoleResult></AssumeRoleResponse>"
    )
}

fn refusal() -> String {
    format!(
        "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>not with token={ANSWER}</Message>\
         </Error></ErrorResponse>"
    )
}
