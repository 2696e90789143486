//! What a kubeconfig may cost: real files of the largest size are read, and what is made to hurt is refused at once.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use kubex_core::{Error, ErrorKind, Host};
use kubex_kubeconfig::KubeconfigProvider;
use kubex_tests::machine::patience;

use crate::scene::{PEM, assert_tells, resolve_by};

const MIB: usize = 1024 * 1024;

/// A real file in a directory of its own.
fn file(content: &str) -> (tempfile::TempDir, std::path::PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("config");
    #[expect(clippy::disallowed_methods, reason = "only a real file takes the time of one")]
    let mut file = std::fs::File::create(&path).unwrap();
    file.write_all(content.as_bytes()).unwrap();
    (directory, path)
}

/// A second; unoptimised code may take longer over 64 MiB, most of it to wipe them.
const AT_ONCE: Duration = Duration::from_secs(if cfg!(debug_assertions) { 5 } else { 1 });

/// What a real file is refused with, at once.
async fn refusal(path: &Path) -> Error {
    #[expect(clippy::disallowed_methods, reason = "it is the real time that is bounded")]
    let begun = Instant::now();
    let provider = KubeconfigProvider::new().path(path);
    let host = Host::real().with_pipe_deadline(AT_ONCE / 4);
    let error = resolve_by(provider, host).await.unwrap_err();
    let took = begun.elapsed();
    assert!(took < patience(AT_ONCE), "it took {took:?}: {error}");
    assert_tells(&error, &[path.to_str().unwrap()]);
    error
}

async fn is_refused(content: &str) -> kubex_core::Error {
    let (_directory, path) = file(content);
    let error = refusal(&path).await;
    assert_eq!(error.kind(), ErrorKind::MalformedDocument, "{error}");
    error
}

/// As kubectl writes it, with certificates and keys of the usual length.
fn ten_thousand_contexts() -> String {
    let long = |bytes: usize| "QUJD".repeat(bytes / 4);
    let (authority, certificate, key) = (long(1480), long(1480), long(1600));
    let mut text = String::from("apiVersion: v1\nclusters:\n");
    for index in 0..10_000 {
        let authority = if index == 9_999 { PEM } else { &authority };
        write!(
            text,
            "- cluster:\n    certificate-authority-data: {authority}\n    server: https://cluster-{index}.example:6443\n  \
             name: cluster-{index}\n"
        )
        .unwrap();
    }
    text.push_str("contexts:\n");
    for index in 0..10_000 {
        write!(
            text,
            "- context:\n    cluster: cluster-{index}\n    namespace: team-{index}\n    user: user-{index}\n  \
             name: context-{index}\n"
        )
        .unwrap();
    }
    text.push_str("current-context: context-9999\nkind: Config\npreferences: {}\nusers:\n");
    for index in 0..10_000 {
        write!(
            text,
            "- name: user-{index}\n  user:\n    client-certificate-data: {certificate}\n    client-key-data: {key}\n"
        )
        .unwrap();
    }
    text
}

#[tokio::test]
async fn a_kubeconfig_of_ten_thousand_contexts_is_read_whole() {
    let text = ten_thousand_contexts();
    assert!((46 * MIB..64 * MIB).contains(&text.len()), "{} bytes", text.len());
    let (_directory, path) = file(&text);
    #[expect(clippy::disallowed_methods, reason = "it is the real time that is bounded")]
    let begun = Instant::now();
    let provider = KubeconfigProvider::new().path(&path);
    let kubeconfig = provider.load(&Host::real()).await.unwrap();
    assert_eq!(kubeconfig.contexts().count(), 10_000);
    let chosen = kubeconfig.context("context-9999");
    let configuration = resolve_by(chosen, Host::real()).await.unwrap();
    let took = begun.elapsed();
    assert_eq!(configuration.namespace(), "team-9999");
    let server = configuration.provenance().origin_of("server").unwrap();
    assert_eq!(server.line_and_column(), Some((9_999 * 4 + 5, 13)));
    assert!(took < patience(Duration::from_secs(30)), "it took {took:?}");
}

#[tokio::test]
async fn a_file_of_one_byte_more_than_64_mib_is_refused() {
    let comment = format!("#{}\n", "x".repeat(1022));
    let text = comment.repeat(64 * MIB / 1024);
    assert_eq!(text.len(), 64 * MIB);
    let (_directory, path) = file(&format!("{text}#"));
    let error = refusal(&path).await;
    assert_eq!(error.kind(), ErrorKind::UnreadableFile, "{error}");
    assert_tells(&error, &["64 MiB"]);
}

#[tokio::test]
async fn aliases_that_multiply_are_refused() {
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..10 {
        let alias = format!("*a{}", level - 1);
        writeln!(bomb, "a{level}: &a{level} [{}]", vec![alias; 10].join(", ")).unwrap();
    }
    is_refused(&bomb).await;
    // In a long document the parser itself lets more of them through.
    let filler = "x, ".repeat(60_000);
    is_refused(&format!("filler: [{filler}]\n{bomb}")).await;
}

#[tokio::test]
async fn twenty_thousand_levels_of_brackets_are_refused() {
    for (open, close) in [("[", "]"), ("{a: ", "}"), ("[{a: ", "}]")] {
        is_refused(&format!(
            "users: {}{}\n",
            open.repeat(20_000),
            close.repeat(20_000)
        ))
        .await;
    }
    is_refused(&format!("{}1{}", "{\"a\":".repeat(20_000), "}".repeat(20_000))).await;
}

#[tokio::test]
async fn twenty_thousand_levels_of_lines_are_refused() {
    is_refused(&"- ".repeat(20_000)).await;
    is_refused(&"? ".repeat(20_000)).await;
    // Each level on a line of its own is indented one further, so 64 MiB hold fewer of them.
    let mut levels = String::new();
    for level in 0..10_900 {
        writeln!(levels, "{:level$}a:", "").unwrap();
    }
    assert!(levels.len() < 64 * MIB);
    is_refused(&levels).await;
    is_refused(&levels.replace('\n', "\n\n#\n")).await;
}

#[tokio::test]
async fn a_text_of_a_selected_entry_that_is_too_long_is_refused_before_it_is_used() {
    for (cluster, user, field) in [
        (
            format!("server: 'https://h/{}'", "a".repeat(200_000)),
            String::new(),
            "server",
        ),
        (
            format!(
                "server: 'https://h', certificate-authority-data: {}",
                "QUJD".repeat(2 * MIB)
            ),
            String::new(),
            "certificate-authority-data",
        ),
        (
            "server: 'https://h'".to_owned(),
            format!("token: {}", "t".repeat(2 * MIB)),
            "token",
        ),
        (
            "server: 'https://h'".to_owned(),
            format!(
                "exec: {{apiVersion: client.authentication.k8s.io/v1beta1, command: x, args: [{}]}}",
                "a".repeat(200_000)
            ),
            "args[0]",
        ),
    ] {
        let document = format!(
            "current-context: c\ncontexts: [{{name: c, context: {{cluster: c, user: u}}}}]\nclusters: [{{name: c, cluster: \
             {{{cluster}}}}}]\nusers: [{{name: u, user: {{{user}}}}}]\n"
        );
        let error = is_refused(&document).await;
        let text = error.to_string();
        assert!(text.contains("is longer than") && text.contains(field), "{text}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_pipe_that_nothing_writes_to_times_out() {
    let directory = tempfile::tempdir().unwrap();
    let pipe = directory.path().join("pipe");
    #[expect(
        clippy::disallowed_methods,
        reason = "only a real pipe can hang a real reader"
    )]
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    assert_eq!(refusal(&pipe).await.kind(), ErrorKind::TimedOut);
}
