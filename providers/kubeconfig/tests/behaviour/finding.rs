//! Which files are read, and what counts as none.

use std::io;

use kubex_core::host::SimulatedHost;
use kubex_core::{ErrorKind, Host, Options};
use kubex_kubeconfig::KubeconfigProvider;

use crate::scene::{
    HOME_FILE, assert_tells, home, named, resolve, resolve_by, resolve_with, telling, warnings, with_user,
};

/// A world whose files each have a user with another token; the first is at home.
fn files(names: &[&str]) -> SimulatedHost {
    let world = home(&with_user("{token: of-home}"));
    for name in names {
        world.write(format!("/{name}"), &with_user(&format!("{{token: of-{name}}}")));
    }
    world
}

async fn token(world: &SimulatedHost, options: Options) -> String {
    let configuration = resolve_with(telling(), world, options).await.unwrap();
    named(&configuration).1["token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_variable_replaces_the_home_file() {
    let world = files(&["a", "b"]);
    assert_eq!(token(&world, Options::new()).await, "of-home");
    world.set_variable("KUBECONFIG", "");
    assert_eq!(token(&world, Options::new()).await, "of-home");
    world.set_variable("KUBECONFIG", "/missing::/b:/a:/b");
    assert_eq!(token(&world, Options::new()).await, "of-b");
    let reads: Vec<_> = world
        .reads()
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    assert_eq!(reads, [HOME_FILE, HOME_FILE, "/missing", "/b", "/a"]);
}

#[tokio::test]
async fn without_any_file_every_path_that_was_tried_is_named() {
    let world = SimulatedHost::new();
    assert!(resolve(&world).await.unwrap_err().is_not_configured());
    world.set_variable("HOME", "/home/jane");
    let error = resolve(&world).await.unwrap_err();
    assert!(error.is_not_configured());
    assert_tells(&error, &[HOME_FILE]);
    world.set_variable("KUBECONFIG", "/x/a:/x/b");
    let error = resolve(&world).await.unwrap_err();
    assert!(error.is_not_configured());
    assert_tells(&error, &["/x/a", "/x/b"]);
}

#[tokio::test]
async fn a_list_without_a_path_is_not_configured_and_the_home_file_not_read() {
    let world = files(&[]);
    world.set_variable("KUBECONFIG", ":");
    assert!(resolve(&world).await.unwrap_err().is_not_configured());
    assert!(world.reads().is_empty());
}

#[tokio::test]
async fn a_file_without_entries_counts_as_missing_and_the_reason_shows_it() {
    for content in [
        "",
        " \n\n",
        "# a comment\n",
        "---\n",
        "null",
        "~",
        "{}",
        "apiVersion: v1\nkind: Config\nclusters: null\nusers: ~\ncontexts: []\ncurrent-context: ''\n",
        "\u{feff}",
    ] {
        let error = resolve(&home(content)).await.unwrap_err();
        assert!(error.is_not_configured(), "{content:?}: {error}");
        assert_tells(&error, &[HOME_FILE, "contains no cluster, user or context"]);
    }
}

#[tokio::test]
async fn a_file_that_was_asked_for_must_be_there_and_declare_something() {
    let world = files(&["a"]);
    let at = |path: &str| Options::new().set("path", path);
    assert_eq!(token(&world, at("/a")).await, "of-a");
    let error = resolve_with(telling(), &world, at("/missing")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnreadableFile);
    assert_tells(&error, &["/missing", "it does not exist"]);
    world.write("/empty", "");
    let error = resolve_with(telling(), &world, at("/empty")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::MissingContext);
    assert_tells(&error, &["/empty", "contains no"]);
}

#[tokio::test]
async fn paths_are_read_in_order_and_missing_ones_skipped() {
    let world = files(&["a", "b"]);
    let options = Options::new().set("paths", vec!["", "/missing", "/b", "/a"]);
    assert_eq!(token(&world, options).await, "of-b");
    let options = Options::new().set("paths", vec!["/missing"]);
    let error = resolve_with(telling(), &world, options).await.unwrap_err();
    assert!(error.is_not_configured());
    let options = Options::new().set("paths", vec!["/a"]).set("path", "/b");
    let error = resolve_with(telling(), &world, options).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConflictingFields);
    let options = Options::new().set("pth", "/a");
    let error = resolve_with(telling(), &world, options).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnknownField);
}

#[tokio::test]
async fn a_broken_file_is_an_error_and_never_passed_over() {
    for kind in [
        io::ErrorKind::PermissionDenied,
        io::ErrorKind::NotADirectory,
        io::ErrorKind::FileTooLarge,
    ] {
        let world = files(&["a"]);
        world.fail("/broken", kind);
        world.set_variable("KUBECONFIG", "/broken:/a");
        let error = resolve(&world).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnreadableFile);
        assert_tells(&error, &["/broken"]);
    }
    let world = files(&["a"]);
    world.write("/directory/file", "");
    world.set_variable("KUBECONFIG", "/a:/directory");
    assert_eq!(
        resolve(&world).await.unwrap_err().kind(),
        ErrorKind::UnreadableFile
    );
}

#[tokio::test]
async fn leniency_skips_a_broken_file_of_several_with_a_warning() {
    let world = files(&["a"]);
    world.write("/broken", "users: [ {token: s3cr3t-x");
    world.set_variable("KUBECONFIG", "/broken:/a");
    let lenient = || Options::new().set("lenient", true);
    assert_eq!(token(&world, lenient()).await, "of-a");
    let configuration = resolve_with(telling(), &world, lenient()).await.unwrap();
    assert_eq!(warnings(&configuration), ["file-skipped"]);
    let told = configuration.warnings()[0].to_string();
    assert!(
        told.contains("/broken:1:26") && !told.contains("s3cr3t"),
        "{told}"
    );
}

#[tokio::test]
async fn leniency_makes_no_missing_file_of_a_broken_one() {
    for list in [
        "/broken",
        "/broken:/missing",
        "/missing:/broken",
        "/broken:/empty",
    ] {
        let world = home("");
        world.write("/broken", "users: [");
        world.write("/empty", "");
        world.set_variable("KUBECONFIG", list);
        let options = Options::new().set("lenient", true);
        let error = resolve_with(telling(), &world, options).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::MalformedDocument, "{list}");
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn an_unwritten_pipe_a_device_a_directory_and_a_huge_file_are_errors() {
    let directory = tempfile::tempdir().unwrap();
    let huge = tempfile::NamedTempFile::new_in(&directory).unwrap();
    huge.as_file().set_len(1 << 30).unwrap();
    let pipe = directory.path().join("pipe");
    #[expect(
        clippy::disallowed_methods,
        reason = "only a real pipe can hang a real reader"
    )]
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    for path in [huge.path(), &pipe, directory.path(), "/dev/zero".as_ref()] {
        let provider = KubeconfigProvider::new().path(path);
        let host = Host::real().with_pipe_deadline(std::time::Duration::from_millis(100));
        let error = resolve_by(provider, host).await.unwrap_err();
        let kind = if path == pipe {
            ErrorKind::TimedOut
        } else {
            ErrorKind::UnreadableFile
        };
        assert_eq!(error.kind(), kind, "{error}");
        assert_tells(&error, &[path.to_str().unwrap()]);
    }
    let provider = KubeconfigProvider::new().path(huge.path());
    assert_tells(
        &resolve_by(provider, Host::real()).await.unwrap_err(),
        &["64 MiB"],
    );
}
