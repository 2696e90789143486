//! Kubeconfigs that are made to hurt: whatever the bytes are, there is no panic, and time and memory stay in proportion
//! to them.

#[path = "hostile_documents/documents.rs"]
mod documents;

use std::panic::AssertUnwindSafe;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use documents::{Form, KINDS, document};
use tokio::runtime::{Builder, Runtime};

const MIB: usize = 1024 * 1024;

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// The tests measure the process, so one runs at a time.
fn alone() -> MutexGuard<'static, ()> {
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

fn runtime() -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap()
}

/// Resolves the bytes; untrusted ones, whatever they are.
async fn resolve(bytes: Vec<u8>, is_trusted: bool) -> Result<(), kubex::Error> {
    let resolved = kubex::configure_from_kubeconfig()
        .bytes(bytes)
        .trusted(is_trusted)
        .await;
    resolved.map(drop)
}

/// The processor time of the whole process.
fn processor_time() -> Duration {
    rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime)
        .try_into()
        .unwrap()
}

/// The processor time that resolving takes.
fn cost(runtime: &Runtime, bytes: &[u8]) -> Duration {
    let bytes = bytes.to_vec();
    let began = processor_time();
    let _ = runtime.block_on(resolve(bytes, true));
    processor_time().saturating_sub(began)
}

#[test]
fn twice_the_bytes_take_about_twice_as_long() {
    let _alone = alone();
    let runtime = runtime();
    let size = MIB / 8;
    for (name, kind) in KINDS {
        for form in [Form::Block, Form::Flow, Form::Json] {
            let (once, twice) = (document(*kind, form, size), document(*kind, form, 2 * size));
            let mut shortest = [Duration::MAX; 2];
            // The least of several measurements is the one without interruptions. What a document of any size costs,
            // and the resolution of the clock, are not proportional to it.
            let is_linear = (0..12).any(|_| {
                shortest = [
                    shortest[0].min(cost(&runtime, once.as_bytes())),
                    shortest[1].min(cost(&runtime, twice.as_bytes())),
                ];
                shortest[1] < shortest[0].mul_f64(2.5) + Duration::from_millis(2)
            });
            assert!(is_linear, "{name}, {form:?}: {shortest:?}");
        }
    }
}

#[test]
fn a_document_of_64_mib_is_read_or_refused_in_bounded_time() {
    let _alone = alone();
    let runtime = runtime();
    // Two seconds; code that is not optimized takes about ten times as long.
    let most = Duration::from_secs(if cfg!(debug_assertions) { 20 } else { 2 });
    for (name, form) in [
        ("users", Form::Flow),
        ("keys that are almost fields", Form::Flow),
        ("as-user-extra", Form::Json),
        ("args", Form::Flow),
        ("aliases", Form::Block),
        ("long names", Form::Block),
    ] {
        let (_, kind) = KINDS.iter().find(|(other, _)| *other == name).unwrap();
        let text = document(*kind, form, 64 * MIB - 5000);
        let took = cost(&runtime, text.as_bytes());
        println!("{name}, {form:?}: {took:?}");
        assert!(took < most, "{name}, {form:?}: {took:?}");
    }
}

#[test]
fn a_large_document_does_not_hold_up_an_async_worker() {
    let _alone = alone();
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let (_, kind) = KINDS.iter().find(|(name, _)| *name == "users").unwrap();
    let text = document(*kind, Form::Flow, 4 * MIB).into_bytes();
    let reader = std::io::Cursor::new(text.clone());
    let worker = || rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    let (bytes, reader) = runtime.block_on(async {
        let before = worker();
        let _ = kubex::configure_from_kubeconfig().bytes(text).await;
        let between = worker();
        let builder = kubex::configure_from_kubeconfig().reader(reader);
        let read = worker();
        let _ = builder.await;
        let spent = |from, to| {
            let (from, to): (Duration, Duration) =
                (Duration::try_from(from).unwrap(), Duration::try_from(to).unwrap());
            to.saturating_sub(from)
        };
        (spent(before, between), spent(read, worker()))
    });
    println!("on the worker: {bytes:?}, and {reader:?} of a reader");
    // The whole takes seconds in code that is not optimized.
    assert!(bytes < Duration::from_millis(20), "{bytes:?}");
    assert!(reader < Duration::from_millis(20), "{reader:?}");
}

/// Numbers that are the same for the same seed (splitmix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).unwrap()
    }

    fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[0]
    }
}

/// Bytes that begin as a kubeconfig and go on as anything.
fn hostile_bytes(random: &mut Random) -> Vec<u8> {
    const PIECES: &[&str] = &[
        "apiVersion: v1\n",
        "kind: Config\n",
        "current-context: c\n",
        "contexts:\n",
        "- name: c\n",
        "  context: {cluster: c, user: u}\n",
        "clusters:\n",
        "  cluster: {server: 'https://h'}\n",
        "users:\n- name: u\n  user:\n",
        "    token: t\n",
        "    exec: {command: x}\n",
        "as-user-extra: {k: [v]}\n",
        "&a ",
        "*a ",
        "<<: *a\n",
        "!!binary aGk=\n",
        "!!str ",
        "{",
        "}",
        "[",
        "]",
        ": ",
        "- ",
        "? ",
        "| \n",
        ">-\n",
        "'",
        "\"",
        "\\u0000",
        "\\",
        "#",
        "\t",
        "\r\n",
        "---\n",
        "...\n",
        "%YAML 1.1\n",
        "\u{feff}",
        "\u{85}",
        "\u{2028}",
        "\u{1f600}",
        "~",
        "null",
        "0777",
        "1e400",
        "9999-12-31",
        "https://u:p@h/?q#f",
        "proxy-url: http://[::1\n",
        "client-key-data: LS0tLS1CRUdJTg==\n",
    ];
    let mut bytes = match random.below(10) {
        0 => b"\xff\xfe".to_vec(),
        1 => b"\xfe\xff".to_vec(),
        _ => Vec::new(),
    };
    let (_, kind) = KINDS[random.below(KINDS.len())];
    let form = [Form::Block, Form::Flow, Form::Json][random.below(3)];
    if random.below(2) == 0 {
        bytes.extend_from_slice(document(kind, form, 10 + random.below(2000)).as_bytes());
    }
    for _ in 0..random.below(40) {
        bytes.extend_from_slice(PIECES[random.below(PIECES.len())].as_bytes());
    }
    for _ in 0..random.below(20) {
        if !bytes.is_empty() {
            let at = random.below(bytes.len());
            match random.below(4) {
                0 => bytes[at] = random.byte(),
                1 => drop(bytes.remove(at)),
                2 => bytes.insert(at, random.byte()),
                _ => bytes.truncate(at + 1),
            }
        }
    }
    bytes
}

#[test]
fn ten_thousand_kubeconfigs_of_hostile_bytes_cause_no_panic() {
    let _alone = alone();
    let runtime = runtime();
    let begun = Instant::now();
    let (mut resolved, mut refused) = (0, 0);
    for seed in 0..10_000 {
        let bytes = hostile_bytes(&mut Random(seed));
        let is_trusted = seed % 2 == 0;
        let ended = std::panic::catch_unwind(AssertUnwindSafe(|| {
            runtime.block_on(resolve(bytes.clone(), is_trusted))
        }));
        match ended {
            Ok(Ok(())) => resolved += 1,
            Ok(Err(error)) => {
                assert!(!error.message().is_empty(), "seed {seed}");
                refused += 1;
            }
            Err(panic) => {
                let bytes = String::from_utf8_lossy(&bytes);
                panic!(
                    "seed {seed} panics ({:?}): {bytes:?}",
                    panic.downcast_ref::<String>()
                )
            }
        }
    }
    println!(
        "{resolved} resolved, {refused} refused, 0 panics, in {:?}",
        begun.elapsed()
    );
}

#[test]
fn very_many_keys_of_as_user_extra_are_an_error_that_names_the_budget() {
    let _alone = alone();
    let user = |extra: &str| {
        format!(
            "current-context: c\ncontexts: [{{name: c, context: {{cluster: c, user: u}}}}]\nclusters: [{{name: c, cluster: \
             {{server: 'https://10.0.0.1'}}}}]\nusers: [{{name: u, user: {{as: jane, as-user-extra: {{{extra}}}}}}}]\n"
        )
    };
    for (keys, budget) in [(24_576, "10000 keys"), (9_000, "4096 headers")] {
        let extra: Vec<String> = (0..keys).map(|key| format!("k{key}: [v]")).collect();
        let document = user(&extra.join(", "));
        let error = runtime()
            .block_on(resolve(document.into_bytes(), false))
            .unwrap_err();
        assert!(error.to_string().contains(budget), "{error}");
    }
    let values = vec!["v"; 24_576].join(", ");
    let document = user(&format!("k: [{values}]"));
    let error = runtime()
        .block_on(resolve(document.into_bytes(), false))
        .unwrap_err();
    assert!(error.to_string().contains("4096 headers"), "{error}");
}
