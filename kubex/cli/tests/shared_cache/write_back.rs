//! `write-tokens`: the kubeconfig itself holds the newest tokens, for Kubex and for kubectl.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Command};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use kubex_tests::api_server::{ApiServer, User};
use kubex_tests::issuer::{CLIENT, id_token};
use kubex_tests::kubectl::Kubectl;
use kubex_tests::machine::not_tested;

use crate::oidc::{LATE, Login};
use crate::world::{Ended, run};

/// A time in 2020.
const LONG_AGO: i64 = 1_577_836_800;

/// Writes a kubeconfig with a login whose id-token has expired, and a configuration that keeps its tokens there.
fn write_kubeconfig(login: &Login, cluster: &str, refresh_token: &str) {
    let expired = id_token("s3cret-jane", LONG_AGO);
    let text = format!(
        "# Jane's own.\nkind: Config\napiVersion: v1\ncurrent-context: test\nclusters:\n- name: test\n  cluster: {cluster}\nusers:\n\
         - name: jane   # the only one\n  user:\n    auth-provider:\n      name: oidc\n      config:\n        \
         idp-issuer-url: {}\n        client-id: {CLIENT}\n        idp-certificate-authority: {}\n        \
         id-token: {expired} # renewed\n        refresh-token: {refresh_token}\n\
         contexts:\n- name: test\n  context: {{cluster: test, user: jane}}\n",
        login.issuer.url(),
        login.world.path("ca").display()
    );
    login.world.write("kubeconfig", &text);
    login.world.write(
        "kubex.yaml",
        &format!(
            "sources:\n  kubeconfig:\n    path: {}\n    write-tokens: true\n",
            login.world.path("kubeconfig").display()
        ),
    );
}

fn text(login: &Login) -> String {
    fs::read_to_string(login.world.path("kubeconfig")).unwrap()
}

/// Replaces the id-token by one that has expired.
fn expire(login: &Login) {
    let text = text(login);
    let (before, after) = text.split_once("id-token: ").unwrap();
    let after = after.trim_start_matches(|c: char| !c.is_whitespace());
    let expired = id_token("s3cret-jane", LONG_AGO);
    login
        .world
        .write("kubeconfig", &format!("{before}id-token: {expired}{after}"));
}

fn token(login: &Login) -> Command {
    login.kubex(&["token"])
}

fn assert_token(ended: &Ended) {
    assert_eq!((ended.status, ended.stderr.as_str()), (Some(0), ""), "{ended:?}");
}

const CLUSTER: &str = "{server: 'https://127.0.0.1'}";

#[test]
fn twenty_processes_renew_once_and_write_the_tokens_and_nothing_else() {
    let login = Login::new();
    write_kubeconfig(&login, CLUSTER, "refresh-0");
    fs::set_permissions(login.world.path("kubeconfig"), fs::Permissions::from_mode(0o600)).unwrap();
    let before = text(&login);
    let children: Vec<Child> = (0..20).map(|_| token(&login).spawn().unwrap()).collect();
    for child in children {
        assert_token(&child.wait_with_output().unwrap().into());
    }
    assert_eq!(login.refreshes(), (1, 0));
    let expected = before
        .replace(&id_token("s3cret-jane", LONG_AGO), &id_token("s3cret-jane", LATE))
        .replace("refresh-0", &login.issuer.refresh_token());
    assert_eq!(text(&login), expected);
    let names: Vec<_> = fs::read_dir(login.world.path("")).unwrap().collect();
    assert!(
        names.iter().all(|entry| {
            let name = entry.as_ref().unwrap().file_name().into_string().unwrap();
            !name.contains("kubeconfig") || name == "kubeconfig"
        }),
        "{names:?}"
    );

    for round in 2..12 {
        expire(&login);
        assert_token(&run(&mut token(&login)));
        assert_eq!(login.refreshes(), (round, 0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn kubectl_and_kubex_renew_the_same_login_in_turn() {
    let kubectl = match Kubectl::find() {
        Ok(kubectl) => kubectl.program,
        Err(why) => return not_tested("a login that Kubex and kubectl renew in turn", &why),
    };
    let server = ApiServer::builder().start().await.unwrap();
    server.allow_anonymous(false);
    server.accept_token(id_token("s3cret-jane", LATE), User::new("jane"));
    let authority = BASE64_STANDARD.encode(server.ca_pem());
    let cluster = format!(
        "{{server: '{}', certificate-authority-data: {authority}}}",
        server.url()
    );
    tokio::task::spawn_blocking(move || {
        let login = Login::new();
        write_kubeconfig(&login, &cluster, "refresh-0");
        let path = login.world.path("kubeconfig");
        // kubectl asks with HTTP Basic first, which this issuer refuses: only what is answered counts.
        for round in 0..5 {
            assert_token(&run(&mut token(&login)));
            assert_eq!(login.refreshes().0, 2 * round + 1);
            expire(&login);
            let mut get = login.world.program(
                &kubectl,
                &["--kubeconfig", path.to_str().unwrap(), "get", "--raw", "/version"],
            );
            let ended = run(&mut get);
            assert_eq!(ended.status, Some(0), "{ended:?}");
            assert_eq!(login.refreshes().0, 2 * round + 2);
            // What kubectl has written is used.
            assert_token(&run(&mut token(&login)));
            assert_eq!(login.refreshes().0, 2 * round + 2);
            expire(&login);
        }
    })
    .await
    .unwrap();
}

#[test]
fn no_refresh_token_is_sent_if_the_kubeconfig_cannot_be_written() {
    let login = Login::new();
    write_kubeconfig(&login, CLUSTER, "refresh-0");
    // Another program edits the kubeconfig, and never ends.
    login.world.write("kubeconfig.lock", "");
    let ended = run(&mut token(&login));
    assert!(
        ended.status == Some(5) && ended.stderr.contains("another program edits"),
        "{ended:?}"
    );
    assert!(!ended.stderr.contains("refresh-0"), "{ended:?}");
    assert_eq!(login.refreshes(), (0, 0));
    fs::remove_file(login.world.path("kubeconfig.lock")).unwrap();
    assert_token(&run(&mut token(&login)));
    assert_eq!(login.refreshes(), (1, 0));
}

#[test]
fn the_newest_token_of_the_store_is_written_when_the_kubeconfig_is_to_be_written_too() {
    let login = Login::new();
    write_kubeconfig(&login, CLUSTER, "refresh-0");
    let written = fs::read_to_string(login.world.path("kubex.yaml")).unwrap();
    login.world.write(
        "kubex.yaml",
        &written.replace("write-tokens: true", "cache: shared"),
    );
    // The store gets one new token after the other. A second question of one client means that the server has rejected it.
    for _ in 0..3 {
        let ended = run(login
            .kubex(&["exec", "--source", "kubeconfig"])
            .env("KUBERNETES_EXEC_INFO", crate::world::EXEC_INFO));
        assert_eq!(ended.status, Some(0), "{ended:?}");
    }
    assert_eq!(login.refreshes(), (3, 0));
    assert!(text(&login).contains("refresh-token: refresh-0"));

    login
        .world
        .write("kubex.yaml", &format!("{written}    cache: shared\n"));
    let ended = run(login
        .kubex(&["exec", "--source", "kubeconfig"])
        .env("KUBERNETES_EXEC_INFO", crate::world::EXEC_INFO));
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert_eq!(login.refreshes(), (4, 0));
    assert!(text(&login).contains(&format!("refresh-token: {}\n", login.issuer.refresh_token())));
}

#[test]
fn processes_that_name_the_kubeconfig_differently_take_turns() {
    let login = Login::new();
    write_kubeconfig(&login, CLUSTER, "refresh-0");
    fs::create_dir(login.world.path("links")).unwrap();
    std::os::unix::fs::symlink(login.world.path("kubeconfig"), login.world.path("links/config")).unwrap();
    let configured = |name: &str, path: &str| {
        let text = format!("sources:\n  kubeconfig:\n    write-tokens: true\n    path: {path}\n");
        // A process that has been started may be reading it.
        if !login.world.path(name).exists() {
            login.world.write(name, &text);
        }
        let mut command = token(&login);
        command.env("KUBEX_CONFIG", login.world.path(name));
        command
    };
    let without_path = "sources:\n  kubeconfig:\n    write-tokens: true\n";
    login.world.write("c.yaml", without_path);
    let real = login.world.path("kubeconfig");
    let link = login.world.path("links/config");
    let children: Vec<Child> = (0..12)
        .map(|at| {
            let mut command = match at % 3 {
                0 => configured("a.yaml", real.to_str().unwrap()),
                1 => configured("b.yaml", link.to_str().unwrap()),
                _ => {
                    let mut command = token(&login);
                    command
                        .env("KUBEX_CONFIG", login.world.path("c.yaml"))
                        .env("KUBECONFIG", "kubeconfig");
                    command
                }
            };
            command.spawn().unwrap()
        })
        .collect();
    for child in children {
        assert_token(&child.wait_with_output().unwrap().into());
    }
    assert_eq!(login.refreshes(), (1, 0));
}
