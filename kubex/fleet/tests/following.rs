//! What a fleet does when its inputs change.

#![allow(clippy::unwrap_used, reason = "a test that panics fails")]

use std::time::Duration;

use kubex_core::host::SimulatedHost;
use kubex_core::{ClientConfiguration, ErrorKind, ExposeSecret, Registry};
use kubex_fleet::{Change, Changes, Fleet, FleetBuilder, Input, ObjectKind, Objects};

const PATH: &str = "/home/jane/.kube/config";
const MINUTE: Duration = Duration::from_secs(61);

fn registry() -> Registry {
    Registry::from_registrations([
        &kubex_static::REGISTRATION,
        &kubex_token_file::REGISTRATION,
        &kubex_exec::REGISTRATION,
    ])
    .unwrap()
}

fn builder(world: &SimulatedHost) -> FleetBuilder {
    Fleet::builder(registry()).host(world.host())
}

/// A kubeconfig with a context for each name, server and token.
fn kubeconfig(contexts: &[(&str, &str, &str)]) -> String {
    let list = |item: &dyn Fn(&str, &str, &str) -> String| {
        let items: Vec<_> = contexts
            .iter()
            .map(|(name, server, token)| item(name, server, token))
            .collect();
        items.join(", ")
    };
    format!(
        "contexts: [{}]\nclusters: [{}]\nusers: [{}]\n",
        list(&|name, _, _| format!("{{name: {name}, context: {{cluster: {name}, user: {name}}}}}")),
        list(&|name, server, _| format!("{{name: {name}, cluster: {{server: \"{server}\"}}}}")),
        list(&|name, _, token| format!("{{name: {name}, user: {{token: {token}}}}}")),
    )
}

async fn token(configuration: &ClientConfiguration) -> String {
    let credential = configuration.credentials().current().await.unwrap();
    credential.token().unwrap().expose_secret().to_owned()
}

/// Lets everything happen that is due, without the passing of time.
async fn settle(fleet: &Fleet) {
    pause().await;
    fleet.settled().await;
    // Broken members are tried again after the others are settled.
    pause().await;
}

/// Lets all tasks go on, and threads that parse for them.
#[expect(clippy::disallowed_methods, reason = "threads run in real time")]
async fn pause() {
    for _ in 0..10 {
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Starts a fleet while time passes.
async fn start_slowly(world: &SimulatedHost, fleet: FleetBuilder) -> Fleet {
    let starting = tokio::spawn(fleet.start());
    for _ in 0..30 {
        if starting.is_finished() {
            break;
        }
        pause().await;
        world.advance(Duration::from_secs(1));
    }
    starting.await.unwrap().unwrap()
}

async fn after_a_minute(world: &SimulatedHost, fleet: &Fleet) {
    world.advance(MINUTE);
    settle(fleet).await;
}

/// The changes so far, each with its name.
fn pending(changes: &mut Changes) -> Vec<String> {
    let mut pending = Vec::new();
    while let Some(change) = changes.try_next() {
        let kind = match change {
            Change::Added(_) => "added",
            Change::Changed(_) => "changed",
            _ => "removed",
        };
        pending.push(format!("{kind} {}", change.name()));
    }
    pending.sort();
    pending
}

#[tokio::test]
async fn contexts_come_and_go() {
    let world = SimulatedHost::new();
    world.write(
        PATH,
        &kubeconfig(&[("a", "https://a", "token-a"), ("b", "https://b", "token-b")]),
    );
    let fleet = builder(&world)
        .input(Input::kubeconfig("mine", PATH))
        .start()
        .await
        .unwrap();
    let mut changes = fleet.changes();
    assert_eq!(pending(&mut changes), ["added mine/a", "added mine/b"]);
    world.write(
        PATH,
        &kubeconfig(&[("b", "https://b", "token-b"), ("c", "https://c", "token-c")]),
    );
    after_a_minute(&world, &fleet).await;
    assert_eq!(pending(&mut changes), ["added mine/c", "removed mine/a"]);
    assert_eq!(fleet.members().len(), 2);
    assert!(fleet.get("mine/a").is_none());
}

#[tokio::test]
async fn a_rotated_token_is_followed_by_the_same_member_and_is_not_a_change() {
    let world = SimulatedHost::new();
    world.write(PATH, &kubeconfig(&[("a", "https://a", "token-1")]));
    let fleet = builder(&world)
        .input(Input::kubeconfig("mine", PATH))
        .start()
        .await
        .unwrap();
    let mut changes = fleet.changes();
    pending(&mut changes);
    let member = fleet.get("mine/a").unwrap();
    let configuration = member.configuration().unwrap();
    assert_eq!(token(configuration).await, "token-1");
    world.write(PATH, &kubeconfig(&[("a", "https://a", "token-2")]));
    after_a_minute(&world, &fleet).await;
    assert_eq!(token(configuration).await, "token-2");
    assert!(pending(&mut changes).is_empty());
}

#[tokio::test]
async fn a_rotated_token_is_used_at_once_after_a_401() {
    let world = SimulatedHost::new();
    world.write(
        PATH,
        &kubeconfig(&[("a", "https://a", "token-0"), ("b", "https://b", "token-b")]),
    );
    let fleet = builder(&world)
        .input(Input::kubeconfig("mine", PATH))
        .start()
        .await
        .unwrap();
    let member = fleet.get("mine/a").unwrap();
    let credentials = member.configuration().unwrap().credentials();
    for round in 0..4 {
        let held = credentials.current().await.unwrap();
        assert_eq!(held.token().unwrap().expose_secret(), format!("token-{round}"));
        world.write(
            PATH,
            &kubeconfig(&[("a", "https://a", &format!("token-{}", round + 1))]),
        );
        world.advance(Duration::from_secs(2));
        credentials.accept(held.generation());
        credentials.invalidate(held.generation());
    }
    assert_eq!(token(member.configuration().unwrap()).await, "token-4");
    // What else has changed is noticed with it, without waiting for the timer.
    settle(&fleet).await;
    assert!(fleet.get("mine/b").is_none());
}

#[tokio::test]
async fn another_server_is_a_change_with_a_new_configuration_and_the_old_one_is_kept_as_it_was() {
    let world = SimulatedHost::new();
    world.write(PATH, &kubeconfig(&[("a", "https://a", "token-a")]));
    let fleet = builder(&world)
        .input(Input::kubeconfig("mine", PATH))
        .start()
        .await
        .unwrap();
    let mut changes = fleet.changes();
    pending(&mut changes);
    let old = fleet.get("mine/a").unwrap();
    assert_eq!(token(old.configuration().unwrap()).await, "token-a");
    world.write(PATH, &kubeconfig(&[("a", "https://stolen", "token-b")]));
    after_a_minute(&world, &fleet).await;
    assert_eq!(pending(&mut changes), ["changed mine/a"]);
    let new = fleet.get("mine/a").unwrap();
    assert_eq!(
        new.configuration().unwrap().cluster().server.as_str(),
        "https://stolen"
    );
    assert_eq!(token(new.configuration().unwrap()).await, "token-b");
    for _ in 0..3 {
        after_a_minute(&world, &fleet).await;
        assert_eq!(
            old.configuration().unwrap().current_cluster().server.as_str(),
            "https://a"
        );
        assert_eq!(token(old.configuration().unwrap()).await, "token-a");
    }
    assert!(pending(&mut changes).is_empty());
}

#[tokio::test]
async fn a_broken_member_is_reported_and_becomes_whole() {
    let world = SimulatedHost::new();
    let broken =
        kubeconfig(&[("a", "https://a", "token-a")]).replace("token: token-a", "tokenFile: /run/token");
    world.write(PATH, &broken);
    let fleet = builder(&world)
        .input(Input::kubeconfig("mine", PATH))
        .start()
        .await
        .unwrap();
    let mut changes = fleet.changes();
    assert_eq!(pending(&mut changes), ["added mine/a"]);
    let error = fleet.get("mine/a").unwrap().configuration().unwrap_err().clone();
    assert_eq!(error.kind(), ErrorKind::UnreadableFile);
    assert!(
        fleet
            .report()
            .to_string()
            .contains("mine/a: failed: mine/a: cannot read"),
        "{}",
        fleet.report()
    );
    after_a_minute(&world, &fleet).await;
    assert!(pending(&mut changes).is_empty());
    // The file that is missing belongs to no input, and is looked for every minute nevertheless.
    world.write("/run/token", "token-a");
    after_a_minute(&world, &fleet).await;
    assert_eq!(pending(&mut changes), ["changed mine/a"]);
    assert_eq!(
        token(fleet.get("mine/a").unwrap().configuration().unwrap()).await,
        "token-a"
    );
}

#[tokio::test]
async fn half_written_and_missing_kubeconfigs_change_nothing() {
    let world = SimulatedHost::new();
    let whole = kubeconfig(&[("a", "https://a", "token-a"), ("b", "https://b", "token-b")]);
    world.write(PATH, &whole);
    let fleet = builder(&world)
        .input(Input::kubeconfig("mine", PATH))
        .start()
        .await
        .unwrap();
    let mut changes = fleet.changes();
    pending(&mut changes);
    world.write(PATH, &whole[..whole.len() - 5]);
    after_a_minute(&world, &fleet).await;
    assert_eq!(fleet.report().inputs()[0].problems.len(), 1, "{}", fleet.report());
    world.remove(PATH);
    after_a_minute(&world, &fleet).await;
    assert_eq!(
        fleet.report().inputs()[0].problems[0].kind(),
        ErrorKind::UnreadableFile
    );
    assert!(pending(&mut changes).is_empty());
    world.write(PATH, &whole);
    after_a_minute(&world, &fleet).await;
    assert!(pending(&mut changes).is_empty());
    assert!(fleet.report().inputs()[0].problems.is_empty());
    assert!(
        !fleet.report().to_string().contains("token-a"),
        "{}",
        fleet.report()
    );
}

#[tokio::test]
async fn files_of_a_directory_come_and_go_and_a_broken_one_keeps_its_members() {
    let world = SimulatedHost::new();
    world.write("/clusters/one", &kubeconfig(&[("a", "https://a", "token-a")]));
    world.write("/clusters/two", &kubeconfig(&[("a", "https://b", "token-b")]));
    world.write("/clusters/.hidden", "not: [read");
    let fleet = builder(&world)
        .input(Input::kubeconfigs("lab", "/clusters"))
        .start()
        .await
        .unwrap();
    let mut changes = fleet.changes();
    assert_eq!(pending(&mut changes), ["added lab/one/a", "added lab/two/a"]);
    world.write("/clusters/one", "contexts: [");
    world.remove("/clusters/two");
    world.write("/clusters/three", &kubeconfig(&[("a", "https://c", "token-c")]));
    after_a_minute(&world, &fleet).await;
    assert_eq!(pending(&mut changes), ["added lab/three/a", "removed lab/two/a"]);
    assert!(fleet.get("lab/one/a").unwrap().configuration().is_ok());
    assert_eq!(fleet.report().inputs()[0].problems.len(), 1);
}

#[tokio::test]
async fn an_input_that_hangs_delays_no_other() {
    let world = SimulatedHost::new();
    world.write(PATH, &kubeconfig(&[("a", "https://a", "token-a")]));
    world.hang("/nfs/config");
    let starting = builder(&world)
        .input(Input::kubeconfig("slow", "/nfs/config"))
        .input(Input::kubeconfig("mine", PATH))
        .start();
    let starting = tokio::spawn(starting);
    pause().await;
    world.advance(Duration::from_secs(10));
    let fleet = starting.await.unwrap().unwrap();
    assert_eq!(
        token(fleet.get("mine/a").unwrap().configuration().unwrap()).await,
        "token-a"
    );
    world.advance(Duration::from_secs(10));
    settle(&fleet).await;
    let problem = fleet.report().inputs()[0].problems[0].clone();
    assert_eq!(problem.kind(), ErrorKind::TimedOut);
    assert!(problem.message().contains("\"slow\""), "{problem}");
}

fn secret(name: &str, token: &str) -> Vec<u8> {
    format!(
        r#"{{"apiVersion": "v1", "kind": "Secret", "metadata": {{"name": "{name}", "namespace": "argocd",
            "labels": {{"argocd.argoproj.io/secret-type": "cluster"}}}},
            "stringData": {{"server": "https://{name}", "config": "{{\"bearerToken\": \"{token}\"}}"}}}}"#
    )
    .into_bytes()
}

#[tokio::test]
async fn objects_that_the_program_hands_over_are_members_at_once() {
    let world = SimulatedHost::new();
    let objects = Objects::new();
    assert!(objects.apply(secret("a", "token-a")).is_err(), "before the start");
    let fleet = builder(&world)
        .input(Input::objects("hub", &objects))
        .start()
        .await
        .unwrap();
    let mut changes = fleet.changes();
    objects.apply(secret("a", "token-1")).unwrap();
    objects.apply(secret("b", "token-b")).unwrap();
    settle(&fleet).await;
    assert_eq!(
        pending(&mut changes),
        ["added hub/secrets/argocd/a", "added hub/secrets/argocd/b"]
    );
    let a = fleet.get("hub/secrets/argocd/a").unwrap();
    assert_eq!(token(a.configuration().unwrap()).await, "token-1");

    objects.apply(secret("a", "token-2")).unwrap();
    settle(&fleet).await;
    assert_eq!(token(a.configuration().unwrap()).await, "token-2");
    assert!(pending(&mut changes).is_empty());

    let unlabelled = String::from_utf8(secret("b", "x"))
        .unwrap()
        .replace("secret-type", "other");
    objects.apply(unlabelled.into_bytes()).unwrap();
    settle(&fleet).await;
    assert_eq!(pending(&mut changes), ["removed hub/secrets/argocd/b"]);

    objects.replace([secret("c", "token-c")]).unwrap();
    settle(&fleet).await;
    assert_eq!(
        pending(&mut changes),
        ["added hub/secrets/argocd/c", "removed hub/secrets/argocd/a"]
    );
    objects.remove(ObjectKind::Secret, "argocd", "c").unwrap();
    settle(&fleet).await;
    assert_eq!(pending(&mut changes), ["removed hub/secrets/argocd/c"]);
    assert!(objects.apply(vec![b'x'; 2 * 1024 * 1024]).is_err());
    assert!(objects.remove(ObjectKind::Secret, "a/b", "c").is_err());
}

#[tokio::test]
async fn two_fleets_cannot_share_their_objects_nor_two_inputs_a_name() {
    let world = SimulatedHost::new();
    let objects = Objects::new();
    let input = || Input::objects("hub", &objects);
    let _fleet = builder(&world).input(input()).start().await.unwrap();
    let error = builder(&world).input(input()).start().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DuplicateName);
    let two = builder(&world)
        .input(Input::kubeconfig("a", "/a"))
        .input(Input::kubeconfig("a", "/b"));
    assert_eq!(two.start().await.unwrap_err().kind(), ErrorKind::DuplicateName);
    // Its members could have the names of those of an input "hub".
    let error = builder(&world)
        .input(Input::kubeconfig("hub/secrets", "/a"))
        .start()
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidValue);
    assert!(error.message().contains("\"hub/secrets\""), "{error}");
}

#[test]
fn the_timer_moves_on_when_its_runtime_is_shut_down() {
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
    };
    let world = SimulatedHost::new();
    world.write(PATH, &kubeconfig(&[("a", "https://a", "token-a")]));
    let first = runtime();
    let fleet = first
        .block_on(builder(&world).input(Input::kubeconfig("mine", PATH)).start())
        .unwrap();
    drop(first);
    world.write(PATH, &kubeconfig(&[("b", "https://b", "token-b")]));
    runtime().block_on(async {
        assert!(fleet.get("mine/a").is_some());
        after_a_minute(&world, &fleet).await;
        assert!(fleet.get("mine/a").is_none());
        assert!(fleet.get("mine/b").is_some());
    });
}

#[tokio::test]
async fn a_fleet_that_is_dropped_leaves_no_task_behind() {
    let world = SimulatedHost::new();
    world.write(PATH, &kubeconfig(&[("a", "https://a", "token-a")]));
    let fleet = builder(&world)
        .input(Input::kubeconfig("mine", PATH))
        .start()
        .await
        .unwrap();
    let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    assert_eq!(tasks(), 1, "one timer");
    let member = fleet.get("mine/a").unwrap();
    drop(fleet);
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    assert_eq!(tasks(), 0);
    assert_eq!(token(member.configuration().unwrap()).await, "token-a");
}

fn of_cluster_api(kubeconfig: &str) -> String {
    let lines: Vec<_> = kubeconfig.lines().map(|line| format!("    {line}\n")).collect();
    format!(
        "apiVersion: v1\nkind: Secret\ntype: cluster.x-k8s.io/secret\nmetadata: {{name: a-kubeconfig}}\nstringData:\n  value: |\n{}",
        lines.concat()
    )
}

#[tokio::test]
async fn an_object_of_a_hub_reads_no_file_and_runs_no_plugin_unless_an_allowlist_permits_it() {
    let exec = "exec: {apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, command: login}";
    let with = |user: &str| {
        let kubeconfig = kubeconfig(&[("a", "https://a", "x")]).replace("token: x", user);
        of_cluster_api(&format!("current-context: a\n{kubeconfig}"))
    };
    let argo = String::from_utf8(secret("a", "x")).unwrap();
    let argo = argo.replace(
        r#"\"bearerToken\": \"x\""#,
        r#"\"execProviderConfig\": {\"command\": \"login\"}"#,
    );
    for manifest in [
        with("tokenFile: /run/stolen"),
        with("client-certificate: /run/stolen, client-key: /run/stolen"),
        with("auth-provider: {name: oidc, config: {idp-certificate-authority: /run/stolen}}"),
        with(exec),
        argo,
    ] {
        let world = SimulatedHost::new();
        world.set_variable("PATH", "/usr/bin");
        world.install_program("/usr/bin/login");
        world.write("/run/stolen", "s3cret");
        world.write("/hub/a.yaml", &manifest);
        let fleet = builder(&world)
            .input(Input::manifests("hub", "/hub"))
            .start()
            .await
            .unwrap();
        let members = fleet.members();
        assert_eq!(members.len(), 1, "{manifest}");
        let error = members[0].configuration().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused, "{manifest}: {error}");
        assert_eq!(world.runs(), 0);
        assert!(
            !world.reads().iter().any(|path| path.ends_with("stolen")),
            "{:?}",
            world.reads()
        );
    }
}

#[tokio::test]
async fn what_a_look_has_read_before_it_is_cut_off_is_used_and_its_problem_goes_away() {
    let world = SimulatedHost::new();
    let path = |number: usize| format!("/clusters/f{number:02}");
    for number in 0..70 {
        world.write(path(number), &kubeconfig(&[("a", "https://a", "token-1")]));
    }
    world.write("/clusters/broken", "contexts: [");
    let fleet = builder(&world)
        .input(Input::kubeconfigs("lab", "/clusters"))
        .start()
        .await
        .unwrap();
    let kinds = || -> Vec<_> {
        let problems = fleet.report().inputs()[0].problems.clone();
        problems.iter().map(kubex_core::Error::kind).collect()
    };
    assert_eq!(kinds(), [ErrorKind::MalformedDocument]);
    world.write(path(0), &kubeconfig(&[("a", "https://a", "token-2")]));
    world.hang(path(69));
    world.advance(MINUTE);
    pause().await;
    world.advance(Duration::from_secs(20));
    settle(&fleet).await;
    assert_eq!(kinds(), [ErrorKind::TimedOut, ErrorKind::MalformedDocument]);
    let member = fleet.get("lab/f00/a").unwrap();
    assert_eq!(token(member.configuration().unwrap()).await, "token-2");
    assert!(fleet.get("lab/f69/a").is_some());
    world.write(path(69), &kubeconfig(&[("a", "https://a", "token-1")]));
    after_a_minute(&world, &fleet).await;
    assert_eq!(kinds(), [ErrorKind::MalformedDocument]);
}

/// A kubeconfig with these contexts, and some whose token file hangs.
fn with_hanging(whole: &[(&str, &str, &str)], hanging: usize) -> String {
    let names: Vec<_> = (0..hanging).map(|number| format!("hangs{number}")).collect();
    let mut contexts = whole.to_vec();
    contexts.extend(names.iter().map(|name| (&**name, "https://hangs", "hangs")));
    kubeconfig(&contexts).replace("token: hangs", "tokenFile: /nfs/token")
}

#[tokio::test]
async fn members_that_hang_delay_no_other_of_their_input() {
    let world = SimulatedHost::new();
    world.hang("/nfs/token");
    world.write(PATH, &with_hanging(&[("a", "https://a", "token-1")], 1));
    let fleet = start_slowly(&world, builder(&world).input(Input::kubeconfig("mine", PATH))).await;
    let a = fleet.get("mine/a").unwrap();
    let credentials = a.configuration().unwrap().credentials();
    let held = credentials.current().await.unwrap();
    assert!(fleet.get("mine/hangs0").unwrap().configuration().is_err());

    // From here on, the broken member is being tried again.
    world.advance(MINUTE);
    pause().await;
    world.advance(Duration::from_secs(2));
    let contexts = [("a", "https://a", "token-2"), ("b", "https://b", "token-b")];
    world.write(PATH, &with_hanging(&contexts, 1));
    credentials.accept(held.generation());
    credentials.invalidate(held.generation());
    assert_eq!(token(a.configuration().unwrap()).await, "token-2");
    pause().await;
    assert!(fleet.get("mine/b").unwrap().configuration().is_ok());
}

#[tokio::test]
async fn a_fleet_that_is_dropped_while_its_members_are_resolved_stops() {
    let world = SimulatedHost::new();
    world.hang("/nfs/token");
    world.write(PATH, &with_hanging(&[], 100));
    let fleet = start_slowly(&world, builder(&world).input(Input::kubeconfig("mine", PATH))).await;
    let number = fleet.members().len();
    assert!((32..100).contains(&number), "{number}");
    drop(fleet);
    let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    // Those that are being resolved end within 5 s, and no others follow.
    for _ in 0..6 {
        world.advance(Duration::from_secs(1));
        pause().await;
    }
    assert_eq!(tasks(), 0);
}

#[test]
fn the_timer_moves_on_when_its_runtime_stands_still() {
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
    };
    let world = SimulatedHost::new();
    world.write(PATH, &kubeconfig(&[("a", "https://a", "token-a")]));
    let objects = Objects::new();
    let first = runtime();
    let fleet = first.block_on(async {
        let fleet = builder(&world)
            .input(Input::kubeconfig("mine", PATH))
            .input(Input::objects("hub", &objects))
            .start();
        let fleet = fleet.await.unwrap();
        // The work at this object has begun when the runtime is left.
        objects.apply(secret("a", "token-a")).unwrap();
        tokio::task::yield_now().await;
        tokio::task::yield_now().await;
        fleet
    });
    world.write(PATH, &kubeconfig(&[("b", "https://b", "token-b")]));
    runtime().block_on(async {
        // Two minutes without a tick, and the time in which work that has begun is left alone.
        for _ in 0..5 {
            after_minutes(&world, &fleet).await;
        }
        assert!(fleet.get("mine/a").is_none());
        assert!(fleet.get("mine/b").is_some());
        let member = fleet.get("hub/secrets/argocd/a").unwrap();
        assert_eq!(token(member.configuration().unwrap()).await, "token-a");
    });
    // The first timer, if it is driven again, goes on beside none.
    first.block_on(pause());
    drop(first);
}

async fn after_minutes(world: &SimulatedHost, fleet: &Fleet) {
    world.advance(MINUTE);
    fleet.members();
    pause().await;
}

#[tokio::test]
async fn what_the_policy_decides_about_the_plugin_of_a_member_can_be_asked() {
    let world = SimulatedHost::new();
    world.set_variable("PATH", "/usr/bin");
    world.install_program("/usr/bin/login");
    let exec = "exec: {apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, command: login}";
    world.write(
        PATH,
        &kubeconfig(&[("a", "https://a", "x")]).replace("token: x", exec),
    );
    let fleet = builder(&world)
        .input(Input::kubeconfig("mine", PATH))
        .start()
        .await
        .unwrap();
    let member = fleet.get("mine/a").unwrap();
    let credentials = member.configuration().unwrap().credentials();
    assert!(credentials.plugin_verdict().await.is_some());
}
