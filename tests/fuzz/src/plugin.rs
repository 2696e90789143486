//! The answers of exec plugins: whatever one prints on both streams, what it knew is not shown.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use kubex_core::host::{Exit, ProcessError, ProcessOutput, SimulatedHost};
use kubex_core::options::{Value, ValueKind};
use kubex_core::{Chain, Options, Origin, Registry, Source};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::now;

/// What the plugin receives in a variable, and what a template prints.
const SECRET: &str = "Zq7-canary_Wx8/canary+Er9";

/// A part of the secret of this length shows it.
const PART: usize = 8;

/// Separates the first byte, stdout and stderr of the input.
const SEPARATOR: char = '\u{1}';

/// Runs a plugin that prints what the input says, in which control characters stand for spellings of the secret.
pub fn assert_hides_what_the_plugin_knew(bytes: &[u8]) {
    let Some((first, rest)) = bytes.split_first() else {
        return;
    };
    let text = String::from_utf8_lossy(rest);
    let (output, error) = text.split_once(SEPARATOR).unwrap_or((&text, ""));
    let (exit, output, error) = (exit(*first), with_secrets(output), with_secrets(error));
    let shown = run(exit, output.clone(), error.clone());
    for hidden in hidden_spellings() {
        assert!(
            !shown.contains(&hidden),
            "{hidden} in\n{shown}\nstdout: {output}\nstderr: {error}"
        );
    }
}

fn exit(first: u8) -> Option<Exit> {
    match first % 8 {
        0 => None,
        1 => Some(Exit::Signal(9)),
        2 | 3 => Some(Exit::Status(1)),
        _ => Some(Exit::Status(0)),
    }
}

/// Replaces U+0002 to U+0008 with spellings of the secret. A part of an unknown word would be no secret to anything.
fn with_secrets(text: &str) -> String {
    let spellings = spellings();
    let mut written = String::new();
    for c in text.chars() {
        match (c as usize).checked_sub(2).and_then(|index| spellings.get(index)) {
            Some(spelling) => written.push_str(spelling),
            None => written.push(c),
        }
    }
    written
}

/// The secret as it is, percent-encoded, within JSON, and in base64 at each alignment.
fn spellings() -> [String; 7] {
    let percent = SECRET.bytes().fold(String::new(), |mut text, byte| {
        let _ = if byte.is_ascii_alphanumeric() {
            write!(text, "{}", char::from(byte))
        } else {
            write!(text, "%{byte:02X}")
        };
        text
    });
    [
        SECRET.to_owned(),
        percent,
        SECRET.replace('/', "\\/"),
        BASE64_STANDARD.encode(SECRET),
        BASE64_STANDARD.encode(format!("x{SECRET}")),
        BASE64_STANDARD.encode(format!("xy{SECRET}")),
        BASE64_URL_SAFE_NO_PAD.encode(SECRET),
    ]
}

/// Parts of each spelling, from its middle, so that they do not depend on what stands around the secret.
fn hidden_spellings() -> impl Iterator<Item = String> {
    spellings().into_iter().map(|spelling| {
        let start = (spelling.len() - PART) / 2;
        spelling.chars().skip(start).take(PART).collect()
    })
}

/// Everything that is shown of one run: its error or its credential, and the events.
fn run(exit: Option<Exit>, output: String, error: String) -> String {
    let world = SimulatedHost::new();
    world.set_variable("PATH", "/usr/bin");
    world.install_program("/usr/bin/login");
    world.run_processes(move |_| {
        let (output, error) = (
            output.clone().into_bytes().into(),
            error.clone().into_bytes().into(),
        );
        match exit {
            Some(exit) => Ok(ProcessOutput { exit, output, error }),
            None => Err(ProcessError::TimedOut { output, error }),
        }
    });
    let shown = Shown::default();
    let listening = tracing::subscriber::set_default(Events(shown.clone()));
    match now(credential(&world)) {
        Ok(text) => shown.add(&text),
        Err(error) => {
            shown.add(&format!(
                "{error} {error:#} {error:?} {error:#?} {:?}",
                error.report()
            ));
            let mut cause = std::error::Error::source(&error);
            while let Some(next) = cause {
                shown.add(&format!("{next} {next:?}"));
                cause = next.source();
            }
        }
    }
    drop(listening);
    shown.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

async fn credential(world: &SimulatedHost) -> kubex_core::Result<String> {
    let variable: ValueKind = vec![
        ("name".to_owned(), Value::new("LOGIN_TOKEN", Origin::code())),
        ("value".to_owned(), Value::new(SECRET, Origin::code())),
    ]
    .into();
    let options = Options::new()
        .set("server", "https://10.0.0.1")
        .set("command", "login")
        .set("env", vec![variable]);
    let chain = Chain::builder(Registry::from_registrations([&kubex_exec::REGISTRATION])?)
        .host(world.host())
        .source(Source::new("source").provider("exec").options(options))
        .build()?;
    let configuration = chain.resolve().await?;
    let credential = configuration.credentials().current().await;
    let credential = credential.map(|credential| format!("{credential:?} {credential:#?}"));
    Ok(format!("{configuration} {configuration:#?} {}", credential?))
}

/// A text that grows.
#[derive(Clone, Default)]
struct Shown(Arc<Mutex<String>>);

impl Shown {
    fn add(&self, text: &str) {
        let mut shown = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        shown.push_str(text);
        shown.push('\n');
    }
}

/// Adds the fields of each event.
struct Events(Shown);

impl Subscriber for Events {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        event.record(&mut Fields(&self.0));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Fields<'a>(&'a Shown);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0.add(&format!("{}={value:?}", field.name()));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.add(&format!("{}={value}", field.name()));
    }
}
