//! Which context, cluster, user and namespace.

use kubex_core::{ClientConfiguration, ErrorKind, Options, Result};
use kubex_kubeconfig::KubeconfigProvider;
use serde_json::json;

use crate::scene::{
    HOME_FILE, assert_tells, home, named, read, resolve, resolve_by, resolve_with, telling, warnings,
    with_user,
};

const TWO: &str = "current-context: prod\n\
    clusters: [{name: prod, cluster: {server: 'https://prod'}}, {name: test, cluster: {server: 'https://test'}}]\n\
    users: [{name: jane, user: {token: jane}}, {name: joe, user: {token: joe}}]\n\
    contexts:\n\
    - {name: prod, context: {cluster: prod, user: jane, namespace: team-a}}\n\
    - {name: test, context: {cluster: test, user: joe}}\n";

async fn chosen(options: Options) -> Result<(String, String, String)> {
    resolve_with(telling(), &home(TWO), options)
        .await
        .map(|found| told(&found))
}

fn told(configuration: &ClientConfiguration) -> (String, String, String) {
    (
        configuration.cluster().server.as_str().to_owned(),
        named(configuration).1["token"].as_str().unwrap().to_owned(),
        configuration.namespace().to_owned(),
    )
}

fn triple(server: &str, user: &str, namespace: &str) -> (String, String, String) {
    (server.to_owned(), user.to_owned(), namespace.to_owned())
}

#[tokio::test]
async fn options_replace_what_the_kubeconfig_chooses() {
    let set = |key: &str, name: &str| Options::new().set(key, name);
    for (options, expected) in [
        (Options::new(), triple("https://prod", "jane", "team-a")),
        (set("context", "test"), triple("https://test", "joe", "default")),
        (set("cluster", "test"), triple("https://test", "jane", "team-a")),
        (set("user", "joe"), triple("https://prod", "joe", "team-a")),
        (
            set("namespace", "team-b"),
            triple("https://prod", "jane", "team-b"),
        ),
        (set("context", ""), triple("https://prod", "jane", "team-a")),
    ] {
        assert_eq!(chosen(options).await.unwrap(), expected);
    }
}

#[tokio::test]
async fn the_builder_gives_the_same_result() {
    let world = home("");
    world.write("/two", TWO);
    let provider = KubeconfigProvider::new()
        .paths(["/missing", "/two"])
        .context("test")
        .cluster("prod")
        .user("jane")
        .namespace("team-c")
        .lenient(true);
    let configuration = resolve_by(provider, world.host()).await.unwrap();
    assert_eq!(told(&configuration), triple("https://prod", "jane", "team-c"));
}

#[tokio::test]
async fn a_name_that_does_not_exist_is_an_error_that_proposes_another() {
    for (key, kind, near) in [
        ("context", ErrorKind::MissingContext, "prod"),
        ("cluster", ErrorKind::MissingCluster, "prod"),
        ("user", ErrorKind::MissingUser, "jane"),
    ] {
        let error = chosen(Options::new().set(key, format!("{near}e")))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), kind);
        assert_tells(&error, &[key, &format!("did you mean \"{near}\"?")]);
        let error = chosen(Options::new().set(key, "PROD-OR-ELSE")).await.unwrap_err();
        assert_eq!(error.kind(), kind);
    }
}

#[tokio::test]
async fn a_name_of_the_kubeconfig_that_does_not_exist_is_an_error_at_its_place() {
    for (from, to, kind, place) in [
        (
            "current-context: prod",
            "current-context: prodd",
            ErrorKind::MissingContext,
            "current-context",
        ),
        (
            "current-context: prod",
            "current-context: ''",
            ErrorKind::MissingContext,
            "current-context",
        ),
        (
            "{cluster: prod, user",
            "{cluster: prodd, user",
            ErrorKind::MissingCluster,
            "contexts[prod].context.cluster",
        ),
        (
            "{cluster: prod, user",
            "{user",
            ErrorKind::MissingCluster,
            "contexts[prod].context.cluster",
        ),
        (
            "user: jane,",
            "user: janet,",
            ErrorKind::MissingUser,
            "contexts[prod].context.user",
        ),
    ] {
        let error = resolve(&home(&TWO.replace(from, to))).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert_tells(&error, &[HOME_FILE, place]);
    }
    let error = resolve(&home("current-context: prod")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::MissingContext);
    assert_tells(&error, &["\"prod\"", "it contains none"]);
}

#[tokio::test]
async fn names_are_compared_exactly() {
    let error = chosen(Options::new().set("context", "Prod")).await.unwrap_err();
    assert_tells(&error, &["did you mean \"prod\"?"]);
}

#[tokio::test]
async fn a_context_without_a_user_is_anonymous_and_warned_about() {
    for user in ["", ", user: ''", ", user: ~"] {
        let content = with_user("{token: abc}").replace(", user: jane", user);
        let configuration = read(&content).await;
        assert_eq!(warnings(&configuration), ["no-user"]);
        let credential = configuration.credentials().current().await.unwrap();
        assert!(credential.is_anonymous());
    }
}

#[tokio::test]
async fn a_cluster_and_a_user_that_are_named_need_no_context() {
    let content = TWO.replace("current-context: prod\n", "");
    let options = Options::new().set("cluster", "test").set("user", "jane");
    let configuration = resolve_with(telling(), &home(&content), options).await.unwrap();
    assert_eq!(told(&configuration), triple("https://test", "jane", "default"));
    assert_eq!(named(&configuration).1, json!({"token": "jane"}));
}
