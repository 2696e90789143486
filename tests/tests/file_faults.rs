//! Files that misbehave: one test for each fault, by its number in the list of faults that Kubex survives.

#![cfg(unix)]

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use kubex::{
    Chain, ClientConfiguration, Credentials, Error, ErrorKind, ExposeSecret, Host, Options, Result, Source,
};
use kubex_core::host::SimulatedHost;
use kubex_in_cluster::{InClusterOptions, Mount};
use kubex_tests::machine::patience;
use kubex_tests::pod_mount::PodMount;

const SECOND: Duration = Duration::from_secs(1);
const TOKEN_FILE: &str = "/run/token";

async fn of_file(host: Host, path: impl AsRef<Path>) -> Result<ClientConfiguration> {
    let options = Options::new()
        .set("server", "https://10.0.0.1")
        .set("token-file", path.as_ref().to_string_lossy().into_owned());
    let chain = Chain::builder(kubex::registry()?)
        .host(host)
        .source(Source::new("file").provider("token-file").options(options))
        .build()?;
    chain.resolve().await
}

async fn token(credentials: &Credentials) -> String {
    let credential = credentials.current().await.unwrap();
    credential.token().unwrap().expose_secret().to_owned()
}

/// Kilobytes of memory that this process holds.
fn resident() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn row_27_token_and_authority_are_never_of_two_generations_of_the_mount() {
    const SWAPS: usize = 4000;
    const READERS: usize = 4;
    const READS: usize = 500_000;

    let mount = Arc::new(PodMount::new("-----BEGIN CERTIFICATE-----").unwrap());
    let options = InClusterOptions {
        root: mount.root().to_owned(),
        ..InClusterOptions::default()
    };
    let (reads, mixed, errors) = (counter(), counter(), counter());
    let (naive_reads, naive_mixed) = (counter(), counter());
    let is_over = Arc::new(AtomicBool::new(false));
    let begun = Instant::now();

    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(READERS)
        .enable_all()
        .build()
        .unwrap();
    for _ in 0..READERS {
        let (reads, mixed, errors) = (reads.clone(), mixed.clone(), errors.clone());
        let options = options.clone();
        drop(runtime.spawn(async move {
            let host = Host::real();
            while reads.fetch_add(1, Ordering::Relaxed) < READS {
                match Mount::read(&options, &host).await {
                    Ok(mount) => {
                        let of = |content: Option<&kubex::SecretBytes>| {
                            PodMount::generation_of(content?.expose_secret())
                        };
                        let (token, authority) = (of(mount.token()), of(mount.ca_bundle()));
                        let namespace = of(mount.namespace());
                        if token.is_none() || token != authority || token != namespace {
                            mixed.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                    Err(_) => {
                        errors.fetch_add(1, Ordering::Relaxed);
                    }
                }
            }
        }));
    }
    // The same by path, as a program without Kubex would.
    let naive = std::thread::spawn({
        let (root, is_over) = (mount.root().to_owned(), is_over.clone());
        let (naive_reads, naive_mixed) = (naive_reads.clone(), naive_mixed.clone());
        move || {
            while !is_over.load(Ordering::Relaxed) {
                let token = fs::read(root.join("token"));
                let authority = fs::read(root.join("ca.crt"));
                if let (Ok(token), Ok(authority)) = (token, authority) {
                    naive_reads.fetch_add(1, Ordering::Relaxed);
                    let is_mixed = PodMount::generation_of(&token) != PodMount::generation_of(&authority);
                    naive_mixed.fetch_add(usize::from(is_mixed), Ordering::Relaxed);
                }
                // It is there to compare with, not to take the processor from the others.
                if naive_reads.load(Ordering::Relaxed).is_multiple_of(10) {
                    std::thread::sleep(Duration::from_micros(100));
                }
            }
        }
    });
    // Spread over the reads, however fast this machine is.
    let mut swaps = 0;
    while swaps < SWAPS {
        let due = reads.load(Ordering::Relaxed).min(READS) * SWAPS / READS;
        if swaps <= due {
            mount.swap().unwrap();
            swaps += 1;
        } else {
            std::thread::sleep(Duration::from_micros(500));
        }
        assert!(begun.elapsed() < patience(300 * SECOND), "it takes too long");
    }
    while reads.load(Ordering::Relaxed) < READS + READERS {
        assert!(begun.elapsed() < patience(300 * SECOND), "it takes too long");
        std::thread::sleep(Duration::from_millis(1));
    }
    is_over.store(true, Ordering::Relaxed);
    naive.join().unwrap();
    runtime.shutdown_timeout(SECOND);

    println!(
        "{READS} pair reads by {READERS} readers over {swaps} swaps in {:.1} s: {} mixed, {} errors; a reader by path \
         beside them mixed {} of {}",
        begun.elapsed().as_secs_f32(),
        mixed.load(Ordering::Relaxed),
        errors.load(Ordering::Relaxed),
        naive_mixed.load(Ordering::Relaxed),
        naive_reads.load(Ordering::Relaxed),
    );
    assert_eq!(
        (mixed.load(Ordering::Relaxed), errors.load(Ordering::Relaxed)),
        (0, 0)
    );
    assert!(
        naive_reads.load(Ordering::Relaxed) > 1000,
        "nothing was compared with"
    );
}

fn counter() -> Arc<AtomicUsize> {
    Arc::new(AtomicUsize::new(0))
}

#[tokio::test]
async fn row_28_a_generation_that_is_removed_in_mid_read_is_read_again() {
    const ROOT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
    for removed_after in ["token", "ca.crt"] {
        let world = SimulatedHost::new();
        for generation in ["..1", "..2"] {
            for file in ["token", "ca.crt", "namespace"] {
                world.write(
                    format!("{ROOT}/{generation}/{file}"),
                    &format!("{file} {generation}"),
                );
            }
        }
        world.link(format!("{ROOT}/..data"), "..1");
        world.after_read(format!("{ROOT}/..1/{removed_after}"), |world| {
            world.link(format!("{ROOT}/..data"), "..2");
            world.remove(format!("{ROOT}/..1"));
        });
        let mount = Mount::read(&InClusterOptions::default(), &world.host())
            .await
            .unwrap();
        for (content, file) in [
            (mount.token(), "token"),
            (mount.ca_bundle(), "ca.crt"),
            (mount.namespace(), "namespace"),
        ] {
            assert_eq!(content.unwrap().expose_secret(), format!("{file} ..2").as_bytes());
        }
    }

    // A single file, by its path through the links, on a real disk.
    let mount = Arc::new(PodMount::new("").unwrap());
    let is_over = Arc::new(AtomicBool::new(false));
    let swapper = std::thread::spawn({
        let (mount, is_over) = (mount.clone(), is_over.clone());
        move || {
            let mut swaps = 0_usize;
            while !is_over.load(Ordering::Relaxed) {
                mount.swap().unwrap();
                swaps += 1;
            }
            swaps
        }
    });
    let (host, path) = (Host::real(), mount.root().join("token"));
    let mut errors = 0;
    for _ in 0..10_000 {
        errors += usize::from(host.files().read(&path, 1024).await.is_err());
    }
    is_over.store(true, Ordering::Relaxed);
    println!(
        "10000 reads over {} swaps: {errors} errors",
        swapper.join().unwrap()
    );
    assert_eq!(errors, 0);
}

fn expiring(world: &SimulatedHost, name: &str, lifetime: Duration) -> String {
    let end = kubex::time::unix_seconds(world.host().now().wall + lifetime);
    let claims = BASE64_URL_SAFE_NO_PAD.encode(format!("{{\"jti\":\"{name}\",\"exp\":{end}}}"));
    format!("eyJhbGciOiJub25lIn0.{claims}.x")
}

#[tokio::test]
async fn row_29_a_file_written_in_place_keeps_the_last_good_token_until_it_is_whole() {
    let world = SimulatedHost::new();
    world.write(TOKEN_FILE, "good");
    let configuration = of_file(world.host(), TOKEN_FILE).await.unwrap();
    let credentials = configuration.credentials();
    assert_eq!(token(credentials).await, "good");
    // Truncated, half written with a byte sequence cut in two, blank.
    for content in [&b""[..], b"bett\xc3", b"\n"] {
        world.write_bytes(TOKEN_FILE, content);
        for _ in 0..5 {
            world.advance(61 * SECOND);
            assert_eq!(token(credentials).await, "good", "{content:?}");
        }
    }
    world.write(TOKEN_FILE, "better");
    world.advance(60 * SECOND);
    assert_eq!(
        token(credentials).await,
        "better",
        "the whole one is used within 60 s"
    );

    // Half of a token cannot be distinguished from a token. After a rejection, the file is read again at once.
    world.write(TOKEN_FILE, "be");
    world.advance(61 * SECOND);
    let half = credentials.current().await.unwrap();
    world.write(TOKEN_FILE, "best");
    credentials.invalidate(half.generation());
    assert_eq!(token(credentials).await, "best");
}

#[tokio::test]
async fn row_30_line_ends_spaces_and_byte_order_marks_are_trimmed() {
    for content in [
        "t\n",
        "t\r\n",
        " t ",
        "\tt\n\n",
        "\u{feff}t",
        "\u{feff} t\r\n",
        "t\u{a0}",
        "\n\nt",
    ] {
        let world = SimulatedHost::new();
        world.write(TOKEN_FILE, content);
        let configuration = of_file(world.host(), TOKEN_FILE).await.unwrap();
        let credential = configuration.credentials().current().await.unwrap();
        assert_eq!(credential.authorization().unwrap(), "Bearer t", "{content:?}");
    }
}

#[tokio::test]
async fn row_31_what_is_not_a_file_is_a_typed_error_within_a_second_and_a_little_memory() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    assert!(Command::new("mkfifo").arg(at("pipe")).status().unwrap().success());
    fs::File::create(at("giant")).unwrap().set_len(1 << 30).unwrap();
    std::os::unix::fs::symlink(at("circle"), at("circle")).unwrap();
    fs::create_dir(at("directory")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
    let before = resident();
    let paths = ["pipe", "giant", "circle", "directory", "socket"].map(at);
    for path in paths.iter().map(PathBuf::as_path).chain([Path::new("/dev/zero")]) {
        let begun = Instant::now();
        let host = Host::real().with_pipe_deadline(SECOND / 2);
        let error = of_file(host, path).await.map(drop).unwrap_err();
        let kind = if path.ends_with("pipe") {
            ErrorKind::TimedOut
        } else {
            ErrorKind::UnreadableFile
        };
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(&*path.to_string_lossy()), "{error}");
        assert!(
            begun.elapsed() < patience(SECOND),
            "{} took {:?}",
            path.display(),
            begun.elapsed()
        );
    }
    // The null device is empty, and an empty token is none.
    let error = of_file(Host::real(), "/dev/null").await.map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::EmptyToken, "{error}");
    let grown = resident().saturating_sub(before);
    println!("memory grew by {grown} KiB");
    assert!(grown < 8 * 1024, "memory grew by {grown} KiB");
}

#[tokio::test]
async fn row_32_a_file_that_is_gone_leaves_the_last_good_token_until_it_is_rejected_or_expires() {
    let world = SimulatedHost::new();
    world.write(TOKEN_FILE, "for-ever");
    let configuration = of_file(world.host(), TOKEN_FILE).await.unwrap();
    let credentials = configuration.credentials();
    token(credentials).await;
    world.remove(TOKEN_FILE);
    for _ in 0..100 {
        world.advance(600 * SECOND);
        assert_eq!(token(credentials).await, "for-ever");
    }
    // Rejected, it is looked for at once; and while there is nothing else, the server goes on refusing it.
    let held = credentials.current().await.unwrap();
    world.advance(61 * SECOND);
    let reads = world.reads().len();
    credentials.invalidate(held.generation());
    assert_eq!(token(credentials).await, "for-ever");
    assert!(world.reads().len() > reads);

    let world = SimulatedHost::new();
    world.write(TOKEN_FILE, &expiring(&world, "short", 300 * SECOND));
    let configuration = of_file(world.host(), TOKEN_FILE).await.unwrap();
    let credentials = configuration.credentials();
    token(credentials).await;
    world.remove(TOKEN_FILE);
    world.advance(299 * SECOND);
    token(credentials).await;
    world.advance(2 * SECOND);
    world.advance(60 * SECOND);
    let error = credentials.current().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnreadableFile);
    assert!(error.to_string().contains("expired 61 s ago"), "{error}");
}

fn kubeconfig(token: &str) -> String {
    format!(
        "current-context: prod\n\
         clusters: [{{name: prod, cluster: {{server: 'https://10.0.0.1'}}}}]\n\
         contexts: [{{name: prod, context: {{cluster: prod, user: jane, namespace: team-a}}}}]\n\
         users: [{{name: jane, user: {{token: {token}}}}}]\n"
    )
}

#[tokio::test]
async fn row_33_a_kubeconfig_that_changes_while_in_use_leaves_the_snapshot_whole() {
    const CONFIG: &str = "/home/jane/.kube/config";
    let world = SimulatedHost::new();
    world.set_variable("HOME", "/home/jane");
    world.write(CONFIG, &kubeconfig("one"));
    let resolve = async || {
        let chain = kubex::default_chain()
            .unwrap()
            .host(world.host())
            .build()
            .unwrap();
        chain.resolve().await
    };
    let configuration = resolve().await.unwrap();
    let whole = async |what: &str| {
        world.advance(3600 * SECOND);
        assert_eq!(token(configuration.credentials()).await, "one", "{what}");
        assert_eq!(configuration.namespace(), "team-a", "{what}");
        assert_eq!(
            configuration.cluster().server.as_str(),
            "https://10.0.0.1",
            "{what}"
        );
    };
    whole("untouched").await;
    world.write(CONFIG, &kubeconfig("two").replace("team-a", "team-b"));
    whole("rewritten").await;
    let other = resolve().await.unwrap();
    assert_eq!(
        token(other.credentials()).await,
        "two",
        "who resolves again gets the new one"
    );
    world.write(CONFIG, &kubeconfig("three")[..100]);
    whole("half written").await;
    assert_eq!(
        resolve().await.map(drop).unwrap_err().kind(),
        ErrorKind::MalformedDocument
    );
    world.remove(CONFIG);
    whole("removed").await;
}

async fn refusal_of_kubeconfig(path: &Path) -> Error {
    let host = Host::real()
        .with_pipe_deadline(SECOND)
        .with_variable("KUBECONFIG", Some(path))
        .with_variable("KUBERNETES_SERVICE_HOST", None::<String>);
    let begun = Instant::now();
    let chain = kubex::default_chain().unwrap().host(host).build().unwrap();
    let error = chain.resolve().await.map(drop).unwrap_err();
    let took = begun.elapsed();
    assert!(
        took < patience(2 * SECOND),
        "{} took {took:?}: {error}",
        path.display()
    );
    error
}

#[tokio::test]
async fn row_34_a_hostile_kubeconfig_is_a_typed_error_in_bounded_time_and_memory() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("config");
    let bomb = (0..9).fold("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned(), |text, level| {
        let next = level + 1;
        let many = vec![format!("*a{level}"); 10].join(",");
        format!("{text}a{next}: &a{next} [{many}]\n")
    });
    let before = resident();
    let texts = [
        ("malformed", "users: [\n".to_owned()),
        ("a bomb of aliases", format!("{bomb}current-context: *a9\n")),
        ("20,000 lists deep", "[".repeat(20_000)),
        ("20,000 mappings deep", "{\"a\":".repeat(20_000)),
        ("20,000 sequences deep", "- ".repeat(20_000)),
    ];
    for (what, text) in texts {
        fs::write(&path, text).unwrap();
        let error = refusal_of_kubeconfig(&path).await;
        println!("{what}: {:?}", error.kind());
        assert!(
            matches!(
                error.kind(),
                ErrorKind::MalformedDocument | ErrorKind::InvalidValue
            ),
            "{what}: {error:?}"
        );
    }
    let sparse = directory.path().join("sparse");
    fs::File::create(&sparse).unwrap().set_len(1 << 30).unwrap();
    let pipe = directory.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for (path, kind) in [
        (sparse.as_path(), ErrorKind::UnreadableFile),
        (pipe.as_path(), ErrorKind::TimedOut),
        (Path::new("/dev/zero"), ErrorKind::UnreadableFile),
    ] {
        let error = refusal_of_kubeconfig(path).await;
        assert_eq!(error.kind(), kind, "{error}");
    }
    let grown = resident().saturating_sub(before);
    println!("memory grew by {grown} KiB");
    assert!(grown < 64 * 1024, "memory grew by {grown} KiB");
}

#[tokio::test]
async fn row_35_service_variables_without_a_mount_are_not_configured_and_the_chain_goes_on() {
    let world = SimulatedHost::new();
    world.set_variable("KUBERNETES_SERVICE_HOST", "10.0.0.1");
    world.set_variable("KUBERNETES_SERVICE_PORT", "443");
    let options = Options::new()
        .set("server", "https://10.0.0.2")
        .set("token", "next");
    let chain = Chain::builder(kubex::registry().unwrap())
        .host(world.host())
        .source(Source::new("in-cluster"))
        .source(Source::new("next").provider("static").options(options))
        .build()
        .unwrap();
    let configuration = chain.resolve().await.unwrap();
    assert_eq!(token(configuration.credentials()).await, "next");
    let report = configuration.report().to_string();
    assert!(report.contains("no service account token is mounted"), "{report}");

    // A file that exists and is broken ends the chain.
    world.fail(
        "/var/run/secrets/kubernetes.io/serviceaccount/token",
        io::ErrorKind::PermissionDenied,
    );
    assert_eq!(
        chain.resolve().await.map(drop).unwrap_err().kind(),
        ErrorKind::UnreadableFile
    );
}
