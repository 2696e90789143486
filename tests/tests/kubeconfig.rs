//! Kubeconfig files: where they are found, how several become one, what of them is chosen, and to whom they
//! are trusted.

use kubex::{ClientConfiguration, Error, ErrorKind, ExposeSecret as _, Options, Result, Source, Trust};
use kubex_core::host::{Exit, ProcessOutput, SimulatedHost};
use kubex_tests::api_server::ApiServer;

fn world() -> SimulatedHost {
    let world = SimulatedHost::new();
    world.set_variable("HOME", "/home/jane");
    world.set_variable("PATH", "/usr/bin");
    world
}

async fn resolve_with(world: &SimulatedHost, options: Options) -> Result<ClientConfiguration> {
    let chain = kubex::Chain::builder(kubex::registry()?).host(world.host());
    chain
        .source(Source::new("kubeconfig").provider("kubeconfig").options(options))
        .build()?
        .resolve_only()
        .await
}

async fn resolve(world: &SimulatedHost) -> Result<ClientConfiguration> {
    resolve_with(world, Options::new()).await
}

async fn refusal(world: &SimulatedHost) -> Error {
    resolve(world).await.map(drop).unwrap_err()
}

async fn token(configuration: &ClientConfiguration) -> String {
    let credential = configuration.credentials().current().await.unwrap();
    credential
        .token()
        .map(|token| token.expose_secret().to_owned())
        .unwrap_or_default()
}

fn warnings(configuration: &ClientConfiguration) -> Vec<&'static str> {
    configuration.warnings().iter().map(kubex::Warning::id).collect()
}

/// A cluster, a user and a context of one name.
fn kubeconfig(name: &str, user: &str) -> String {
    format!(
        "current-context: {name}\n\
         clusters: [{{name: {name}, cluster: {{server: 'https://{name}.example'}}}}]\n\
         contexts: [{{name: {name}, context: {{cluster: {name}, user: {name}}}}}]\n\
         users: [{{name: {name}, user: {user}}}]\n"
    )
}

#[tokio::test]
async fn the_first_of_several_files_wins_each_entry_whole() {
    let world = world();
    world.set_variable("KUBECONFIG", "/missing:/a:/b:/a");
    world.write("/a", "users: [{name: red, user: {token: of-a}}]\ncontexts: [{name: red, context: {cluster: c, user: red}}]\n");
    world.write(
        "/b",
        "current-context: red\nclusters: [{name: c, cluster: {server: 'https://b.example'}}]\n\
         users: [{name: red, user: {username: of-b, password: x}}]\n",
    );
    world.write("/home/jane/.kube/config", &kubeconfig("home", "{token: home}"));
    let configuration = resolve(&world).await.unwrap();
    assert_eq!(configuration.cluster().server.as_str(), "https://b.example");
    assert_eq!(token(&configuration).await, "of-a");
    assert_eq!(configuration.namespace(), "default");
}

#[tokio::test]
async fn one_broken_file_of_several_is_an_error_unless_leniency_was_asked_for() {
    let world = world();
    world.set_variable("KUBECONFIG", "/broken:/good");
    world.write("/broken", "users: [");
    world.write("/good", &kubeconfig("good", "{token: t}"));
    let error = refusal(&world).await;
    assert_eq!(error.kind(), ErrorKind::MalformedDocument);
    assert!(error.to_string().contains("/broken"), "{error}");

    let configuration = resolve_with(&world, Options::new().set("lenient", true))
        .await
        .unwrap();
    assert_eq!(warnings(&configuration), ["file-skipped"]);
}

#[tokio::test]
async fn an_explicit_path_must_be_there_and_replaces_the_others() {
    let world = world();
    world.set_variable("KUBECONFIG", "/other");
    world.write("/other", &kubeconfig("other", "{token: t}"));
    let error = resolve_with(&world, Options::new().set("path", "/nowhere"))
        .await
        .map(drop)
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnreadableFile);
    world.write("/this", &kubeconfig("this", "{token: t}"));
    let configuration = resolve_with(&world, Options::new().set("path", "/this"))
        .await
        .unwrap();
    assert_eq!(configuration.cluster().server.as_str(), "https://this.example");
}

#[tokio::test]
async fn context_cluster_user_and_namespace_can_be_chosen() {
    let world = world();
    let text = "current-context: a\n\
        clusters: [{name: a, cluster: {server: 'https://a.example'}}, {name: b, cluster: {server: 'https://b.example'}}]\n\
        users: [{name: a, user: {token: a}}, {name: b, user: {token: b}}]\n\
        contexts: [{name: a, context: {cluster: a, user: a}}, {name: b, context: {cluster: b, user: b, namespace: nb}}]\n";
    world.write("/home/jane/.kube/config", text);
    for (options, server, namespace, expected) in [
        (Options::new(), "https://a.example", "default", "a"),
        (Options::new().set("context", "b"), "https://b.example", "nb", "b"),
        (
            Options::new().set("cluster", "b"),
            "https://b.example",
            "default",
            "a",
        ),
        (
            Options::new().set("user", "b").set("namespace", "x"),
            "https://a.example",
            "x",
            "b",
        ),
    ] {
        let configuration = resolve_with(&world, options).await.unwrap();
        assert_eq!(configuration.cluster().server.as_str(), server);
        assert_eq!(configuration.namespace(), namespace);
        assert_eq!(token(&configuration).await, expected);
    }
    for (option, kind) in [
        ("context", ErrorKind::MissingContext),
        ("cluster", ErrorKind::MissingCluster),
        ("user", ErrorKind::MissingUser),
    ] {
        let error = resolve_with(&world, Options::new().set(option, "c"))
            .await
            .map(drop)
            .unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
    }
}

#[tokio::test]
async fn relative_paths_start_at_the_file_that_has_them() {
    let server = ApiServer::builder().start().await.unwrap();
    let pair = server.issue_client_certificate("jane", &[]);
    let world = world();
    world.set_variable("KUBECONFIG", "/x/y/config:/z/config");
    world.write(
        "/x/y/config",
        "current-context: c\nclusters: [{name: c, cluster: {server: 'https://h', certificate-authority: ../ca.crt}}]\n\
         contexts: [{name: c, context: {cluster: c, user: u}}]\n",
    );
    world.write(
        "/z/config",
        "users: [{name: u, user: {client-certificate: ./u.crt, client-key: keys/u.key, tokenFile: t}}]\n",
    );
    world.write("/x/ca.crt", &server.ca_pem());
    world.write("/z/u.crt", &pair.certificate);
    world.write("/z/keys/u.key", &pair.key);
    world.write("/z/t", "file-token\n");
    let configuration = resolve(&world).await.unwrap();
    assert!(matches!(configuration.cluster().trust, Trust::CaBundle(_)));
    assert_eq!(token(&configuration).await, "file-token");
    assert!(
        configuration
            .credentials()
            .current()
            .await
            .unwrap()
            .certificate()
            .is_some()
    );
    server.shutdown().await;
}

#[tokio::test]
async fn every_field_of_a_cluster_and_a_user_arrives() {
    let server = ApiServer::builder().start().await.unwrap();
    let ca = {
        use base64::Engine as _;
        base64::prelude::BASE64_STANDARD.encode(server.ca_pem())
    };
    let world = world();
    world.write(
        "/home/jane/.kube/config",
        &format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: c\nclusters:\n- name: c\n  cluster:\n    \
             server: https://h.example:6443/prefix?query#fragment\n    certificate-authority-data: {ca}\n    \
             tls-server-name: api.internal\n    proxy-url: socks5://jane:pw@proxy:1080\n    disable-compression: yes\n    \
             extensions: [{{name: x, extension: {{a: 1}}}}]\n    unheard-of: 1\n\
             contexts: [{{name: c, context: {{cluster: c, user: u, namespace: ''}}}}]\n\
             users:\n- name: u\n  user: {{token: t, as: joe, as-uid: '7', as-groups: [dev], as-user-extra: {{scopes: [a, b]}}}}\n"
        ),
    );
    let configuration = resolve(&world).await.unwrap();
    let cluster = configuration.cluster();
    assert_eq!(cluster.server.as_str(), "https://h.example:6443/prefix");
    assert!(
        matches!(&cluster.trust, Trust::CaBundle(authorities) if authorities.pem() == server.ca_pem().as_bytes())
    );
    assert_eq!(cluster.tls_server_name.as_deref(), Some("api.internal"));
    assert_eq!(cluster.proxy.as_ref().unwrap().to_string(), "socks5://proxy:1080");
    assert!(cluster.disable_compression);
    assert_eq!(cluster.extensions[0].0, "x");
    assert_eq!(configuration.namespace(), "default");
    let joe = configuration.impersonation().unwrap();
    assert_eq!(
        (joe.user.as_str(), joe.uid.as_deref(), joe.groups.len()),
        ("joe", Some("7"), 1)
    );
    assert_eq!(
        configuration
            .impersonation_headers()
            .get_all("impersonate-extra-scopes")
            .iter()
            .count(),
        2
    );
    server.shutdown().await;
}

#[tokio::test]
async fn blank_fields_are_as_good_as_none() {
    let world = world();
    let blank = "{token: '', tokenFile: null, username: ~, exec: null, auth-provider: null, client-key: '', as: '', as-groups: []}";
    world.write("/home/jane/.kube/config", &kubeconfig("c", blank));
    let configuration = resolve(&world).await.unwrap();
    assert!(
        configuration
            .credentials()
            .current()
            .await
            .unwrap()
            .is_anonymous()
    );
    assert!(configuration.impersonation().is_none());
}

#[tokio::test]
async fn a_static_credential_wins_over_the_plugin_with_a_warning() {
    let exec = "exec: {apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, command: login}";
    let world = world();
    world.write(
        "/home/jane/.kube/config",
        &kubeconfig("c", &format!("{{token: written, {exec}}}")),
    );
    let configuration = resolve(&world).await.unwrap();
    assert_eq!(token(&configuration).await, "written");
    assert_eq!(warnings(&configuration), ["exec-ignored"]);
    assert_eq!(world.runs(), 0);

    world.write(
        "/home/jane/.kube/config",
        &kubeconfig("c", &format!("{{client-key-data: eA==, {exec}}}")),
    );
    world.install_program("/usr/bin/login");
    world.run_processes(|process| {
        assert_eq!(process.program.path().to_string_lossy(), "/usr/bin/login");
        let answer = r#"{"apiVersion":"client.authentication.k8s.io/v1","status":{"token":"plugin"}}"#;
        let output = answer.as_bytes().to_vec().into();
        Ok(ProcessOutput {
            exit: Exit::Status(0),
            output,
            error: Vec::new().into(),
        })
    });
    let configuration = resolve(&world).await.unwrap();
    assert_eq!(warnings(&configuration), ["key-without-certificate"]);
    assert_eq!(token(&configuration).await, "plugin");
}

#[tokio::test]
async fn a_context_without_a_user_is_anonymous_with_a_warning() {
    let world = world();
    world.write(
        "/home/jane/.kube/config",
        &kubeconfig("c", "{}").replace(", user: c}", "}"),
    );
    let configuration = resolve(&world).await.unwrap();
    assert_eq!(warnings(&configuration), ["no-user"]);
    assert!(
        configuration
            .credentials()
            .current()
            .await
            .unwrap()
            .is_anonymous()
    );
}

#[tokio::test]
async fn bytes_may_not_name_plugins_and_files_unless_the_program_trusts_them() {
    for user in [
        "{exec: {apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, command: login}}",
        "{auth-provider: {name: oidc}}",
        "{tokenFile: /token}",
        "{client-certificate: /c.crt, client-key: /c.key}",
    ] {
        let world = world();
        world.write("/token", "t");
        world.install_program("/usr/bin/login");
        let text = kubeconfig("c", user);
        let configure = || {
            kubex::configure_from_kubeconfig()
                .host(world.host())
                .bytes(text.clone().into_bytes())
        };
        let error = configure().await.map(drop).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
        assert!(world.reads().is_empty() && world.runs() == 0);
        let trusted = configure().trusted(true).await.map(drop);
        assert!(trusted.is_ok() || trusted.unwrap_err().kind() != ErrorKind::Refused);
    }
    let text = kubeconfig("c", "{token: inline}");
    let configuration = kubex::configure_from_kubeconfig()
        .bytes(text.into_bytes())
        .await
        .unwrap();
    assert_eq!(token(&configuration).await, "inline");
}

#[tokio::test]
async fn one_kubeconfig_comes_from_a_path_bytes_or_a_reader_with_a_context() {
    let world = world();
    let text = kubeconfig("a", "{token: a}").replace(
        "contexts: [",
        "contexts: [{name: anonymous, context: {cluster: a}}, ",
    );
    world.write("/config", &text);
    let configure = || kubex::configure_from_kubeconfig().host(world.host());
    for (configure, expected) in [
        (configure().path("/config"), "a"),
        (configure().path("/config").context("anonymous"), ""),
        (configure().bytes(text.clone().into_bytes()), "a"),
        (configure().reader(text.as_bytes()).context("a"), "a"),
    ] {
        assert_eq!(token(&configure.await.unwrap()).await, expected);
    }
    let error = configure().await.map(drop).unwrap_err();
    assert!(
        error.is_not_configured() && error.to_string().contains("/home/jane/.kube/config"),
        "{error}"
    );
    let error = configure().bytes(Vec::new()).await.map(drop).unwrap_err();
    assert!(!error.is_not_configured(), "{error}");
}

#[tokio::test]
async fn an_auth_provider_is_the_registered_one_of_its_name_or_an_error_that_lists_them() {
    let world = world();
    world.write(
        "/home/jane/.kube/config",
        &kubeconfig(
            "c",
            "{auth-provider: {name: token-file, config: {token-file: /t}}}",
        ),
    );
    world.write("/t", "from-provider");
    assert_eq!(token(&resolve(&world).await.unwrap()).await, "from-provider");

    world.write(
        "/home/jane/.kube/config",
        &kubeconfig("c", "{auth-provider: {name: unheard-of}}"),
    );
    let error = refusal(&world).await;
    assert_eq!(error.kind(), ErrorKind::UnknownProvider);
    assert!(error.to_string().contains("exec, in-cluster"), "{error}");
    world.write(
        "/home/jane/.kube/config",
        &kubeconfig("c", "{auth-provider: {name: azure}}"),
    );
    assert!(refusal(&world).await.to_string().contains("kubelogin"));
}

#[tokio::test]
async fn only_what_is_selected_is_decoded() {
    let world = world();
    let bad = "{client-certificate-data: '!', client-key: /nowhere, exec: {command: ''}}";
    let text =
        kubeconfig("c", "{token: t}").replace("users: [", &format!("users: [{{name: other, user: {bad}}}, "));
    world.write("/home/jane/.kube/config", &text);
    assert_eq!(token(&resolve(&world).await.unwrap()).await, "t");
}
