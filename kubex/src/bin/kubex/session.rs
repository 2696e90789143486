//! What a run of the command has at hand: the flags, the host, and both streams.

use std::io::{self, IsTerminal as _, Write as _};

use kubex::host::Terminal;
use kubex::{Chain, ClientConfiguration, Host, Resolution, registry};

use crate::failure::Failure;
use crate::flags::Flags;
use crate::style::Style;

/// One run of the command.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) flags: Flags,
    pub(crate) host: Host,
}

impl Session {
    pub(crate) fn new(flags: Flags) -> Self {
        Self {
            flags,
            // Nothing here reads standard input, so a plugin may ask its user there.
            host: Host::real().with_terminal(Terminal::standard_input()),
        }
    }

    /// The chain that the flags describe: the default one, or the kubeconfig alone where they choose something of it.
    /// With a context that was asked for by name, the pod's identity would be somebody else's.
    pub(crate) fn chain(&self) -> kubex::Result<Chain> {
        let chain = match self.flags.kubeconfig_options() {
            Some(options) => Chain::builder(registry()?).configured("kubeconfig", "kubeconfig", options)?,
            None => kubex::default_chain()?,
        };
        Ok(chain
            .host(self.host.clone())
            .overrides(self.flags.overrides())?
            .build())
    }

    /// What the chain answers.
    pub(crate) async fn resolve(&self) -> kubex::Result<Resolution> {
        self.chain()?.resolve().await
    }

    /// The same for a subcommand that goes on with the answer: what its user should know is said first.
    pub(crate) async fn resolve_and_warn(&self) -> Result<ClientConfiguration, Failure> {
        let configuration = self.resolve().await?.configuration;
        let style = Style::of_standard_error(&self.host);
        for warning in configuration.warnings() {
            say(&format!("{} {warning}", style.warning("warning:")));
        }
        Ok(configuration)
    }

    /// Prints data that is clean already.
    #[expect(clippy::unused_self, reason = "the streams are the session's")]
    pub(crate) fn print(&self, text: &str) -> Result<(), Failure> {
        Ok(io::stdout().lock().write_all(text.as_bytes())?)
    }

    /// Whether a person reads the data.
    #[expect(clippy::unused_self, reason = "the streams are the session's")]
    pub(crate) fn prints_to_a_terminal(&self) -> bool {
        io::stdout().is_terminal()
    }
}

/// Says words on standard error. Somebody who has closed it hears nothing.
pub(crate) fn say(words: &str) {
    let _ = writeln!(io::stderr().lock(), "{words}");
}
