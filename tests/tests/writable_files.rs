//! Kubeconfigs, plugins, configuration files and the files of a credential that other users of the machine can change: on
//! real files.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::path::Path;

use kubex::config::Configuration;
use kubex::{Chain, ClientConfiguration, ErrorKind, Host, Options, Source};
use kubex_core::host::SimulatedHost;

const ID: &str = "writable-by-others";

const KUBECONFIG: &str = "
current-context: prod
clusters: [{name: prod, cluster: {server: 'https://10.0.0.1:6443'}}]
users: [{name: jane, user: {token: abc}}]
contexts: [{name: prod, context: {cluster: prod, user: jane}}]
";

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

async fn resolve(provider: &str, options: Options) -> ClientConfiguration {
    let source = Source::new("source").provider(provider).options(options);
    let chain = Chain::builder(kubex::registry().unwrap()).source(source);
    chain.build().unwrap().resolve().await.unwrap()
}

/// The warnings about other users, as they are shown.
fn warnings(configuration: &ClientConfiguration) -> Vec<String> {
    let warnings = configuration.warnings().iter();
    let warnings = warnings.filter(|warning| warning.id() == ID);
    warnings.map(ToString::to_string).collect()
}

async fn of_kubeconfig(path: &Path) -> Vec<String> {
    warnings(&resolve("kubeconfig", Options::new().set("path", path.to_str().unwrap())).await)
}

/// The directories above it belong to this user, or are `/tmp`.
fn directory() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

#[tokio::test]
async fn a_file_that_others_can_change_is_a_warning_and_a_usual_one_is_not() {
    let directory = directory();
    let path = directory.path().join("config");
    fs::write(&path, KUBECONFIG).unwrap();
    for mode in [0o600, 0o640, 0o644, 0o660, 0o664, 0o400, 0o755] {
        set_mode(&path, mode);
        assert_eq!(of_kubeconfig(&path).await, [""; 0], "{mode:o}");
    }
    for mode in [0o666, 0o646, 0o602, 0o777] {
        set_mode(&path, mode);
        let found = of_kubeconfig(&path).await;
        let [warning] = found.as_slice() else {
            panic!("{mode:o}: {found:?}")
        };
        assert!(
            warning.contains("every user of the machine can write to it"),
            "{warning}"
        );
        assert!(warning.contains(path.to_str().unwrap()), "{warning}");
    }
}

#[tokio::test]
async fn a_directory_in_which_others_can_replace_the_file_is_a_warning() {
    let root = directory();
    let above = root.path().join("above");
    let directory = above.join("kube");
    let path = directory.join("config");
    fs::create_dir_all(&directory).unwrap();
    fs::write(&path, KUBECONFIG).unwrap();
    for (above_mode, mode, is_safe) in [
        (0o755, 0o755, true),
        (0o700, 0o1777, true),
        (0o1777, 0o700, true),
        (0o755, 0o777, false),
        (0o777, 0o700, false),
    ] {
        set_mode(&above, above_mode);
        set_mode(&directory, mode);
        let found = of_kubeconfig(&path).await;
        assert_eq!(found.is_empty(), is_safe, "{above_mode:o} {mode:o}: {found:?}");
        let names_it = found.iter().all(|warning| warning.contains("its directory"));
        assert!(names_it, "{found:?}");
    }
}

/// The mode of a symbolic link is 0777 on Linux. A ConfigMap is mounted as two links to a file.
#[tokio::test]
async fn a_link_counts_by_what_it_leads_to() {
    let root = directory();
    let data = root.path().join("..2026_11_28");
    fs::create_dir(&data).unwrap();
    fs::write(data.join("config"), KUBECONFIG).unwrap();
    set_mode(&data, 0o755);
    symlink(&data, root.path().join("..data")).unwrap();
    let link = root.path().join("config");
    symlink("..data/config", &link).unwrap();
    assert_eq!(of_kubeconfig(&link).await, [""; 0]);

    set_mode(&data, 0o777);
    let found = of_kubeconfig(&link).await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("..2026_11_28"), "{found:?}");
}

#[tokio::test]
async fn a_file_of_another_user_is_a_warning() {
    let directory = directory();
    let path = directory.path().join("config");
    fs::write(&path, KUBECONFIG).unwrap();
    if chown(&path, Some(12_345), None).is_err() {
        println!("NOT TESTED: the warning about a file of another user: only root can make one");
        return;
    }
    let found = of_kubeconfig(&path).await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("it belongs to user 12345"), "{found:?}");

    chown(&path, Some(0), Some(12_345)).unwrap();
    set_mode(&path, 0o660);
    let found = of_kubeconfig(&path).await;
    assert!(found[0].contains("the group 12345 can write to it"), "{found:?}");
    set_mode(&path, 0o640);
    assert_eq!(of_kubeconfig(&path).await, [""; 0]);
}

#[tokio::test]
async fn a_plugin_that_others_can_change_is_a_warning_before_it_runs() {
    let directory = directory();
    let plugin = directory.path().join("login");
    fs::write(&plugin, "#!/bin/sh\nexit 1\n").unwrap();
    let options = || {
        Options::new()
            .set("server", "https://10.0.0.1")
            .set("command", plugin.to_str().unwrap())
    };
    set_mode(&plugin, 0o755);
    assert_eq!(warnings(&resolve("exec", options()).await), [""; 0]);
    set_mode(&plugin, 0o757);
    let found = warnings(&resolve("exec", options()).await);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("the plugin"), "{found:?}");
}

/// Sidecars and certificate agents write these files as another user, into a directory that everyone can write to.
#[tokio::test]
async fn a_token_a_key_or_an_authority_is_judged_by_itself_and_not_by_its_owner_or_directory() {
    let directory = directory();
    let path = |name: &str| directory.path().join(name);
    let certificate = rcgen::generate_simple_self_signed(["jane".to_owned()]).unwrap();
    let (pem, key) = (certificate.cert.pem(), certificate.signing_key.serialize_pem());
    let files = [
        ("token", "abc"),
        ("ca", &pem),
        ("certificate", &pem),
        ("key", &key),
    ];
    for (name, content) in files {
        fs::write(path(name), content).unwrap();
        set_mode(&path(name), 0o644);
    }
    let options = || {
        Options::new()
            .set("server", "https://10.0.0.1")
            .set("certificate-authority", path("ca").to_str().unwrap())
            .set("token-file", path("token").to_str().unwrap())
            .set("client-certificate", path("certificate").to_str().unwrap())
            .set("client-key", path("key").to_str().unwrap())
    };
    // An emptyDir is writable by everyone, without a sticky bit.
    set_mode(directory.path(), 0o777);
    assert_eq!(warnings(&resolve("token-file", options()).await), [""; 0]);
    for (name, _) in files {
        set_mode(&path(name), 0o666);
        let found = warnings(&resolve("token-file", options()).await);
        let [warning] = found.as_slice() else {
            panic!("{name}: {found:?}")
        };
        let what = "every user of the machine can write to it";
        assert!(
            warning.contains(what) && warning.contains(&format!("/{name})")),
            "{warning}"
        );
        set_mode(&path(name), 0o644);
    }
    if chown(path("token"), Some(12_345), Some(12_345)).is_err() {
        println!("NOT TESTED: a token of another user: only root can make one");
        return;
    }
    set_mode(&path("token"), 0o660);
    assert_eq!(warnings(&resolve("token-file", options()).await), [""; 0]);
}

#[tokio::test]
async fn a_configuration_file_that_others_can_change_is_a_warning_of_its_chain() {
    let directory = directory();
    let kubeconfig = directory.path().join("config");
    fs::write(&kubeconfig, KUBECONFIG).unwrap();
    set_mode(&kubeconfig, 0o600);
    let path = directory.path().join("kubex.yaml");
    let text = format!(
        "chain: [kubeconfig]\nsources: {{kubeconfig: {{path: {}}}}}\n",
        kubeconfig.display()
    );
    fs::write(&path, text).unwrap();
    for (mode, count) in [(0o644, 0), (0o666, 1)] {
        set_mode(&path, mode);
        let configuration = Configuration::from_file(&path, &Host::real()).await.unwrap();
        let chain = configuration.chain(kubex::registry().unwrap()).unwrap();
        let found = warnings(&chain.build().unwrap().resolve().await.unwrap());
        assert_eq!(found.len(), count, "{mode:o}: {found:?}");
        assert!(
            found.iter().all(|warning| warning.contains("kubex.yaml")),
            "{found:?}"
        );
    }
}

#[tokio::test]
async fn the_machines_configuration_is_refused_if_others_can_change_it() {
    let path = "/etc/kubex/config.yaml";
    let world = SimulatedHost::new();
    world.write(path, "exec: {policy: deny-all}\n");
    assert!(Configuration::load(&world.host()).await.is_ok());

    world.let_others_write(path);
    let error = Configuration::load(&world.host()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
    assert!(
        error
            .message()
            .contains("every user of the machine can write to it"),
        "{error}"
    );
    assert_eq!(
        error.origin().and_then(|origin| origin.path()),
        Some(Path::new(path))
    );
}
