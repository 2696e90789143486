//! Which files and variables are layers, and which of them wins.

use std::io;

use kubex::config::Configuration;
use kubex::{ErrorKind, Options, Result};
use kubex_core::host::SimulatedHost;

use super::{MACHINE, USER, answer, resolve, world};

/// The context that is configured, and where.
async fn context(world: &SimulatedHost) -> Result<Option<(String, String)>> {
    let configuration = Configuration::load(&world.host()).await?;
    let entries = configuration.entries(&kubex::registry()?);
    let entry = entries
        .into_iter()
        .find(|entry| entry.key == "sources.kubeconfig.context");
    Ok(entry.map(|entry| (entry.shown.as_str().unwrap().to_owned(), entry.origin.to_string())))
}

fn with_context(name: &str) -> String {
    format!("sources: {{kubeconfig: {{context: {name}}}}}\n")
}

#[tokio::test]
async fn without_any_configuration_the_chain_is_the_built_in_one() {
    let world = world();
    let configured = resolve(&world).await.unwrap();
    let built_in = kubex::default_chain()
        .unwrap()
        .host(world.host())
        .build()
        .unwrap()
        .resolve()
        .await
        .unwrap();
    assert_eq!(configured.report().to_string(), built_in.report().to_string());
    world.remove("/home/jane/.kube");
    assert_eq!(answer(&world).await.0, "in-cluster");

    let configuration = Configuration::load(&world.host()).await.unwrap();
    assert_eq!(configuration.files().count(), 0);
    let sources: Vec<_> = configuration
        .sources()
        .into_iter()
        .map(|source| (source.name, source.position))
        .collect();
    assert_eq!(
        sources,
        [
            ("kubeconfig".to_owned(), Some(0)),
            ("in-cluster".to_owned(), Some(1))
        ]
    );
}

#[tokio::test]
async fn each_layer_wins_over_those_before_it_and_each_value_has_its_origin() {
    let world = world();
    let expect = async |name: &str, place: &str| {
        let found = context(&world).await.unwrap();
        assert_eq!(found, Some((name.to_owned(), place.to_owned())));
    };
    assert_eq!(context(&world).await.unwrap(), None);
    world.write(MACHINE, &with_context("machine"));
    expect(
        "machine",
        "/etc/kubex/config.yaml:1:24, sources.kubeconfig.context",
    )
    .await;
    world.write(USER, &with_context("user"));
    expect(
        "user",
        "/home/jane/.config/kubex/config.yaml:1:24, sources.kubeconfig.context",
    )
    .await;
    world.set_variable("XDG_CONFIG_HOME", "/xdg");
    expect(
        "machine",
        "/etc/kubex/config.yaml:1:24, sources.kubeconfig.context",
    )
    .await;
    world.write(
        "/xdg/kubex/config.toml",
        "[sources.kubeconfig]\ncontext = \"xdg\"\n",
    );
    expect("xdg", "/xdg/kubex/config.toml:2:1, sources.kubeconfig.context").await;
    world.set_variable("KUBEX_CONFIG", "/opt/any-name");
    world.write("/opt/any-name", &with_context("named"));
    expect("named", "/opt/any-name:1:24, sources.kubeconfig.context").await;
    world.set_variable("KUBEX_SOURCES__KUBECONFIG__CONTEXT", "variable");
    expect("variable", "$KUBEX_SOURCES__KUBECONFIG__CONTEXT").await;

    let configuration = Configuration::load(&world.host()).await.unwrap();
    let configuration = configuration
        .with(Options::new().set("sources.kubeconfig.context", "code"))
        .unwrap();
    let entries = configuration.entries(&kubex::registry().unwrap());
    let entry = entries
        .iter()
        .find(|entry| entry.key.ends_with("context"))
        .unwrap();
    assert_eq!(
        entry.to_string(),
        "sources.kubeconfig.context: code (the program, sources.kubeconfig.context)"
    );
}

#[tokio::test]
async fn every_other_layer_wins_over_the_defaults_of_the_program_which_win_over_the_built_in_ones() {
    let world = world();
    let defaults = || {
        Options::new()
            .set("chain", vec!["in-cluster", "kubeconfig"])
            .set("sources.kubeconfig.context", "default")
    };
    let found = async |key: &str| {
        let configuration = Configuration::load(&world.host()).await.unwrap();
        let configuration = configuration.with_defaults(defaults()).unwrap();
        let entries = configuration.entries(&kubex::registry().unwrap());
        let entry = entries.iter().find(|entry| entry.key == key).unwrap();
        (entry.shown.to_string(), entry.origin.to_string())
    };
    let chain = async || found("chain").await.0;
    let context = async || found("sources.kubeconfig.context").await.0;
    assert_eq!(chain().await, r#"["in-cluster","kubeconfig"]"#);
    assert_eq!(
        found("sources.kubeconfig.context").await,
        (
            r#""default""#.to_owned(),
            "the program, sources.kubeconfig.context".to_owned()
        )
    );
    // Each other layer, from the lowest one.
    world.write(
        MACHINE,
        "chain: [kubeconfig]\nprofiles: {ci: {chain: [in-cluster]}}\n",
    );
    assert_eq!(chain().await, r#"["kubeconfig"]"#);
    assert_eq!(context().await, r#""default""#);
    world.write(USER, &with_context("user"));
    assert_eq!(context().await, r#""user""#);
    world.set_variable("KUBEX_PROFILE", "ci");
    assert_eq!(chain().await, r#"["in-cluster"]"#);
    world.set_variable("KUBEX_CHAIN", "kubeconfig,in-cluster");
    assert_eq!(chain().await, r#""kubeconfig,in-cluster""#);

    let configuration = Configuration::load(&world.host()).await.unwrap();
    // In any order of the calls, and the later defaults win.
    let configuration = configuration
        .with(Options::new().set("sources.kubeconfig.context", "code"))
        .and_then(|configuration| configuration.with_defaults(defaults()))
        .and_then(|configuration| {
            configuration.with_defaults(Options::new().set("sources.kubeconfig.timeout", "7s"))
        })
        .and_then(|configuration| {
            configuration.with_defaults(Options::new().set("sources.kubeconfig.timeout", "8s"))
        })
        .unwrap();
    let entries = configuration.entries(&kubex::registry().unwrap());
    let shown = |key: &str| {
        entries
            .iter()
            .find(|entry| entry.key == key)
            .unwrap()
            .shown
            .to_string()
    };
    assert_eq!(shown("sources.kubeconfig.context"), r#""code""#);
    assert_eq!(shown("sources.kubeconfig.timeout"), r#""8s""#);
    assert_eq!(shown("chain"), r#""kubeconfig,in-cluster""#);
}

#[tokio::test]
async fn a_variable_finds_a_source_that_the_defaults_of_the_program_name() {
    let world = world();
    world.write("/run/token", "of-the-file");
    world.set_variable("KUBEX_SOURCES__MY_LAB__SERVER", "https://variable");
    let defaults = Options::new()
        .set("chain", vec!["My_Lab"])
        .set("sources.My_Lab.provider", "token-file")
        .set("sources.My_Lab.server", "https://default")
        .set("sources.My_Lab.token-file", "/run/token");
    let resolved = kubex::resolve()
        .defaults(defaults.clone())
        .host(world.host())
        .await
        .unwrap();
    assert_eq!(resolved.report().chosen().unwrap().source, "My_Lab");
    assert_eq!(resolved.cluster().server.to_string(), "https://variable");
    // The user's own order, and the overrides of the program.
    world.set_variable("KUBEX_CHAIN", "kubeconfig");
    let overrides = Options::new().set("namespace", "team-a");
    let resolved = kubex::resolve().defaults(defaults).overrides(overrides);
    let resolved = resolved.host(world.host()).await.unwrap();
    assert_eq!(resolved.report().chosen().unwrap().source, "kubeconfig");
    assert_eq!(resolved.namespace(), "team-a");
}

#[tokio::test]
async fn a_list_of_a_later_layer_takes_the_place_of_the_earlier_one_and_null_takes_a_value_back() {
    let world = world();
    world.write(
        MACHINE,
        "chain: [kubeconfig, in-cluster]\nsources: {kubeconfig: {context: nowhere}}\n",
    );
    world.write(USER, "chain: [kubeconfig]\nsources: {kubeconfig: {context: ~}}\n");
    assert_eq!(
        answer(&world).await,
        (
            "kubeconfig".into(),
            "https://home-dev".into(),
            "home-token".into()
        )
    );
    world.remove("/home/jane/.kube");
    let error = resolve(&world).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Exhausted);
    assert_eq!(error.report().unwrap().attempts().len(), 1);
}

#[tokio::test]
async fn a_profile_wins_over_what_is_outside_of_it_and_variables_win_over_a_profile() {
    let world = world();
    world.write(
        MACHINE,
        "profiles:\n  Production: {chain: [in-cluster]}\n  ci: {sources: {kubeconfig: {context: prod}}}\n",
    );
    world.write(
        USER,
        "chain: [kubeconfig]\nsources: {kubeconfig: {context: dev}}\n",
    );
    assert_eq!(answer(&world).await.1, "https://home-dev");
    world.set_variable("KUBEX_PROFILE", "ci");
    assert_eq!(answer(&world).await.1, "https://home-prod");
    world.set_variable("KUBEX_PROFILE", "production");
    assert_eq!(answer(&world).await.0, "in-cluster");
    world.set_variable("KUBEX_CHAIN", "kubeconfig, in-cluster");
    assert_eq!(answer(&world).await.0, "kubeconfig");

    let configuration = Configuration::load(&world.host()).await.unwrap();
    assert_eq!(configuration.profiles(), ["ci", "production"]);
    assert_eq!(configuration.profile(), Some("production"));
    let other = configuration.in_profile("CI").unwrap();
    assert!(
        other
            .entries(&kubex::registry().unwrap())
            .iter()
            .any(|entry| entry.shown == "prod")
    );
}

#[tokio::test]
async fn a_variable_means_the_name_that_a_file_has() {
    let world = world();
    world.write(MACHINE, "chain: [break-glass]\nsources:\n  break-glass: {provider: kubeconfig, context: dev}\n  My_Lab: {provider: kubeconfig}\n");
    world.set_variable("KUBEX_SOURCES__BREAK_GLASS__CONTEXT", "prod");
    world.set_variable("KUBEX_SOURCES__MY_LAB__CONTEXT", "lab");
    world.set_variable("KUBEX_OVERRIDES__AS", "jane");
    world.set_variable("KUBEX_OVERRIDES__AS_GROUPS", "dev, ops");
    world.set_variable("KUBEX_SOURCES__BREAK_GLASS__ENABLED", "true");
    world.set_variable("KUBEX_SOURCES__BREAK_GLASS__TIMEOUT", "9");
    world.set_variable("KUBEX_OVERRIDES__NAMESPACE", "");
    let configuration = resolve(&world).await.unwrap();
    assert_eq!(configuration.cluster().server.as_str(), "https://home-prod");
    assert_eq!(configuration.impersonation().unwrap().groups, ["dev", "ops"]);
    let entries = Configuration::load(&world.host())
        .await
        .unwrap()
        .entries(&kubex::registry().unwrap());
    assert!(
        entries.iter().any(|entry| entry.key == "sources.My_Lab.context"),
        "{entries:?}"
    );

    world.write(
        MACHINE,
        "sources:\n  a-b: {provider: kubeconfig}\n  a_b: {provider: kubeconfig}\n",
    );
    world.set_variable("KUBEX_SOURCES__A_B__CONTEXT", "prod");
    let error = Configuration::load(&world.host()).await.unwrap_err();
    assert!(error.to_string().contains("\"a-b\" and \"a_b\""), "{error}");
}

#[tokio::test]
async fn the_working_directory_is_never_looked_at() {
    let world = world();
    for directory in ["/", "/kubex/", "/.config/kubex/", "/config/kubex/"] {
        for name in ["config.yaml", "config.toml", "kubex.yaml", ".kubex.yaml"] {
            world.write(format!("{directory}{name}"), "chain: [nowhere]\n");
        }
    }
    world.set_variable("XDG_CONFIG_HOME", "config");
    Configuration::load(&world.host()).await.unwrap();
    world.unset_variable("HOME");
    Configuration::load(&world.host()).await.unwrap();
    assert!(
        world
            .reads()
            .iter()
            .all(|path| path.starts_with("/etc/kubex") || path.starts_with("/home/jane/.config/kubex")),
        "{:?}",
        world.reads()
    );
}

#[tokio::test]
async fn a_file_that_is_there_and_cannot_be_read_is_an_error() {
    for path in [MACHINE, USER, "/etc/kubex/config.toml"] {
        let world = world();
        world.fail(path, io::ErrorKind::PermissionDenied);
        let error = Configuration::load(&world.host()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnreadableFile);
        assert!(
            error.to_string().contains(path) && error.to_string().contains("permission denied"),
            "{error}"
        );
    }
    let world = world();
    world.write(MACHINE, &"#".repeat(1024 * 1024 + 1));
    assert_eq!(
        Configuration::load(&world.host()).await.unwrap_err().kind(),
        ErrorKind::UnreadableFile
    );
}

#[tokio::test]
async fn one_file_can_be_looked_at_alone_and_everything_in_it_is_checked() {
    let world = world();
    world.write(MACHINE, "chain: [nowhere]\n");
    world.set_variable("KUBEX_CHAIN", "nowhere");
    world.write(
        "/opt/c.yaml",
        "sources: {spare: {provider: kubeconfig, contxt: x}}\nprofiles: {ci: {chain: [elsewhere]}}\n",
    );
    let configuration = Configuration::from_file("opt/c.yaml", &world.host())
        .await
        .unwrap();
    let registry = kubex::registry().unwrap();
    let _ = configuration.chain(registry.clone()).unwrap();
    let told = configuration.check(&registry).unwrap_err();
    let told: Vec<String> = told
        .problems()
        .map(|problem| problem.origin().unwrap().to_string())
        .collect();
    assert_eq!(
        told,
        [
            "/opt/c.yaml:1:41, sources.spare.contxt",
            "/opt/c.yaml:2:25, profiles.ci.chain[0]"
        ],
        "{told:?}"
    );
    let error = Configuration::from_file("/opt/none.yaml", &world.host())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnreadableFile);
}

/// The same on the machine itself: files, directories and variables as they are.
#[tokio::test]
async fn on_a_real_host_files_are_found_and_patterns_match() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    std::fs::create_dir_all(at("xdg/kubex")).unwrap();
    std::fs::create_dir_all(at("conf.d/directory.yaml")).unwrap();
    for (name, text) in [
        ("b.yaml", super::kubeconfig("b")),
        ("a.yaml", super::kubeconfig("a")),
        ("a.txt", String::new()),
    ] {
        std::fs::write(at("conf.d").join(name), text).unwrap();
    }
    std::fs::write(
        at("xdg/kubex/config.toml"),
        "chain = [\"kubeconfig\"]\n[sources.kubeconfig]\npaths = [\"../../conf.d/?.yaml\", \"../../conf.d/*.yaml\"]\n",
    )
    .unwrap();
    let host = kubex::Host::real()
        .with_variable("XDG_CONFIG_HOME", Some(at("xdg")))
        .with_variable("KUBEX_SOURCES__KUBECONFIG__CONTEXT", Some("prod"));
    let configuration = Configuration::load(&host).await.unwrap();
    assert!(
        configuration
            .files()
            .any(|file| file.ends_with("xdg/kubex/config.toml"))
    );
    let chain = configuration
        .chain(kubex::registry().unwrap())
        .unwrap()
        .build()
        .unwrap();
    let configuration = chain.resolve().await.unwrap();
    assert_eq!(configuration.cluster().server.as_str(), "https://a-prod");
}

#[tokio::test]
async fn an_override_unsets_those_of_earlier_layers_that_it_replaces() {
    let overrides = async |file: &str, variable: Option<(&str, &str)>, program: Options| {
        let world = world();
        world.write(USER, &format!("overrides: {{{file}}}\n"));
        if let Some((name, value)) = variable {
            world.set_variable(name, value);
        }
        let configuration = Configuration::load(&world.host()).await.unwrap();
        let configuration = configuration.with(program).unwrap();
        let entries = configuration.entries(&kubex::registry().unwrap());
        let keys = entries.into_iter().map(|entry| entry.key);
        keys.filter_map(|key| key.strip_prefix("overrides.").map(str::to_owned))
            .collect::<Vec<_>>()
    };
    let program = |key: &str, value: &str| Options::new().set(&format!("overrides.{key}"), value);
    let nothing = Options::new;
    for (file, key, left) in [
        ("token-env: T", "token", &["token"][..]),
        ("token-file: /t", "token", &["token"]),
        ("token-env: T", "token-file", &["token-file"]),
        ("token-env: T", "username", &["username"]),
        ("username: u, password-env: P", "token", &["token"]),
        (
            "username: u, password-env: P",
            "username",
            &["password-env", "username"],
        ),
        (
            "username: u, password-env: P",
            "password",
            &["password", "username"],
        ),
        ("server: 'https://a', tls-server-name: b", "server", &["server"]),
        (
            "server: 'https://a', tls-server-name: b",
            "tls-server-name",
            &["server", "tls-server-name"],
        ),
        ("client-key-data-env: K", "client-key", &["client-key"]),
        (
            "client-certificate: c",
            "client-key",
            &["client-certificate", "client-key"],
        ),
        (
            "insecure-skip-tls-verify: true",
            "certificate-authority",
            &["certificate-authority"],
        ),
        ("namespace: a", "server", &["namespace", "server"]),
    ] {
        assert_eq!(
            overrides(file, None, program(key, "x")).await,
            left,
            "{file} {key}"
        );
    }
    let authority = "certificate-authority: /ca.crt";
    let program = |value: bool| Options::new().set("overrides.insecure-skip-tls-verify", value);
    assert_eq!(
        overrides(authority, None, program(false)).await,
        ["certificate-authority", "insecure-skip-tls-verify"]
    );
    assert_eq!(
        overrides(authority, None, program(true)).await,
        ["insecure-skip-tls-verify"]
    );
    let variable = "KUBEX_OVERRIDES__INSECURE_SKIP_TLS_VERIFY";
    assert_eq!(
        overrides(authority, Some((variable, "false")), nothing()).await,
        ["certificate-authority", "insecure-skip-tls-verify"]
    );
    assert_eq!(
        overrides(authority, Some((variable, "true")), nothing()).await,
        ["insecure-skip-tls-verify"]
    );
}
