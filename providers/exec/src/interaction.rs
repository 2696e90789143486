//! Decides whether the plugin gets the terminal.
//!
//! The decision is made before every run, by the rules of client-go (plugin/pkg/client/auth/exec/exec.go):
//!
//! | mode | standard input is a terminal | handed over | result |
//! |---|---|---|---|
//! | `Never` | | | runs without it |
//! | `IfAvailable` | yes | yes | runs with it |
//! | `IfAvailable` | no, or not handed over | | runs without it |
//! | `Always` | no | | error: not a terminal |
//! | `Always` | yes | in use by something else | error: unavailable |
//! | `Always` | yes | yes | runs with it |
//!
//! Any other mode is refused when the options are read.

use kubex_core::host::{Terminal, TerminalHold};
use kubex_core::{Error, ErrorKind, Host, Result};

use crate::options::InteractiveMode;

/// The terminal for a run in this mode.
///
/// # Errors
/// `Unsupported` if the plugin needs a terminal and there is none, with client-go's message.
pub(crate) fn terminal(mode: InteractiveMode, host: &Host) -> Result<Option<&Terminal>> {
    let terminal = host.terminal().filter(|terminal| terminal.is_terminal());
    let why_not = terminal.and_then(Terminal::why_unavailable);
    match (mode, terminal, why_not) {
        (InteractiveMode::IfAvailable | InteractiveMode::Always, Some(terminal), None) => Ok(Some(terminal)),
        (InteractiveMode::Always, None, _) => Err(refused("standard input is not a terminal")),
        (InteractiveMode::Always, Some(_), Some("")) => Err(refused("standard input is unavailable")),
        (InteractiveMode::Always, Some(_), Some(why)) => {
            Err(refused(&format!("standard input is unavailable: {why}")))
        }
        (InteractiveMode::Never | InteractiveMode::IfAvailable, ..) => Ok(None),
    }
}

fn refused(why: &str) -> Error {
    Error::new(
        ErrorKind::Unsupported,
        format_args!("exec plugin cannot support interactive mode: {why}"),
    )
    .with_help("run this program in a terminal, or set the interactive mode to IfAvailable or Never")
}

/// Waits for the terminal, at most as long as another plugin may hold it.
pub(crate) async fn hold(terminal: &Terminal, host: &Host) -> Result<TerminalHold> {
    let limit = host.plugin_rules().time_for(true);
    host.within(limit, terminal.hold()).await.map_err(|_| {
        Error::new(
            ErrorKind::TimedOut,
            format_args!(
                "exec plugin was not started: another plugin did not release the terminal within {} s",
                limit.as_secs_f32()
            ),
        )
        .with_help("answer the other plugin's question")
    })
}
