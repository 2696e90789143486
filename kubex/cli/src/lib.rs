//! The command `kubex`: shows which Kubernetes API server a program on this machine talks to, as whom, and why.
//!
//! The binary of this crate contains the built-in providers. For a command with other providers, write a program that links
//! their crates:
//!
//! ```no_run
//! # #[cfg(any())]
//! use my_provider as _;
//!
//! fn main() -> std::process::ExitCode {
//!     kubex_cli::main()
//! }
//! ```
//!
//! Results go to stdout, messages to stderr. The exit status shows the kind of failure. The pages `docs/command.md` and
//! `docs/ids.md` of the repository describe the subcommands, the JSON keys and the exit statuses.

// Each module uses only those above it.
mod output;
mod snippet;
mod view;

mod completion;

mod failure;
mod session;
mod signals;

mod subcommand;

mod kubectl;

mod arguments;

use std::process::ExitCode;

// Its registration is submitted when it is linked.
#[cfg(feature = "service-account")]
use kubex_service_account as _;

use crate::arguments::Arguments;
use crate::failure::Failure;
use crate::session::Session;
use crate::signals::Signals;

/// The excerpt of a line, for the fuzz target that searches it for secrets; cargo-fuzz sets this condition.
#[cfg(fuzzing)]
#[doc(hidden)]
pub fn snippet(content: &[u8], format: kubex_document::Format, position: (u32, u32)) -> Option<String> {
    let content = content.to_vec().into();
    let snippet = snippet::Snippet::new(&content, format, position, &|_| false)?;
    Some(snippet.render(output::Style::PLAIN))
}

/// How many descriptors a runtime and its signals need, in pairs.
#[cfg(unix)]
const PAIRS_OF_A_RUNTIME: usize = 4;

/// Checks that descriptors are left for a runtime.
#[cfg(unix)]
fn has_descriptors() -> std::io::Result<()> {
    let pairs: std::io::Result<Vec<_>> = (0..PAIRS_OF_A_RUNTIME)
        .map(|_| std::os::unix::net::UnixStream::pair())
        .collect();
    pairs.map(drop)
}

#[cfg(not(unix))]
fn has_descriptors() -> std::io::Result<()> {
    Ok(())
}

/// Runs the command on this process's arguments, environment and streams, and returns its exit status.
pub fn main() -> ExitCode {
    #[cfg(target_os = "linux")]
    if kubex_exec::watch_plugin() {
        return ExitCode::SUCCESS;
    }
    // A credential in the store needs neither the configuration nor a runtime.
    if let Some(status) = subcommand::exec::try_hit() {
        return status;
    }
    if let Some(status) = completion::run(arguments::grammar) {
        return status;
    }
    let arguments = match Arguments::read() {
        Ok(arguments) => arguments,
        Err(status) => return status,
    };
    // Only what fetches a credential or sends a request gets a runtime that can open sockets and start processes.
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    if arguments.subcommand.is_online() {
        runtime.enable_all();
    } else {
        runtime.enable_time();
    }
    let session = Session::new(arguments.flags);
    // For its signals, tokio opens descriptors, and panics without them.
    let checked = if arguments.subcommand.is_online() {
        has_descriptors()
    } else {
        Ok(())
    };
    let runtime = match checked.and_then(|()| runtime.build()) {
        Ok(runtime) => runtime,
        Err(error) => return Failure::cannot_start(&error),
    };
    let signals = arguments.subcommand.is_online().then(|| {
        kubex_exec::adopt_orphans();
        Signals::catch(session.host.plugin_rules().time_to_end())
    });
    let give_way = || {
        if let Some(signals) = &signals {
            signals.give_way();
        }
    };
    let status = runtime.block_on(async {
        match arguments.subcommand.run(&session, arguments::grammar).await {
            Ok(()) => ExitCode::SUCCESS,
            Err(failure) => {
                give_way();
                failure.print(&session.host).await
            }
        }
    });
    // Ends the plugins that still run. A blocking call that hangs does not keep the command from exiting.
    runtime.shutdown_background();
    give_way();
    status
}
