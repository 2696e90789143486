//! No secret of Azure in anything that is shown.

use std::time::Duration;

use http::StatusCode;
use kubex_tests::issuer::{Issuer, IssuerAnswer};

use crate::scene::{TOKEN_PATH, application, chain, issued, machine, options, refused, write};
use crate::shown_output::{Shown, disguises};

const SECRET: &str = "Kq7secre~canary-in-a-client-secret";
const ASSERTION: &str = "Lw8asser-canary-in-a-federated-token";
const ANSWER: &str = "Mx9answe-canary-in-an-answer-of-entra";
const TOKEN: &str = "Ny4token-canary-in-an-access-token";

/// Builds, resolves, fetches and shows all of it.
async fn run(what: &str, home: &std::path::Path, variables: &[(&str, &str)], options: kubex::Options) {
    let shown = Shown::default();
    let guard = shown.listen();
    shown.all_of(what, chain(machine(home, variables), options)).await;
    drop(guard);
    for marker in [SECRET, ASSERTION, ANSWER, TOKEN] {
        shown.assert_hides(&format!("{what}: {marker}"), &disguises(marker));
    }
}

#[tokio::test]
async fn aks_shows_no_secret_of_azure() {
    let home = tempfile::tempdir().unwrap();
    let entra = Issuer::start().await.unwrap();
    let file = write(home.path(), "token", ASSERTION);
    let workload = || application("workloadidentity", &entra).set("federated-token-file", file.as_str());
    let secret = [("AZURE_CLIENT_SECRET", SECRET)];
    for (what, answer) in [
        ("refused", refused(StatusCode::UNAUTHORIZED, 7_000_215, ANSWER)),
        (
            "refused without JSON",
            IssuerAnswer::Raw(StatusCode::FORBIDDEN, ANSWER.into()),
        ),
        ("not JSON", IssuerAnswer::Raw(StatusCode::OK, ANSWER.into())),
        (
            "of another type",
            IssuerAnswer::Raw(
                StatusCode::OK,
                format!(r#"{{"access_token": "{TOKEN}", "expires_in": "{ANSWER}"}}"#).into(),
            ),
        ),
        (
            "redirected",
            IssuerAnswer::Redirect(StatusCode::FOUND, format!("https://127.0.0.1:1/?{ANSWER}")),
        ),
        ("issued", issued(TOKEN, 3600)),
    ] {
        entra.answer(TOKEN_PATH, answer);
        run(
            what,
            home.path(),
            &[],
            application("spn", &entra).set("client-secret", SECRET),
        )
        .await;
        run(what, home.path(), &secret, application("spn", &entra)).await;
        run(what, home.path(), &[], workload()).await;
    }
    let nowhere = || application("spn", &entra).set("authority-host", "https://127.0.0.1:1");
    run("unreachable", home.path(), &secret, nowhere()).await;
    for key in ["tenant-id", "server-id", "environment", "authority-host", "login"] {
        let wrong = application("spn", &entra).set(key, format!("{SECRET} x"));
        run(&format!("a secret as {key}"), home.path(), &[], wrong).await;
    }
    let wrong = [("AZURE_TENANT_ID", SECRET), ("AZURE_AUTHORITY_HOST", SECRET)];
    run(
        "a secret as a tenant",
        home.path(),
        &wrong,
        options("spn").set("client-secret", SECRET),
    )
    .await;
    let wrong = options("workloadidentity").set("federated-token-file", format!("{ASSERTION}\nx"));
    run("a token as a path", home.path(), &[], wrong).await;
    let proxy = format!("http://[{SECRET}");
    let proxied = nowhere()
        .set("authority-host", "https://entra.invalid")
        .set("client-secret", "s");
    run(
        "an invalid proxy",
        home.path(),
        &[("HTTPS_PROXY", &proxy)],
        proxied,
    )
    .await;
}

#[tokio::test]
async fn a_managed_identity_shows_no_secret() {
    let home = tempfile::tempdir().unwrap();
    for (status, body) in [
        (200, crate::stand_in::issued(TOKEN, Duration::from_hours(1))),
        (
            200,
            format!(r#"{{"access_token": "{TOKEN}", "expires_on": "{ANSWER}"}}"#),
        ),
        (200, ANSWER.to_owned()),
        (400, format!(r#"{{"error_description": "{ANSWER}"}}"#)),
        (403, ANSWER.to_owned()),
    ] {
        let (address, _) = crate::stand_in::start(status, body);
        let variables = [("AZURE_POD_IDENTITY_AUTHORITY_HOST", address.as_str())];
        run(
            &format!("status {status}"),
            home.path(),
            &variables,
            options("msi"),
        )
        .await;
    }
}

#[tokio::test]
async fn the_azure_cli_shows_no_secret() {
    let home = tempfile::tempdir().unwrap();
    let answer = |expires_on: &str| {
        format!(
            r#"echo '{{"accessToken": "{TOKEN}", "refreshToken": "{ANSWER}", {expires_on} "tokenType": "Bearer"}}'"#
        )
    };
    // Its stderr arrives after its stdout, so that it is known what to hide.
    let says = |what: &str| format!("/bin/sleep 0.3; echo '{what}' >&2");
    let good = answer("\"expires_on\": 4102444800,");
    for (what, lines) in [
        ("printed", good.clone()),
        (
            "printed with a warning",
            format!("{good}; {}", says(&format!("WARNING: {TOKEN} {ANSWER}"))),
        ),
        (
            "printed by an old version",
            answer("\"expiresOn\": \"2040-01-01 00:00:00\","),
        ),
        ("expired", answer("\"expires_on\": 1,")),
        ("an impossible expiry", answer("\"expires_on\": -1,")),
        (
            "failed",
            format!("{good}; {}; exit 1", says(&format!("ERROR: {TOKEN} {ANSWER}"))),
        ),
        (
            "failed within a word",
            format!("{good}; {}; exit 1", says(&format!("x{}y", &TOKEN[..20]))),
        ),
        (
            "failed with a field",
            format!("echo 'ERROR: client_secret={SECRET}' >&2; exit 1"),
        ),
        ("garbage", format!("echo '{ANSWER} {TOKEN}'")),
        ("cut off", format!("echo '{{\"accessToken\": \"{TOKEN}'")),
        ("killed", format!("{good}; kill -9 $$")),
    ] {
        crate::azure_cli::install(home.path(), &lines);
        let path = crate::azure_cli::path(home.path());
        run(what, home.path(), &[("PATH", &path)], options("azurecli")).await;
    }
    for key in ["tenant-id", "subscription", "server-id"] {
        let wrong = options("azurecli").set(key, format!("{SECRET};x"));
        run(&format!("a secret as {key}"), home.path(), &[], wrong).await;
    }
}

#[tokio::test]
async fn a_call_that_is_served_natively_shows_no_secret_and_neither_does_the_reason_why_it_is_not() {
    let home = tempfile::tempdir().unwrap();
    crate::native::install(home.path());
    let get = "get-token, --login, spn, --server-id, s, --tenant-id, t, --client-id, c";
    for exec in [
        format!("command: kubelogin\nargs: [{get}, --client-secret, {SECRET}]"),
        format!("command: kubelogin\nargs: [{get}, '--client-secret={SECRET}']"),
        format!("command: kubelogin\nargs: [{get}]\nenv: [{{name: AZURE_CLIENT_SECRET, value: {SECRET}}}]"),
        format!("command: kubelogin\nargs: [{get}, --client-secret, {SECRET}, --client-secret, {SECRET}]"),
        format!("command: kubelogin\nargs: [{get}, --password, {SECRET}]"),
        format!("command: kubelogin\nargs: [{get}, '--password={SECRET}']"),
        format!("command: kubelogin\nargs: [{get}, {SECRET}]"),
        format!("command: kubelogin\nargs: [{get}, --environment, {SECRET}]"),
        format!("command: kubelogin\nargs: [{get}]\nenv: [{{name: OTHER, value: {SECRET}}}]"),
        format!("command: kubelogin\nargs: [{get}]\nenv: [{{name: AZURE_TENANT_ID, value: {SECRET}}}]"),
        format!("command: kubelogin\nargs: [{get}]\nenv: [{{name: AAD_LOGIN_METHOD, value: {SECRET}}}]"),
    ] {
        let shown = Shown::default();
        let guard = shown.listen();
        shown.add(format!(
            "{} what follows is everything that is shown\n",
            get.len()
        ));
        write(home.path(), "kubeconfig", &crate::native::kubeconfig(&exec));
        let rules = kubex::host::PluginRules::new().native(["kubelogin"]);
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
        shown.add(configuration.credentials().describe());
        // A call that is served natively would ask Microsoft.
        if !configuration.credentials().describe().contains("in place of") {
            match configuration.credentials().current().await {
                Ok(credential) => shown.debug(&credential),
                Err(error) => shown.error(&error),
            }
        }
        drop(guard);
        shown.assert_hides(&exec.replace(SECRET, ""), &disguises(SECRET));
    }
}
