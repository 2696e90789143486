//! The identity of a resolved source.

use std::fmt;
use std::sync::Arc;

use crate::credential::Credential;
use crate::options::Options;
use crate::overrides::replaced;
use crate::source::CredentialSource;
use crate::warning::Warning;

/// The two forms of the client certificate, and those of its key.
pub(crate) const CERTIFICATE_FIELDS: &[&str] = &["client-certificate", "client-certificate-data"];
pub(crate) const KEY_FIELDS: &[&str] = &["client-key", "client-key-data"];

/// The identity of a resolved source: how its credential is obtained.
///
/// | the identity is | created by | an override of one field replaces |
/// |---|---|---|
/// | anonymous | [`anonymous`](Self::anonymous) | the whole identity |
/// | a provider by name, with its options | [`named`](Self::named) | the whole identity |
/// | the fields of a kubeconfig's user, and optionally its plugin | [`from_fields`](Self::from_fields) | this field, as in client-go |
/// | a credential source or a credential | [`from_source`](Self::from_source), [`from_credential`](Self::from_credential) | the whole identity |
///
/// Prefer [`named`](Self::named) and [`from_fields`](Self::from_fields): they consist of options, which can be compared and
/// shared between configurations.
///
/// ```
/// use kubex_core::{Identity, Options};
///
/// // The user of a kubeconfig with a token and a plugin. As in kubectl, the plugin never runs.
/// let token = Options::new().set("token", "abc");
/// let plugin = Options::new().set("command", "aws");
/// let identity = Identity::from_fields(token).with_plugin("exec", plugin);
/// ```
#[derive(Clone)]
pub struct Identity {
    /// Fields of the providers `static` and `token-file`.
    fields: Options,
    /// Whether an override replaces single fields, and not the identity as a whole.
    merges_by_field: bool,
    /// The provider to use if the fields contain no credential.
    plugin: Option<Plugin>,
    notes: Vec<(IdentityNote, Warning)>,
}

#[derive(Clone)]
enum Plugin {
    Named {
        provider: String,
        options: Options,
    },
    /// Already built from these options.
    Built {
        provider: String,
        options: Options,
        source: Arc<dyn CredentialSource>,
    },
    Ready(ReadySource),
}

/// A credential source or a credential that the program has built.
#[derive(Clone, Debug)]
pub(crate) enum ReadySource {
    Source(Arc<dyn CredentialSource>),
    Credential(Credential),
}

/// The condition under which a warning about an identity is reported. It is checked after overrides are merged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IdentityNote {
    /// The identity has a plugin, but its fields contain a credential, so the plugin never runs.
    PluginIgnored,
    /// The identity contains no credential.
    Anonymous,
}

/// The provider of the credential, its options, and the warnings that apply.
pub(crate) struct ChosenIdentity {
    pub(crate) provider: Chosen,
    pub(crate) options: Options,
    pub(crate) warnings: Vec<Warning>,
}

/// The provider of the credential.
pub(crate) enum Chosen {
    Named(String),
    Built(String, Arc<dyn CredentialSource>),
    Ready(ReadySource),
    Anonymous,
}

impl Identity {
    /// Creates an anonymous identity.
    pub fn anonymous() -> Self {
        Self {
            fields: Options::new(),
            merges_by_field: false,
            plugin: None,
            notes: Vec::new(),
        }
    }

    /// Creates an identity from a provider's name and options. The registry builds the credential source.
    pub fn named(provider: &str, options: Options) -> Self {
        Self::anonymous().with_plugin(provider, options)
    }

    /// Creates an identity from the credential fields of a kubeconfig's user: a token, a token file, a user name and a
    /// password, or a client certificate and its key. The provider `static` or `token-file` reads them. Overrides
    /// replace single fields.
    pub fn from_fields(fields: Options) -> Self {
        Self {
            fields,
            merges_by_field: true,
            ..Self::anonymous()
        }
    }

    /// Creates an identity from a credential source. If the source's [`check`](CredentialSource::check) returns
    /// `NotConfigured`, the chain continues with the next source.
    pub fn from_source(source: Arc<dyn CredentialSource>) -> Self {
        Self::anonymous().with(Plugin::Ready(ReadySource::Source(source)))
    }

    /// Uses a credential source that the provider with this name has already built from these options.
    pub(crate) fn from_built(provider: &str, options: Options, source: Arc<dyn CredentialSource>) -> Self {
        Self::anonymous().with(Plugin::Built {
            provider: provider.to_owned(),
            options,
            source,
        })
    }

    /// Creates an identity from a credential that never changes.
    pub fn from_credential(credential: Credential) -> Self {
        Self::anonymous().with(Plugin::Ready(ReadySource::Credential(credential)))
    }

    /// Sets the provider that is used if the fields contain no credential, such as `exec`.
    #[must_use]
    pub fn with_plugin(self, provider: &str, options: Options) -> Self {
        self.with(Plugin::Named {
            provider: provider.to_owned(),
            options,
        })
    }

    fn with(mut self, plugin: Plugin) -> Self {
        self.plugin = Some(plugin);
        self
    }

    /// Adds a warning that is reported only if the condition `note` is met.
    #[must_use]
    pub fn with_note(mut self, note: IdentityNote, warning: Warning) -> Self {
        self.notes.push((note, warning));
        self
    }

    /// Whether an override replaces single fields, and not the identity as a whole.
    pub(crate) fn merges_by_field(&self) -> bool {
        self.merges_by_field
    }

    /// Whether the fields contain this one.
    pub(crate) fn has_field(&self, key: &str) -> bool {
        self.fields.get(key).is_some()
    }

    /// Replaces the fields that the overrides set. An identity that does not merge by field is replaced as a whole.
    pub(crate) fn override_with(&mut self, overrides: &Options) {
        if !self.merges_by_field {
            *self = Self {
                fields: overrides.clone(),
                ..Self::anonymous()
            };
            return;
        }
        let _ = self.fields.split_off(&replaced(overrides));
        for (key, value) in overrides.iter() {
            self.fields.insert(key, value.clone());
        }
    }

    /// Chooses the provider. Fields win over a plugin, as in client-go.
    pub(crate) fn choose(mut self) -> ChosenIdentity {
        let mut warnings = if self.merges_by_field {
            self.drop_unused_fields()
        } else {
            Vec::new()
        };
        if !self.fields.is_empty() {
            if self.plugin.is_some() {
                warnings.extend(self.take_note(IdentityNote::PluginIgnored));
            }
            let provider = if self.fields.get("token-file").is_some() {
                "token-file"
            } else {
                "static"
            };
            return ChosenIdentity {
                provider: Chosen::Named(provider.to_owned()),
                options: self.fields,
                warnings,
            };
        }
        let (provider, options) = match self.plugin.take() {
            Some(Plugin::Named { provider, options }) => (Chosen::Named(provider), options),
            Some(Plugin::Built {
                provider,
                options,
                source,
            }) => (Chosen::Built(provider, source), options),
            Some(Plugin::Ready(source)) => (Chosen::Ready(source), self.fields),
            None => {
                warnings.extend(self.take_note(IdentityNote::Anonymous));
                (Chosen::Anonymous, self.fields)
            }
        };
        ChosenIdentity {
            provider,
            options,
            warnings,
        }
    }

    /// Removes fields that have no effect alone, because client-go ignores them: a key without a certificate, and a password
    /// without a user name. A password beside a token stays, because client-go refuses the two together.
    fn drop_unused_fields(&mut self) -> Vec<Warning> {
        let mut warnings = Vec::new();
        let unused = [
            (
                CERTIFICATE_FIELDS,
                KEY_FIELDS,
                Warning::fixed(
                    "key-without-certificate",
                    "the client key has no certificate and is not used",
                ),
            ),
            (
                &["username", "token"],
                &["password"],
                Warning::fixed(
                    "password-without-username",
                    "the password has no user name and is not used",
                ),
            ),
        ];
        for (needed, fields, warning) in unused {
            if self.fields.has_any(needed) {
                continue;
            }
            let unused = self.fields.split_off(fields);
            if let Some((_, value)) = unused.iter().next() {
                warnings.push(warning.with_origin(value.origin()));
            }
        }
        warnings
    }

    fn take_note(&mut self, wanted: IdentityNote) -> Option<Warning> {
        let at = self.notes.iter().position(|(note, _)| *note == wanted)?;
        Some(self.notes.swap_remove(at).1)
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Identity");
        shown.field("fields", &self.fields);
        match &self.plugin {
            Some(
                Plugin::Named { provider, options }
                | Plugin::Built {
                    provider, options, ..
                },
            ) => shown.field("provider", provider).field("options", options),
            Some(Plugin::Ready(source)) => shown.field("source", source),
            None => &mut shown,
        };
        shown.finish_non_exhaustive()
    }
}
