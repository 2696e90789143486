//! The plugins that are linked into the program, by name.
//!
//! A plugin crate submits its [`Registration`] through [`register!`](crate::register), which builds on
//! `inventory`. The linker drops a dependency that no path names, and its submission with it, in every
//! profile; so a program names the crate once, `use that_crate as _;`, and a facade unites its built-ins'
//! statics with what was submitted ([`Registry::linked_with`]). Registering never activates a provider: a
//! chain does.

mod registration;
mod with_cluster;

use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result};
use crate::options::Options;
use crate::provider::CredentialProvider;
use crate::source::CredentialSource;
use crate::text::{clean_line, nearest};

pub use registration::{BuildContext, FromOptions, Registration};

/// What [`register!`](crate::register) submits to `inventory`.
#[doc(hidden)]
#[derive(Debug)]
pub struct Submission(pub &'static Registration);

inventory::collect!(Submission);

/// Declares a plugin's [`Registration`] and submits it to the registry.
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

/// The plugins of a program, sorted by name. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Registry {
    registrations: Arc<[&'static Registration]>,
}

impl Registry {
    /// The plugins that were submitted by crates that are linked in.
    ///
    /// # Errors
    /// `DuplicateProvider` where two of them claim one name.
    pub fn linked() -> Result<Self> {
        Self::linked_with(&[])
    }

    /// The same, united with these, so that the linker cannot have dropped them. One that is submitted as well
    /// counts once.
    ///
    /// # Errors
    /// `DuplicateProvider` where two different ones claim one name; the error names both crates.
    pub fn linked_with(built_in: &[&'static Registration]) -> Result<Self> {
        let submitted = inventory::iter::<Submission>
            .into_iter()
            .map(|submission| submission.0);
        Self::from_registrations(built_in.iter().copied().chain(submitted))
    }

    /// These plugins and no others.
    ///
    /// # Errors
    /// `DuplicateProvider` where two different ones claim one name; the error names both crates.
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
                .with_help("unlink one of the two crates"));
            }
        }
        Ok(Self {
            registrations: sorted.into(),
        })
    }

    /// The registrations, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = &'static Registration> {
        self.registrations.iter().copied()
    }

    /// The registration of that name.
    ///
    /// # Errors
    /// `UnknownProvider`, with the names there are and how to link another.
    pub fn get(&self, name: &str) -> Result<&'static Registration> {
        self.iter()
            .find(|registration| registration.name() == name)
            .ok_or_else(|| self.unknown(name))
    }

    /// Builds a provider from its options; one that knows an identity alone takes the cluster's options too.
    ///
    /// # Errors
    /// `UnknownProvider`, or what the options have wrong.
    pub fn provider(&self, name: &str, options: Options) -> Result<Arc<dyn CredentialProvider>> {
        self.get(name)?.build_provider(options, self)
    }

    /// Builds the credential source of that name, for a provider that knows its cluster itself.
    ///
    /// # Errors
    /// `UnknownProvider`, also where the plugin of that name is no source; or what the options have wrong. Never
    /// `NotConfigured`: a source that was named must be there.
    pub fn source(&self, name: &str, options: &Options) -> Result<Arc<dyn CredentialSource>> {
        let built = self.get(name)?.build_source(options, self).unwrap_or_else(|| {
            Err(Error::new(
                ErrorKind::UnknownProvider,
                format_args!("the provider \"{name}\" brings its own cluster, so it cannot be a user's credential source"),
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
                "no provider \"{}\" is linked into this program; linked are: {listed}",
                clean_line(name)
            ),
        );
        match nearest(name, &known) {
            Some(near) => error.with_help(format_args!("did you mean \"{near}\"?")),
            None => error.with_help(format_args!(
                "name the crate that registers \"{}\" in the program, as a dependency alone is not linked: \
                 use that_crate as _; for one of Kubex's own, enable the cargo feature of that name",
                clean_line(name)
            )),
        }
    }
}
