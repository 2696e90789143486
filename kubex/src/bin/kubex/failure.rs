//! What failed: the words on standard error, the place in its file, and the exit status.

use std::io;
use std::process::ExitCode;

use kubex::text::clean_line;
use kubex::{Error, ErrorKind, ExposeSecret as _};

use crate::excerpt::{Excerpt, Rules};
use crate::say::say;
use crate::session::Session;
use crate::status;
use crate::style::Style;

/// The largest file of which a line is shown.
const LARGEST_FILE: usize = 64 * 1024 * 1024;

/// Why a subcommand ended without doing what it was asked for.
#[derive(Debug)]
pub(crate) enum Failure {
    /// What Kubex says.
    Error(Box<Error>),
    /// The command was asked for something that it does not do, or the server answered with something else. The
    /// words are clean.
    Told {
        /// What failed and why.
        words: String,
        /// One thing to do.
        help: Option<String>,
        /// The exit status.
        status: u8,
    },
    /// The output could not be written.
    Output(io::Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Error(Box::new(error))
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

impl Failure {
    /// A failure in the command's own words.
    pub(crate) fn told(status: u8, words: impl Into<String>) -> Self {
        Self::Told {
            words: words.into(),
            help: None,
            status,
        }
    }

    /// One thing to do about it.
    pub(crate) fn with_help(mut self, text: impl Into<String>) -> Self {
        if let Self::Told { help, .. } = &mut self {
            *help = Some(text.into());
        }
        self
    }

    /// Says it on standard error.
    pub(crate) async fn tell(self, session: &Session) -> ExitCode {
        let style = Style::of_standard_error(&session.host);
        match self {
            Self::Error(error) => {
                for problem in error.problems() {
                    tell_problem(problem, style, session).await;
                }
                ExitCode::from(status::of(error.kind().class()))
            }
            Self::Told { words, help, status } => {
                say(&format!("{} {words}", style.error("error:")));
                if let Some(help) = help {
                    say(&format!("  help: {help}"));
                }
                ExitCode::from(status)
            }
            // Whoever reads the output has had enough of it.
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
            Self::Output(error) => {
                let reason = error.to_string();
                say(&format!(
                    "{} cannot write the output: {}",
                    style.error("error:"),
                    clean_line(&reason)
                ));
                ExitCode::from(status::REQUEST_FAILED)
            }
        }
    }
}

/// One problem: what failed, where, the line it is on, and what to do.
async fn tell_problem(problem: &Error, style: Style, session: &Session) {
    let source = problem.source_name();
    let source = source.map(|source| format!("{source}: ")).unwrap_or_default();
    say(&format!(
        "{} {source}{}",
        style.error("error:"),
        problem.message()
    ));
    if let Some(origin) = problem.origin() {
        say(&format!("  at: {origin}"));
    }
    if let Some(excerpt) = excerpt(problem, session).await {
        say(&excerpt.render(style));
    }
    if let Some(help) = problem.help() {
        say(&format!("  help: {help}"));
    }
}

async fn excerpt(problem: &Error, session: &Session) -> Option<Excerpt> {
    let origin = problem.origin()?;
    let (path, position) = (origin.path()?, origin.line_and_column()?);
    let content = session.host.files().read(path, LARGEST_FILE).await.ok()?;
    // A text in UTF-16 has no excerpt; its line and column are told.
    let text = std::str::from_utf8(content.expose_secret()).ok()?;
    let names = |key: &str| {
        problem.message().contains(&format!("\"{key}\"")) || origin.keys().rsplit('.').next() == Some(key)
    };
    let rules = Rules {
        is_toml: path.extension().is_some_and(|extension| extension == "toml"),
        is_parsed: problem.kind() != ErrorKind::MalformedDocument,
        names: &names,
    };
    Excerpt::of(text, position, &rules)
}
