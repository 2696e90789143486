//! Several files as one.

use kubex_core::host::SimulatedHost;
use kubex_core::{ClientConfiguration, ErrorKind, Options, Result};
use serde_json::json;

use crate::scene::{assert_shows_no_secret, assert_tells, error_of, named, resolve_with, telling, with_user};

async fn merged(files: &[&str]) -> Result<ClientConfiguration> {
    let world = SimulatedHost::new();
    let paths: Vec<String> = (0..files.len())
        .map(|index| format!("/d{index}/config"))
        .collect();
    for (path, content) in paths.iter().zip(files) {
        world.write(path, content);
    }
    resolve_with(telling(), &world, Options::new().set("paths", paths)).await
}

const REST: &str = "current-context: prod\n\
    clusters: [{name: prod, cluster: {server: 'https://h'}}]\n\
    contexts: [{name: prod, context: {cluster: prod, user: red}}]\n";

#[tokio::test]
async fn the_first_file_wins_the_whole_entry() {
    let first = "users: [{name: red, user: {token: abc}}]";
    let second =
        format!("{REST}users: [{{name: red, user: {{client-certificate: c, client-key: k, as: x}}}}]");
    let configuration = merged(&[first, &second]).await.unwrap();
    assert_eq!(named(&configuration).1, json!({"token": "abc"}));
    assert!(configuration.impersonation().is_none());
}

#[tokio::test]
async fn the_first_current_context_that_is_not_empty_wins() {
    let other = "contexts: [{name: other, context: {cluster: prod, namespace: other}}]";
    let rest = format!("{REST}users: [{{name: red}}]");
    let namespace = async |files: &[&str]| merged(files).await.unwrap().namespace().to_owned();
    assert_eq!(namespace(&["current-context: ''", other, &rest]).await, "default");
    assert_eq!(
        namespace(&["current-context: other", other, &rest]).await,
        "other"
    );
}

#[tokio::test]
async fn each_entry_is_relative_to_its_own_file() {
    let user = "users: [{name: red, user: {client-certificate: ../c, client-key: /k, tokenFile: ./x/./t}}]";
    let configuration = merged(&[REST, user]).await.unwrap();
    assert_eq!(
        named(&configuration),
        (
            't',
            json!({"client-certificate": "/c", "client-key": "/k", "token-file": "/d1/x/t"})
        )
    );
}

#[tokio::test]
async fn links_are_not_followed_to_find_the_directory() {
    let world = SimulatedHost::new();
    world.write("/real/config", &with_user("{tokenFile: token}"));
    world.link("/linked/config", "/real/config");
    let options = Options::new().set("path", "/linked/config");
    let configuration = resolve_with(telling(), &world, options).await.unwrap();
    assert_eq!(named(&configuration).1, json!({"token-file": "/linked/token"}));
}

#[tokio::test]
async fn a_name_twice_in_one_file_is_an_error_that_names_both_places_and_no_content() {
    let entry = "{name: jane, user: {token: s3cr3t-token}}";
    let content =
        with_user("{token: s3cr3t-token}").replace("users: [", &format!("users: [{{name: x}}, {entry}, "));
    let error = error_of(&content).await;
    assert_eq!(error.kind(), ErrorKind::DuplicateName);
    assert_tells(&error, &["entries 2 and 3 of users", "\"jane\"", "users[2]"]);
    for list in ["clusters", "contexts"] {
        let content = format!("{list}: [{{name: a}}, {{name: a}}]");
        assert_eq!(error_of(&content).await.kind(), ErrorKind::DuplicateName);
    }
}

#[tokio::test]
async fn one_bad_file_of_several_is_an_error_that_names_it() {
    let error = merged(&[REST, "users: [ s3cr3t-x", "users: []"])
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::MalformedDocument);
    assert_tells(&error, &["/d1/config"]);
    assert_shows_no_secret(&error);
}
