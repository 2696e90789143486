//! One kubeconfig, read once, and its contexts.

use kubex_core::ErrorKind;
use kubex_kubeconfig::KubeconfigProvider;

use crate::scene::{HOME_FILE, assert_tells, home, resolve_by};

const MANY: &str = "current-context: gone\n\
    clusters: [{name: prod, cluster: {server: 'https://prod'}}, {name: test, cluster: {server: 'https://test'}}]\n\
    users: [{name: jane, user: {token: jane}}, {name: joe, user: {token: joe}}]\n\
    contexts:\n\
    - {name: prod, context: {cluster: prod, user: jane, namespace: team-a}}\n\
    - {name: test, context: {cluster: test, user: joe}}\n\
    - {name: broken, context: {cluster: nowhere, user: joe}}\n\
    - {name: empty}\n";

#[tokio::test]
async fn the_contexts_are_listed_and_each_is_resolved_from_one_reading() {
    let world = home(MANY);
    let kubeconfig = KubeconfigProvider::new().load(&world.host()).await.unwrap();
    assert_eq!(kubeconfig.current_context(), Some("gone"));
    let named = |name: &str| Some(name.to_owned());
    let contexts: Vec<_> = kubeconfig
        .contexts()
        .map(|context| (context.name, context.cluster, context.user, context.namespace))
        .collect();
    assert_eq!(
        contexts,
        [
            ("prod", named("prod"), named("jane"), named("team-a")),
            ("test", named("test"), named("joe"), None),
            ("broken", named("nowhere"), named("joe"), None),
            ("empty", None, None, None),
        ]
    );
    let place = kubeconfig.contexts().nth(1).unwrap().origin.to_string();
    assert_eq!(place, format!("{HOME_FILE}:6:3, contexts[test]"));

    world.write(HOME_FILE, "half writ");
    for (context, server, user) in [("prod", "https://prod", "jane"), ("test", "https://test", "joe")] {
        let configuration = resolve_by(kubeconfig.context(context), world.host())
            .await
            .unwrap();
        assert_eq!(configuration.cluster().server.as_str(), server);
        assert_eq!(crate::scene::named(&configuration).1["token"], user);
    }
    let configuration = resolve_by(kubeconfig.context("prod").namespace("team-b"), world.host())
        .await
        .unwrap();
    assert_eq!(configuration.namespace(), "team-b");
    let reads = world
        .reads()
        .iter()
        .filter(|path| path.ends_with(".kube/config"))
        .count();
    assert_eq!(reads, 1);
}

#[tokio::test]
async fn a_context_that_is_broken_or_missing_is_an_error_when_it_is_resolved() {
    let world = home(MANY);
    let kubeconfig = KubeconfigProvider::new().load(&world.host()).await.unwrap();
    for (context, kind, told) in [
        (
            "broken",
            ErrorKind::MissingCluster,
            "there is no cluster \"nowhere\"",
        ),
        ("empty", ErrorKind::MissingCluster, "names no cluster"),
        ("prodd", ErrorKind::MissingContext, "did you mean \"prod\"?"),
    ] {
        let error = resolve_by(kubeconfig.context(context), world.host())
            .await
            .unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert_tells(&error, &[told]);
    }
}

#[tokio::test]
async fn the_names_that_exist_are_listed_however_long_they_are() {
    let long = "x".repeat(300);
    for names in [vec!["dev"], vec!["a", long.as_str()], vec!["u"]] {
        let world = home(&format!("contexts:\n- name: {}\n", names.join("\n- name: ")));
        let kubeconfig = KubeconfigProvider::new().load(&world.host()).await.unwrap();
        let error = resolve_by(kubeconfig.context("production-eu"), world.host())
            .await
            .unwrap_err();
        let first = format!("use one of: \"{}\"", names[0]);
        assert_tells(&error, &[&first]);
        assert_eq!(error.help().unwrap().contains(&long[..200]), names.len() == 2);
    }
    let many: Vec<String> = (0..20).map(|n| format!("- name: c{n}\n")).collect();
    let world = home(&format!("contexts:\n{}", many.concat()));
    let kubeconfig = KubeconfigProvider::new().load(&world.host()).await.unwrap();
    let error = resolve_by(kubeconfig.context("production-eu"), world.host())
        .await
        .unwrap_err();
    assert_tells(
        &error,
        &["use one of the 20 names in the kubeconfig, such as \"c0\", \"c1\""],
    );
    assert!(!error.help().unwrap().contains("\"c8\""), "{error}");
}

#[tokio::test]
async fn ten_thousand_contexts_are_read_quickly() {
    let list = |key: &str, item: fn(usize) -> String| {
        let items: Vec<String> = (0..10_000).map(item).collect();
        format!("{key}:\n{}", items.concat())
    };
    let content = [
        list("clusters", |n| {
            format!("- cluster:\n    server: https://c{n}\n  name: c{n}\n")
        }),
        list("users", |n| format!("- name: u{n}\n  user:\n    token: t{n}\n")),
        list("contexts", |n| {
            format!("- context:\n    cluster: c{n}\n    user: u{n}\n  name: x{n}\n")
        }),
    ]
    .concat();
    let world = home(&content);
    let kubeconfig = KubeconfigProvider::new().load(&world.host()).await.unwrap();
    for index in [0, 4_321, 9_999] {
        let chosen = kubeconfig.context(&format!("x{index}"));
        let configuration = resolve_by(chosen, world.host()).await.unwrap();
        assert_eq!(
            configuration.cluster().server.as_str(),
            format!("https://c{index}")
        );
        let line = 1 + 30_000 + 1 + index * 3 + 3;
        let place = format!("{HOME_FILE}:{line}:12, users[u{index}].user.token");
        assert_eq!(
            configuration.provenance().origin_of("token").unwrap().to_string(),
            place
        );
    }
}
