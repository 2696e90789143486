//! The registry: the providers that are linked into the program, by name.
//!
//! A provider crate submits its [`Registration`] with [`register!`](crate::register), which is built on `inventory`.
//! The linker drops a dependency that no code refers to, and its registration too. A program therefore refers to each
//! provider crate once, with `use that_crate as _;`. A facade passes the statics of its built-in providers to
//! [`Registry::linked_with`]. A registered provider is only used if a chain refers to it.
//!
//! The registry is a value and not a global, so a test can build one with only the providers that it needs. If two
//! different providers are registered with the same name, the error contains the names of both crates.
//!
//! ```
//! use kubex_core::Registry;
//!
//! let registry = Registry::from_registrations([])?;
//! let error = registry.get("vault").unwrap_err();
//! assert!(error.to_string().contains("no provider \"vault\" is linked into this program"));
//! # Ok::<(), kubex_core::Error>(())
//! ```

mod registration;
mod replacement;
mod with_cluster;

use std::sync::Arc;

use crate::credential::ClientCertificate;
use crate::error::{Error, ErrorKind, Result};
use crate::host::ProgramRunner;
use crate::options::Options;
use crate::provider::CredentialProvider;
use crate::source::CredentialSource;
use crate::text::{clean_line, nearest};

pub use registration::{BuildContext, FromOptions, Registration};
pub use replacement::{PluginCall, ReplacePlugin, Replacement, check_plugin_environment};

/// The item that [`register!`](crate::register) submits to `inventory`.
#[doc(hidden)]
#[derive(Debug)]
pub struct Submission(pub &'static Registration);

inventory::collect!(Submission);

/// Declares the [`Registration`] of a provider and submits it to the registry.
///
/// ```
/// use async_trait::async_trait;
/// use kubex_core::{BuildContext, Credential, CredentialSource, FetchRequest, FromOptions, Registration, Result};
///
/// #[derive(serde::Deserialize, schemars::JsonSchema)]
/// #[serde(rename_all = "kebab-case", deny_unknown_fields)]
/// struct VaultOptions { role: String }
///
/// #[derive(Debug)]
/// struct Vault { role: String }
///
/// impl FromOptions for Vault {
///     type Options = VaultOptions;
///     fn from_options(options: VaultOptions, _: &BuildContext<'_>) -> Result<Self> {
///         Ok(Self { role: options.role })
///     }
/// }
///
/// #[async_trait]
/// impl CredentialSource for Vault {
///     async fn fetch(&self, _: FetchRequest<'_>) -> Result<Credential> {
///         Credential::bearer(format!("token-of-{}", self.role).into())
///     }
///     fn describe(&self) -> String { format!("vault role {}", self.role) }
/// }
///
/// kubex_core::register! {
///     /// Tokens from the company's vault.
///     pub static REGISTRATION = Registration::source::<Vault>("vault", "tokens from the company's vault");
/// }
/// # fn main() { assert_eq!(REGISTRATION.name(), "vault"); }
/// ```
#[macro_export]
macro_rules! register {
    ($(#[$attribute:meta])* $visibility:vis static $name:ident = $registration:expr;) => {
        $(#[$attribute])*
        $visibility static $name: $crate::Registration =
            $registration.from_crate(::core::env!("CARGO_PKG_NAME"), ::core::env!("CARGO_PKG_VERSION"));

        $crate::__private::inventory::submit! { $crate::__private::Submission(&$name) }
    };
}

/// The registered providers of a program, sorted by name. It is cheap to clone.
#[derive(Clone, Debug)]
pub struct Registry {
    registrations: Arc<[&'static Registration]>,
    check_pair: Option<PairCheck>,
}

/// A function that checks that the program's TLS library accepts a client certificate and its key. It must not open a
/// connection. Pass it to [`Registry::with_pair_check`].
pub type PairCheck = fn(&ClientCertificate) -> Result<()>;

impl Registry {
    /// Returns a registry of the providers that the linked crates have submitted with [`register!`](crate::register).
    ///
    /// # Errors
    /// Returns [`ErrorKind::DuplicateProvider`] if two of them have the same name.
    pub fn linked() -> Result<Self> {
        Self::linked_with(&[])
    }

    /// Returns a registry of the providers that the linked crates have submitted, and of the providers in `built_in`. The
    /// linker keeps the latter, because this call refers to them. A provider in both groups counts once.
    ///
    /// # Errors
    /// Returns [`ErrorKind::DuplicateProvider`] if two different providers have the same name. The error contains the
    /// names of both crates.
    pub fn linked_with(built_in: &[&'static Registration]) -> Result<Self> {
        let submitted = inventory::iter::<Submission>
            .into_iter()
            .map(|submission| submission.0);
        Self::from_registrations(built_in.iter().copied().chain(submitted))
    }

    /// Creates a registry of these providers only. Submitted providers are ignored.
    ///
    /// ```
    /// use kubex_core::{ErrorKind, Registry};
    ///
    /// let registry = Registry::from_registrations([])?; // for a test without providers
    /// assert_eq!(registry.get("kubeconfig").unwrap_err().kind(), ErrorKind::UnknownProvider);
    /// # Ok::<(), kubex_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// Returns [`ErrorKind::DuplicateProvider`] if two different providers have the same name. The error contains the
    /// names of both crates.
    pub fn from_registrations(
        registrations: impl IntoIterator<Item = &'static Registration>,
    ) -> Result<Self> {
        let mut sorted: Vec<&'static Registration> = registrations.into_iter().collect();
        sorted.sort_by_key(|registration| (registration.name(), std::ptr::from_ref(*registration) as usize));
        sorted.dedup_by(|one, other| std::ptr::eq(*one, *other));
        for pair in sorted.windows(2) {
            if let [one, other] = pair
                && one.name() == other.name()
            {
                return Err(Error::new(
                    ErrorKind::DuplicateProvider,
                    format_args!(
                        "two providers are registered as \"{}\": one by {} {}, one by {} {}",
                        one.name(),
                        one.crate_name(),
                        one.crate_version(),
                        other.crate_name(),
                        other.crate_version()
                    ),
                )
                .with_help("remove one of the two crates from the program"));
            }
        }
        Ok(Self {
            registrations: sorted.into(),
            check_pair: None,
        })
    }

    /// Sets a function that checks each client certificate and its key while a chain is resolved. Without it, some pairs that
    /// do not match are found only at the first connection, because this crate uses no TLS library.
    #[must_use]
    pub fn with_pair_check(mut self, check: PairCheck) -> Self {
        self.check_pair = Some(check);
        self
    }

    /// Checks a client certificate with the program's TLS library, if it is known.
    pub(crate) fn check_pair(&self, certificate: &ClientCertificate) -> Result<()> {
        self.check_pair.map_or(Ok(()), |check| check(certificate))
    }

    /// Iterates over the registrations, sorted by name.
    ///
    /// ```
    /// use kubex_core::Registry;
    ///
    /// for registration in Registry::linked()?.iter() {
    ///     println!("{}: {}", registration.name(), registration.summary());
    /// }
    /// # Ok::<(), kubex_core::Error>(())
    /// ```
    pub fn iter(&self) -> impl Iterator<Item = &'static Registration> {
        self.registrations.iter().copied()
    }

    /// Returns the registration of the provider with this name.
    ///
    /// # Errors
    /// Returns [`ErrorKind::UnknownProvider`] if there is none. The error lists the known names and explains how to
    /// link a provider crate.
    pub fn get(&self, name: &str) -> Result<&'static Registration> {
        self.iter()
            .find(|registration| registration.name() == name)
            .ok_or_else(|| self.unknown(name))
    }

    /// Returns the runner through which providers run other programs. `None` if no linked provider [has
    /// one](Registration::runs_programs); in that case, Kubex cannot start a process.
    pub fn program_runner(&self) -> Option<&'static dyn ProgramRunner> {
        self.iter().find_map(Registration::program_runner)
    }

    /// Builds a provider from its options. If it is registered as a [`CredentialSource`], the options may also contain
    /// [those of the cluster](crate::options::ClusterOptions::KEYS).
    ///
    /// # Errors
    /// - [`ErrorKind::UnknownProvider`]: no provider has this name.
    /// - Any error of the provider about its options.
    pub fn provider(&self, name: &str, options: Options) -> Result<Arc<dyn CredentialProvider>> {
        self.get(name)?.build_provider(options, self)
    }

    /// Builds the credential source of the provider with this name. A provider that finds the cluster itself calls this
    /// method to get a credential source for the identity.
    ///
    /// # Errors
    /// - [`ErrorKind::UnknownProvider`]: no provider has this name, or it is not registered as a [`CredentialSource`].
    /// - Any error of the provider about its options. `NotConfigured` becomes `Unavailable`, because a source that
    ///   another one refers to must exist.
    pub fn source(&self, name: &str, options: &Options) -> Result<Arc<dyn CredentialSource>> {
        self.source_from(name, options.clone())
    }

    /// Builds the credential source with this name, as [`source`](Self::source) does.
    pub(crate) fn source_from(&self, name: &str, options: Options) -> Result<Arc<dyn CredentialSource>> {
        let built = self.get(name)?.build_source(options, self).unwrap_or_else(|| {
            Err(Error::new(
                ErrorKind::UnknownProvider,
                format_args!(
                    "the provider \"{name}\" cannot be used as a credential only: it also chooses the cluster"
                ),
            ))
        });
        built.map_err(Error::as_failure)
    }

    fn unknown(&self, name: &str) -> Error {
        let known: Vec<_> = self.iter().map(Registration::name).collect();
        let listed = if known.is_empty() {
            "none".to_owned()
        } else {
            known.join(", ")
        };
        let error = Error::new(
            ErrorKind::UnknownProvider,
            format_args!(
                "no provider \"{}\" is linked into this program; linked providers: {listed}",
                clean_line(name)
            ),
        );
        match nearest(name, &known) {
            Some(near) => error.with_help(format_args!("did you mean \"{near}\"?")),
            None => error.with_help(format_args!(
                "if the provider belongs to Kubex, enable its cargo feature; if not, add `use that_crate as _;` with the \
                 crate that registers \"{}\", and check that `cargo tree -i kubex-core` prints one tree, not \
                 \"ambiguous\"; for the command kubex, see \"With your own providers\" in docs/command.md",
                clean_line(name)
            )),
        }
    }
}
