//! What a plugin is told, byte by byte, and how it is found: from a kubeconfig to a real process.

#![cfg(unix)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use kubex::{ClientConfiguration, ErrorKind, ExposeSecret as _, Host, Result, configure_from_kubeconfig};
use kubex_core::host::SimulatedHost;

const V1: &str = "client.authentication.k8s.io/v1";
const V1_BETA_1: &str = "client.authentication.k8s.io/v1beta1";

/// A directory with a kubeconfig and a plugin, which keeps what it was told.
struct Home {
    directory: tempfile::TempDir,
}

impl Home {
    fn new() -> Self {
        let home = Self {
            directory: tempfile::tempdir().unwrap(),
        };
        // It answers in the version that it is asked in, and its token is its own name and greeting.
        home.program(
            "bin/plugin",
            "#!/bin/sh\nprintf '%s' \"$KUBERNETES_EXEC_INFO\" > \"$(dirname \"$0\")/told\"\n\
             version=$(printf '%s' \"$KUBERNETES_EXEC_INFO\" | sed 's/.*\"apiVersion\":\"\\([^\"]*\\)\".*/\\1/')\n\
             echo \"{apiVersion: $version, kind: ExecCredential, status: {token: \\\"$(basename \"$0\")-$GREETING\\\"}}\"\n",
        );
        home
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn write(&self, name: &str, content: &str) {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        fs::write(self.path(name), content).unwrap();
    }

    fn program(&self, name: &str, content: &str) {
        self.write(name, content);
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// A kubeconfig with these lines in its cluster and its exec block.
    fn kubeconfig(&self, cluster: &str, exec: &str) {
        let content = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: c\n\
             contexts: [{{name: c, context: {{cluster: c, user: u}}}}]\n\
             clusters:\n- name: c\n  cluster:\n{}\n\
             users:\n- name: u\n  user:\n    exec:\n{}\n",
            indent(cluster, 4),
            indent(exec, 6)
        );
        self.write("config", &content);
    }

    async fn configuration(&self, host: Host) -> Result<ClientConfiguration> {
        configure_from_kubeconfig()
            .path(self.path("config"))
            .host(host)
            .await
    }

    async fn token(&self, host: Host) -> Result<String> {
        let credential = self.configuration(host).await?.credentials().current().await?;
        Ok(credential.token().unwrap().expose_secret().to_owned())
    }

    fn told(&self) -> String {
        fs::read_to_string(self.path("bin/told")).unwrap()
    }
}

fn indent(text: &str, spaces: usize) -> String {
    text.lines()
        .map(|line| format!("{}{line}\n", " ".repeat(spaces)))
        .collect()
}

const EXEC: &str = "command: bin/plugin\ninteractiveMode: Never\n";

#[tokio::test]
async fn without_cluster_info_the_plugin_receives_the_version_and_nothing_else() {
    let home = Home::new();
    for version in [V1, V1_BETA_1] {
        home.kubeconfig("server: https://h:6443", &format!("{EXEC}apiVersion: {version}"));
        home.token(Host::real()).await.unwrap();
        let expected = format!(
            "{{\"kind\":\"ExecCredential\",\"apiVersion\":\"{version}\",\"spec\":{{\"interactive\":false}}}}\n"
        );
        assert_eq!(home.told(), expected);
    }
}

#[tokio::test]
async fn with_cluster_info_the_plugin_receives_everything_in_the_order_of_client_go() {
    let home = Home::new();
    let authority = rcgen::generate_simple_self_signed(vec!["h".into()])
        .unwrap()
        .cert
        .pem();
    // What is around the block belongs to the file, and the file is what is told.
    let authority = format!("# our own\n{authority}\n");
    home.write("pki/ca.pem", &authority);
    let cluster = "server: https://h:6443/prefix\ntls-server-name: n\ncertificate-authority: pki/ca.pem\n\
                   proxy-url: http://jane:pw@p:3128\ndisable-compression: true\n\
                   extensions:\n\
                   - name: other.example/thing\n  extension: {not: told}\n\
                   - name: client.authentication.k8s.io/exec\n  extension:\n    z: [1, 2.5, null, true]\n    \
                   audience: \"<a>&'b'\"\n    nested: {b: 2, a: 1}\n";
    for version in [V1, V1_BETA_1] {
        let exec = format!("{EXEC}apiVersion: {version}\nprovideClusterInfo: true");
        home.kubeconfig(cluster, &exec);
        home.token(Host::real()).await.unwrap();
        let expected = format!(
            "{{\"kind\":\"ExecCredential\",\"apiVersion\":\"{version}\",\"spec\":{{\"cluster\":{{\
             \"server\":\"https://h:6443/prefix\",\"tls-server-name\":\"n\",\
             \"certificate-authority-data\":\"{}\",\"proxy-url\":\"http://jane:pw@p:3128\",\
             \"disable-compression\":true,\"config\":{{\"audience\":\"\\u003ca\\u003e\\u0026'b'\",\
             \"nested\":{{\"a\":1,\"b\":2}},\"z\":[1,2.5,null,true]}}}},\"interactive\":false}}}}\n",
            BASE64_STANDARD.encode(&authority)
        );
        assert_eq!(home.told(), expected);
    }
}

#[tokio::test]
async fn without_an_extension_the_configuration_is_null() {
    let home = Home::new();
    let exec = format!("{EXEC}apiVersion: {V1}\nprovideClusterInfo: true");
    for (cluster, insecure) in [
        ("server: https://h:6443", ""),
        (
            "server: https://h:6443\ninsecure-skip-tls-verify: true\nextensions:\n\
             - {name: client.authentication.k8s.io/exec, extension: null}",
            "\"insecure-skip-tls-verify\":true,",
        ),
    ] {
        home.kubeconfig(cluster, &exec);
        home.token(Host::real()).await.unwrap();
        let expected = format!(
            "{{\"kind\":\"ExecCredential\",\"apiVersion\":\"{V1}\",\"spec\":{{\"cluster\":{{\
             \"server\":\"https://h:6443\",{insecure}\"config\":null}},\"interactive\":false}}}}\n"
        );
        assert_eq!(home.told(), expected);
    }
}

#[tokio::test]
async fn two_contexts_with_one_plugin_and_different_extensions_each_have_their_own() {
    let home = Home::new();
    let cluster = |audience: &str| {
        format!(
            "server: https://h:6443\nextensions:\n- name: client.authentication.k8s.io/exec\n  \
             extension: {{audience: {audience}}}"
        )
    };
    let exec = format!("{EXEC}apiVersion: {V1}\nprovideClusterInfo: true");
    let mut kept = Vec::new();
    for audience in ["one", "two", "one"] {
        home.kubeconfig(&cluster(audience), &exec);
        let _ = fs::remove_file(home.path("bin/told"));
        let configuration = home.configuration(Host::real()).await.unwrap();
        configuration.credentials().current().await.unwrap();
        kept.push(configuration);
        if kept.len() < 3 {
            assert!(
                home.told()
                    .contains(&format!("\"config\":{{\"audience\":\"{audience}\"}}"))
            );
        }
    }
    assert!(
        !home.path("bin/told").exists(),
        "the third is the first, which is shared"
    );
    let [one, two, again] = kept.try_into().unwrap();
    let credential =
        async |configuration: &ClientConfiguration| configuration.credentials().current().await.unwrap();
    assert!(std::sync::Arc::ptr_eq(
        &credential(&one).await,
        &credential(&again).await
    ));
    assert!(!std::sync::Arc::ptr_eq(
        &credential(&one).await,
        &credential(&two).await
    ));
}

/// As the plugins of GKE and of Oracle's cloud do: v1beta1 always, and no expiry.
#[tokio::test]
async fn a_plugin_of_v1beta1_without_expiry_is_run_once_until_it_is_rejected() {
    let home = Home::new();
    home.program(
        "bin/counting",
        "#!/bin/sh\necho run >> \"$(dirname \"$0\")/runs\"\n\
         echo '{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1beta1\",\
         \"spec\":{\"interactive\":false},\"status\":{\"token\":\"ya29.abc\"}}'\n",
    );
    let runs = || fs::read_to_string(home.path("bin/runs")).unwrap().lines().count();
    // A kubeconfig of v1beta1 may leave the interactive mode out.
    let exec = format!("command: bin/counting\napiVersion: {V1_BETA_1}");
    home.kubeconfig("server: https://h:6443", &exec);
    let configuration = home.configuration(Host::real()).await.unwrap();
    let first = configuration.credentials().current().await.unwrap();
    assert_eq!(first.expires_at(), None);
    for _ in 0..1_000 {
        configuration.credentials().current().await.unwrap();
    }
    assert_eq!(runs(), 1);
    configuration.credentials().invalidate(first.generation());
    configuration.credentials().current().await.unwrap();
    assert_eq!(runs(), 2);
}

#[tokio::test]
async fn the_configured_variables_win_over_inherited_ones_and_nothing_wins_over_the_exec_info() {
    let home = Home::new();
    let exec = format!(
        "{EXEC}apiVersion: {V1}\nenv:\n- {{name: GREETING, value: first}}\n\
         - {{name: KUBERNETES_EXEC_INFO, value: forged}}\n- {{name: GREETING, value: last}}\n\
         - {{name: PATH, value: /usr/bin:/bin}}"
    );
    home.kubeconfig("server: https://h:6443", &exec);
    let host = Host::real()
        .with_variable("GREETING", Some("inherited"))
        .with_variable("KUBERNETES_EXEC_INFO", Some("inherited"));
    assert_eq!(home.token(host).await.unwrap(), "plugin-last");
    assert!(
        home.told().starts_with("{\"kind\":\"ExecCredential\""),
        "{}",
        home.told()
    );
}

#[tokio::test]
async fn a_bare_name_is_looked_up_in_the_parents_path_and_not_in_the_plugins() {
    let home = Home::new();
    fs::copy(home.path("bin/plugin"), home.path("plugin-of-path")).unwrap();
    let own = format!("{}:/usr/bin:/bin", home.directory.path().display());
    let exec = |path: &str| {
        format!(
            "command: plugin-of-path\ninteractiveMode: Never\napiVersion: {V1}\n\
             env: [{{name: PATH, value: '{path}'}}]"
        )
    };
    home.kubeconfig("server: https://h:6443", &exec("/usr/bin:/bin"));
    let host = Host::real().with_variable("PATH", Some(&own));
    assert_eq!(home.token(host).await.unwrap(), "plugin-of-path-");

    home.kubeconfig("server: https://h:6443", &exec(&own));
    let host = Host::real().with_variable("PATH", Some("/usr/bin:/bin"));
    assert_eq!(
        home.token(host).await.unwrap_err().kind(),
        ErrorKind::PluginNotFound
    );
}

#[tokio::test]
async fn a_command_with_a_separator_is_relative_to_its_kubeconfig_and_never_looked_up() {
    let home = Home::new();
    let path = format!("{}:/usr/bin:/bin", home.path("bin").display());
    let host = || Host::real().with_variable("PATH", Some(&path));
    let exec = |command: &str| format!("command: {command}\ninteractiveMode: Never\napiVersion: {V1}");
    for (command, expected) in [
        ("plugin", Some("plugin-")),
        ("bin/plugin", Some("plugin-")),
        ("./bin/../bin/plugin", Some("plugin-")),
        // There is one in PATH, and none beside the kubeconfig.
        ("./plugin", None),
        ("bin/../plugin", None),
        ("../bin/plugin", None),
    ] {
        home.kubeconfig("server: https://h:6443", &exec(command));
        if let Some(token) = expected {
            assert_eq!(home.token(host()).await.unwrap(), token, "{command}");
        } else {
            let error = home.token(host()).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::PluginNotFound, "{command}");
        }
    }
}

/// A kubeconfig of bytes has no directory; trusted or not, `./plugin` never becomes a name in `PATH`.
#[tokio::test]
async fn a_relative_command_of_a_kubeconfig_without_a_directory_is_refused() {
    let home = Home::new();
    home.kubeconfig(
        "server: https://h:6443",
        &format!("command: ./plugin\ninteractiveMode: Never\napiVersion: {V1}"),
    );
    let bytes = fs::read(home.path("config")).unwrap();
    let world = SimulatedHost::new();
    world.set_variable("PATH", "/usr/bin");
    for planted in ["/usr/bin/plugin", "/plugin", "plugin", "./plugin"] {
        world.install_program(planted);
    }
    let asked = configure_from_kubeconfig()
        .bytes(bytes)
        .trusted(true)
        .host(world.host())
        .await;
    let error = match asked {
        Ok(configuration) => configuration.credentials().current().await.unwrap_err(),
        Err(error) => error,
    };
    assert!(
        matches!(error.kind(), ErrorKind::InvalidValue | ErrorKind::Refused),
        "{error:?}"
    );
    assert_eq!(world.runs(), 0);
}
