//! Files, directories and objects that change, that hang and that cannot be read.

use super::*;

#[tokio::test]
async fn half_written_and_missing_kubeconfigs_change_nothing() {
    let world = SimulatedHost::new();
    let whole = kubeconfig(&[("a", "https://a", "token-a"), ("b", "https://b", "token-b")]);
    world.write(PATH, &whole);
    let fleet = started(&world).await;
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
