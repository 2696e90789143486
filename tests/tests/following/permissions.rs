//! Changes that the program allows beforehand.

use super::*;

async fn follow_by(world: &SimulatedHost, rules: FollowRules) -> ClientConfiguration {
    kubex::configure_from_kubeconfig()
        .path(PATH)
        .host(world.host())
        .follow_rules(rules)
        .await
        .unwrap()
}

#[tokio::test]
async fn another_server_that_was_allowed_beforehand_is_a_successor_with_its_own_credential() {
    let (one, two) = ("https://10.0.0.1:6443", "https://10.0.0.2:6443");
    let world = world(&kubeconfig(one, "", "token: first-token"));
    let (log, guard) = Log::capture();
    let configuration = follow_by(&world, FollowRules::new().allow_other_server(true)).await;
    assert_eq!(token(&configuration).await, "first-token");
    assert!(configuration.successor().is_none());
    world.write(PATH, &kubeconfig(two, "", "token: second-token"));
    for _ in 0..3 {
        world.advance(MINUTE);
        assert_eq!(
            token(&configuration).await,
            "first-token",
            "the old server gets no new token"
        );
        assert_eq!(configuration.cluster().server.as_str(), one);
    }
    let successor = configuration.successor().unwrap();
    assert_eq!(successor.cluster().server.as_str(), two);
    assert_eq!(token(&successor).await, "second-token");
    // The successor follows too, and the newest one is found from each.
    world.write(PATH, &kubeconfig(two, "", "token: third-token"));
    world.advance(MINUTE);
    assert_eq!(token(&successor).await, "third-token");
    assert!(successor.successor().is_none());
    world.write(PATH, &kubeconfig(one, "", "token: fourth-token"));
    world.advance(MINUTE);
    token(&successor).await;
    assert_eq!(token(&configuration.successor().unwrap()).await, "fourth-token");
    assert_eq!(token(&configuration).await, "first-token");
    drop(guard);
    let replaced = log.lines("replaced");
    assert_eq!(replaced.len(), 2, "{replaced:?}");
    let report = configuration.successor().unwrap().current_report().to_string();
    let line = "since then: replaced: server https://10.0.0.1:6443 to https://10.0.0.2:6443";
    assert!(report.contains(line), "{report}");
    assert!(
        !log.text().contains("-token") && !report.contains("-token"),
        "{report}"
    );
}

#[tokio::test]
async fn the_program_is_asked_about_each_change_and_only_a_yes_is_taken() {
    let server = "https://10.0.0.1:6443";
    let changes = [
        kubeconfig("https://10.0.0.2:6443", "", "token: second-token"),
        kubeconfig(server, ", insecure-skip-tls-verify: true", "token: second-token"),
        kubeconfig(server, "", "tokenFile: /run/token"),
    ];
    for (index, content) in changes.iter().enumerate() {
        for answer in [false, true] {
            let world = world(&with_token("first-token"));
            world.write("/run/token", "second-token");
            let rules = FollowRules::new().allow_if(move |change| {
                let kinds = [
                    change.is_other_server(),
                    change.becomes_insecure(),
                    change.is_other_identity(),
                ];
                assert_eq!(kinds.iter().position(|is_it| *is_it), Some(index));
                answer
            });
            let configuration = follow_by(&world, rules).await;
            token(&configuration).await;
            world.write(PATH, content);
            world.advance(MINUTE);
            assert_eq!(token(&configuration).await, "first-token");
            let successor = configuration.successor();
            assert_eq!(successor.is_some(), answer, "{content}");
            if let Some(successor) = successor {
                assert_eq!(token(&successor).await, "second-token", "{content}");
            }
        }
    }
}

#[tokio::test]
async fn no_flag_allows_trust_that_becomes_insecure() {
    let world = world(&with_token("first-token"));
    let rules = FollowRules::new()
        .allow_other_server(true)
        .allow_other_source(true)
        .allow_other_identity(true);
    let configuration = follow_by(&world, rules).await;
    token(&configuration).await;
    let insecure = kubeconfig(
        "https://10.0.0.2:6443",
        ", insecure-skip-tls-verify: true",
        "token: other-token",
    );
    world.write(PATH, &insecure);
    world.advance(MINUTE);
    token(&configuration).await;
    assert!(configuration.successor().is_none());
    let report = configuration.current_report();
    assert_eq!(report.changes()[0].outcome, "kept");
    let details = &report.changes()[0].details;
    assert!(details.contains("trust system to insecure"), "{details}");
}

#[tokio::test]
async fn another_source_is_kept_out_and_taken_where_it_was_allowed() {
    for is_allowed in [false, true] {
        let world = world(&with_token("first-token"));
        world.set_variable("HOME", "/home/jane");
        world.set_variable("KUBEX_CONFIG", "/etc/kubex.yaml");
        world.write("/etc/kubex.yaml", "chain: [kubeconfig]\n");
        let rules = FollowRules::new().allow_other_source(is_allowed);
        let configuration = kubex::resolve()
            .host(world.host())
            .follow_rules(rules)
            .await
            .unwrap();
        token(&configuration).await;
        world.write(
            "/etc/kubex.yaml",
            "chain: [vault]\nsources: {vault: {provider: token-file, server: 'https://10.0.0.9', token-file: /run/token}}\n",
        );
        world.write("/run/token", "second-token");
        world.advance(MINUTE);
        assert_eq!(token(&configuration).await, "first-token");
        let report = configuration.current_report();
        assert!(!report.changes().is_empty(), "{configuration:?}");
        let change = report.changes()[0].clone();
        if let Some(successor) = configuration.successor() {
            assert!(is_allowed);
            assert_eq!(token(&successor).await, "second-token");
            assert_eq!(successor.report().chosen().unwrap().source, "vault");
        } else {
            assert!(!is_allowed);
            assert_eq!(change.outcome, "kept");
            assert!(
                change.details.contains("source kubeconfig to vault"),
                "{change:?}"
            );
        }
    }
}
