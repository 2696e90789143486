//! What kubeconfigs of 64 MiB that are made to hurt cost: processor time, memory, and how long they hold an async worker.
//!
//! `cargo bench -p kubex-benches --bench hostile`, or with `-- --short` only the kinds that cost the most. A document that is
//! refused counts as one that is read. Linux only, for the figures of the process.

#[allow(
    clippy::format_push_string,
    dead_code,
    unreachable_pub,
    reason = "the generator of the suite"
)]
#[path = "../../tests/hostile_documents/documents.rs"]
mod documents;

use std::time::Duration;

use documents::{Form, KINDS, document};
use kubex_benches::is_short;
use rustix::time::{ClockId, clock_gettime};

const MIB: usize = 1024 * 1024;

/// The kubeconfig's limit, less the ends that a generator adds.
const SIZE: usize = 64 * MIB - 5000;

/// The most processor time of one document.
const MOST_TIME: Duration = Duration::from_secs(2);

/// The most memory of the process, as a multiple of the document, which is a part of it.
const MOST_MEMORY: f64 = 3.0;

/// The longest that a document holds the async worker that asked for it.
const MOST_ON_WORKER: Duration = Duration::from_millis(2);

const FORMS: [Form; 3] = [Form::Block, Form::Flow, Form::Json];

/// What a short run measures.
const SHORT: &[(&str, Form)] = &[
    ("users", Form::Flow),
    ("unknown keys", Form::Flow),
    ("keys that are almost fields", Form::Json),
    ("as-user-extra", Form::Json),
    ("args", Form::Flow),
    ("aliases", Form::Block),
    ("long names", Form::Block),
    ("a certificate", Form::Json),
];

/// What one document costs.
#[derive(Clone, Copy, Debug)]
struct Cost {
    time: Duration,
    on_worker: Duration,
    memory: f64,
}

impl Cost {
    fn is_within_bounds(self) -> bool {
        self.time < MOST_TIME && self.on_worker < MOST_ON_WORKER && self.memory < MOST_MEMORY
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(at) = arguments.iter().position(|argument| argument == "--one") {
        let (kind, form) = (&arguments[at + 1], &arguments[at + 2]);
        return measure_one(kind, form);
    }
    println!(
        "| document of 64 MiB | form | processor time | memory, in documents | on the worker | result |"
    );
    println!("|---|---|---|---|---|---|");
    let mut beyond = 0;
    for (name, _) in KINDS {
        for form in FORMS {
            if is_short() && !SHORT.contains(&(name, form)) {
                continue;
            }
            let (mut cost, mut result) = in_a_process(name, form);
            // Other work on the machine costs time, too.
            for _ in 0..2 {
                if !cost.is_within_bounds() {
                    (cost, result) = in_a_process(name, form);
                }
            }
            let mark = if cost.is_within_bounds() { "" } else { " BEYOND" };
            beyond += usize::from(!cost.is_within_bounds());
            println!(
                "| {name} | {form:?} | {:.2} s | {:.2} | {:.2} ms | {result}{mark} |",
                cost.time.as_secs_f64(),
                cost.memory,
                cost.on_worker.as_secs_f64() * 1e3
            );
        }
    }
    assert_eq!(beyond, 0, "documents beyond a bound");
}

/// Measures one document in a process of its own, because an allocator keeps memory of earlier documents.
fn in_a_process(kind: &str, form: Form) -> (Cost, String) {
    let program = std::env::current_exe().expect("this program has a path");
    let output = std::process::Command::new(program)
        .args(["--one", kind, &format!("{form:?}")])
        .output()
        .expect("this program starts again");
    assert!(output.status.success(), "{kind} {form:?}: {output:?}");
    let text = String::from_utf8(output.stdout).expect("text");
    let fields: Vec<&str> = text.trim_end().splitn(4, '\t').collect();
    let number = |at: usize| fields[at].parse::<f64>().expect("a number");
    let cost = Cost {
        time: Duration::from_secs_f64(number(0)),
        memory: number(1),
        on_worker: Duration::from_secs_f64(number(2)),
    };
    (cost, fields[3].to_owned())
}

fn measure_one(kind: &str, form: &str) {
    let (_, kind) = KINDS.iter().find(|(name, _)| *name == kind).expect("a kind");
    let form = FORMS.iter().find(|known| format!("{known:?}") == form);
    let (cost, result) = measured(document(*kind, *form.expect("a form"), SIZE));
    let (time, on_worker) = (cost.time.as_secs_f64(), cost.on_worker.as_secs_f64());
    println!("{time}\t{}\t{on_worker}\t{result}", cost.memory);
}

fn measured(mut text: String) -> (Cost, String) {
    // The worker is this thread, whose own clock tells how long it is held. Dropping the runtime waits for the other threads.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime starts");
    text.shrink_to_fit();
    let length = text.len();
    let bytes = text.into_bytes();
    forget_peak();
    let begun = clock(ClockId::ProcessCPUTime);
    let worker_begun = clock(ClockId::ThreadCPUTime);
    let resolved = runtime.block_on(async {
        let builder = kubex::configure_from_kubeconfig().bytes(bytes).trusted(true);
        builder.await
    });
    let on_worker = clock(ClockId::ThreadCPUTime).saturating_sub(worker_begun);
    drop(runtime);
    let time = clock(ClockId::ProcessCPUTime).saturating_sub(begun);
    let memory = peak() as f64 / length as f64;
    let result = match resolved {
        Ok(_) => "read".to_owned(),
        Err(error) => error.message().chars().take(80).collect(),
    };
    let cost = Cost {
        time,
        on_worker,
        memory,
    };
    (cost, result)
}

fn clock(clock: ClockId) -> Duration {
    clock_gettime(clock)
        .try_into()
        .expect("a time that is not negative")
}

/// Lets the peak of the process begin again at what it has now.
fn forget_peak() {
    std::fs::write("/proc/self/clear_refs", "5").expect("the process may reset its own peak");
}

/// The most memory that the process had, in bytes.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("the state of this process");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kibibytes.expect("a peak") * 1024
}
