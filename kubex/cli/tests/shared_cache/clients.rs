//! Clients whose credential is rejected: kubectl, and programs that ask again.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use kubex_tests::api_server::{ApiServer, User};
use kubex_tests::kubectl::Kubectl;

use crate::world::{Ended, KUBEX, World, run};

#[test]
fn a_client_that_asks_again_gets_a_new_credential_and_other_clients_get_it_too() {
    let world = World::new();
    // This test is the client of both.
    let first = run(&mut world.exec_for_client()).token();
    let second = run(&mut world.exec_for_client()).token();
    assert_ne!(first, second);
    assert_eq!(world.runs(), 2);
    // A person is another one, and gets the newest.
    assert_eq!(run(&mut world.exec()).token(), second);
    assert_eq!(world.runs(), 2);
}

#[test]
fn a_plugin_that_is_a_script_has_the_same_client() {
    let world = World::new();
    let wrapper = world.path("wrapper");
    world.write(
        "wrapper",
        &format!(
            "#!/bin/sh\n{KUBEX} exec -- {}\nexit $?\n",
            world.path("plugin").display()
        ),
    );
    fs::set_permissions(&wrapper, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let ask = || {
        let mut command = world.program(&wrapper, &[]);
        run(command.env("KUBERNETES_EXEC_INFO", crate::world::EXEC_INFO)).token()
    };
    assert_ne!(ask(), ask());
    assert_eq!(world.runs(), 2);
}

/// The kubectls to try: the one that the suites compare with, and those that `KUBECTLS` names.
fn kubectls() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    match Kubectl::find() {
        Ok(kubectl) => found.push((kubectl.program, kubectl.version)),
        Err(why) => println!("NOT TESTED: kubectl with a shared credential: {why}"),
    }
    let others = std::env::var_os("KUBECTLS").unwrap_or_default();
    let others = std::env::split_paths(&others).filter(|path| path.is_absolute());
    found.extend(others.map(|path| (path.clone(), path.display().to_string())));
    found
}

fn kubeconfig(world: &World, server: &ApiServer, command: &[&str]) -> PathBuf {
    let path = world.path("kubeconfig");
    let authority = BASE64_STANDARD.encode(server.ca_pem());
    let arguments: Vec<String> = command[1..].iter().map(|word| format!("{word:?}")).collect();
    let mut file = fs::File::create(&path).unwrap();
    write!(
        file,
        "current-context: test\n\
         clusters: [{{name: test, cluster: {{server: '{}', certificate-authority-data: {authority}}}}}]\n\
         users: [{{name: test, user: {{exec: {{apiVersion: client.authentication.k8s.io/v1, command: {:?}, \
         args: [{}], interactiveMode: Never}}}}}}]\n\
         contexts: [{{name: test, context: {{cluster: test, user: test}}}}]\n",
        server.url(),
        command[0],
        arguments.join(", ")
    )
    .unwrap();
    path
}

fn get(world: &World, kubectl: &std::path::Path) -> Command {
    let path = world.path("kubeconfig");
    world.program(
        kubectl,
        &["--kubeconfig", path.to_str().unwrap(), "get", "--raw", "/version"],
    )
}

/// Each run of the plugin has a reason: the first call, a rejection, or the end of a lifetime. Of a lifetime of 4 s, which
/// the plugin writes in whole seconds, the second half is early.
#[tokio::test(flavor = "multi_thread")]
async fn kubectl_fails_once_for_each_revocation_and_the_plugin_runs_once_for_each_lifetime_and_rejection() {
    const CALLS: usize = 200;
    const REVOCATIONS: usize = 8;
    const SHORTEST_LIFETIME: Duration = Duration::from_millis(1_400);
    for (kubectl, version) in kubectls() {
        let world = World::new();
        world.write("lifetime", "4");
        let server = ApiServer::builder().start().await.unwrap();
        server.allow_anonymous(false);
        let plugin = world.path("plugin");
        kubeconfig(&world, &server, &[KUBEX, "exec", "--", plugin.to_str().unwrap()]);
        let (mut failed, mut lifetimes, mut rejections) = (0, 1, 0);
        let mut token = String::from("s3cret-first-token");
        world.write("token", &token);
        server.accept_token(token.as_str(), User::new("jane"));
        let began = Instant::now();
        let mut fetched = began;
        let mut is_revoked = false;
        let mut call = |is_revoked: &mut bool| {
            let started = Instant::now();
            let runs = world.runs();
            let ended = run(&mut get(&world, &kubectl));
            let has_run = world.runs() - runs;
            assert!(has_run <= 1, "{version}: {has_run} runs in one call");
            if has_run == 1 && std::mem::take(is_revoked) {
                rejections += 1;
            } else if has_run == 1 && runs > 0 {
                let age = fetched.elapsed();
                assert!(age >= SHORTEST_LIFETIME, "{version}: renewed after {age:?}");
                lifetimes += 1;
            }
            if has_run == 1 {
                fetched = started;
            }
            ended
        };
        for number in 0..CALLS {
            if number % (CALLS / REVOCATIONS) == CALLS / REVOCATIONS / 2 {
                server.revoke_token(&token);
                token = format!("s3cret-token-of-call-{number}");
                world.write("token", &token);
                server.accept_token(token.as_str(), User::new("jane"));
                is_revoked = true;
            }
            let ended = call(&mut is_revoked);
            if ended.status == Some(0) {
                assert_eq!(ended.stderr, "", "{version}");
            } else {
                failed += 1;
                let again = call(&mut is_revoked);
                assert_eq!(
                    again.status,
                    Some(0),
                    "{version}: the call after a rejection: {again:?}"
                );
            }
        }
        let took = began.elapsed() / u32::try_from(CALLS + failed).unwrap();
        let plain = plain_call(&world, &server, &kubectl, &token);
        println!(
            "{version}: {CALLS} calls, {REVOCATIONS} revocations: {failed} failed; {} plugin runs for {lifetimes} lifetimes and \
             {rejections} rejections; {took:?} for each call, plain kubectl {plain:?}",
            world.runs(),
        );
        assert!(failed <= REVOCATIONS, "{version}: {failed} failed calls");
        assert_eq!(rejections, REVOCATIONS, "{version}");
        assert_eq!(world.runs(), lifetimes + rejections, "{version}");
        server.shutdown().await;
    }
}

/// How long a call of kubectl takes with a token in its kubeconfig.
fn plain_call(world: &World, server: &ApiServer, kubectl: &std::path::Path, token: &str) -> Duration {
    const CALLS: u32 = 50;
    let authority = BASE64_STANDARD.encode(server.ca_pem());
    world.write(
        "kubeconfig",
        &format!(
            "current-context: test\n\
             clusters: [{{name: test, cluster: {{server: '{}', certificate-authority-data: {authority}}}}}]\n\
             users: [{{name: test, user: {{token: {token}}}}}]\n\
             contexts: [{{name: test, context: {{cluster: test, user: test}}}}]\n",
            server.url()
        ),
    );
    let began = Instant::now();
    for _ in 0..CALLS {
        assert_eq!(run(&mut get(world, kubectl)).status, Some(0));
    }
    began.elapsed() / CALLS
}

#[tokio::test(flavor = "multi_thread")]
async fn kubectl_renews_a_credential_that_expires() {
    for (kubectl, version) in kubectls().into_iter().take(1) {
        let world = World::new();
        world.write("lifetime", "4");
        let server = ApiServer::builder().start().await.unwrap();
        server.allow_anonymous(false);
        for run in 1..=20 {
            server.accept_token(format!("s3cret-token-{run}"), User::new("jane"));
        }
        let plugin = world.path("plugin");
        kubeconfig(&world, &server, &[KUBEX, "exec", "--", plugin.to_str().unwrap()]);
        let began = Instant::now();
        let mut calls = 0;
        while began.elapsed().as_secs() < 9 {
            let ended = run(&mut get(&world, &kubectl));
            assert_eq!(ended.status, Some(0), "{version}: {ended:?}");
            calls += 1;
        }
        let runs = world.runs();
        println!("{version}: {calls} calls in 9 s with lifetimes of 4 s: {runs} plugin runs");
        assert!((2..=6).contains(&runs) && runs <= calls, "{version}: {runs} runs");
        server.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn kubex_itself_uses_a_kubeconfig_whose_plugin_is_kubex() {
    let world = World::new();
    let server = ApiServer::builder().start().await.unwrap();
    server.accept_token("s3cret-token-1", User::new("jane"));
    let plugin = world.path("plugin");
    let path = kubeconfig(&world, &server, &[KUBEX, "exec", "--", plugin.to_str().unwrap()]);
    for _ in 0..2 {
        let ended: Ended =
            run(&mut world.kubex(&["get", "/version", "--kubeconfig", path.to_str().unwrap()]));
        assert_eq!(ended.status, Some(0), "{ended:?}");
    }
    assert_eq!(world.runs(), 1);
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_needs_its_own_credential_is_refused_at_once() {
    let world = World::new();
    let server = ApiServer::builder().start().await.unwrap();
    let path = kubeconfig(&world, &server, &[KUBEX, "exec", "--source", "kubeconfig"]);
    let began = Instant::now();
    let mut command = world.kubex(&["exec", "--source", "kubeconfig"]);
    let ended = run(command.env("KUBECONFIG", &path));
    assert_eq!(ended.status, Some(5), "{ended:?}");
    assert!(
        ended
            .stderr
            .contains("requested the credential that it should provide itself"),
        "{ended:?}"
    );
    assert!(began.elapsed().as_secs() < 20, "{:?}", began.elapsed());
    server.shutdown().await;
}
