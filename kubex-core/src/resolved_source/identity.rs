//! Who the requests are made as, before a credential source is built.

use std::fmt;
use std::sync::Arc;

use crate::credential::Credential;
use crate::options::Options;
use crate::source::CredentialSource;
use crate::warning::Warning;

/// The identity fields that go into the `Authorization` header. Overriding one of them replaces all.
pub(crate) const AUTHORIZATION_FIELDS: &[&str] = &["token", "token-file", "username", "password"];

/// The two forms of the client certificate, and those of its key.
pub(crate) const CERTIFICATE_FIELDS: &[&str] = &["client-certificate", "client-certificate-data"];
pub(crate) const KEY_FIELDS: &[&str] = &["client-key", "client-key-data"];

/// An identity as data: fields that are written down, a provider that is named, or a source that code has made.
///
/// | identity | made by | an override of a part of it |
/// |---|---|---|
/// | none | [`anonymous`](Self::anonymous) | replaces it |
/// | a provider and its options | [`named`](Self::named) | replaces it as a whole |
/// | fields of a kubeconfig's user, and the plugin that they may name | [`from_fields`](Self::from_fields) | replaces that part, as client-go merges it |
/// | a credential source | [`from_source`](Self::from_source), [`from_credential`](Self::from_credential) | replaces it as a whole |
#[derive(Clone)]
pub struct Identity {
    /// Fields of the providers `static` and `token-file`.
    fields: Options,
    /// Whether an override replaces a part of the fields, and not the identity as a whole.
    merges_by_field: bool,
    /// The provider that is asked where the fields hold no credential.
    plugin: Option<Plugin>,
    notes: Vec<(IdentityNote, Warning)>,
}

#[derive(Clone)]
enum Plugin {
    Named {
        provider: String,
        options: Options,
    },
    /// Built from these options already.
    Built {
        provider: String,
        options: Options,
        source: Arc<dyn CredentialSource>,
    },
    Ready(ReadySource),
}

/// A credential source that needs no building.
#[derive(Clone, Debug)]
pub(crate) enum ReadySource {
    Source(Arc<dyn CredentialSource>),
    Credential(Credential),
}

/// When a warning about an identity applies. That is decided after overrides were merged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IdentityNote {
    /// The fields hold a credential, so the plugin never runs.
    PluginIgnored,
    /// There is a client key without a certificate. With this note the key is ignored; without it that is an error.
    KeyIgnored,
    /// There is no credential.
    Anonymous,
}

/// The one provider that is asked, and its options.
pub(crate) struct ChosenIdentity {
    pub(crate) provider: Chosen,
    pub(crate) options: Options,
    pub(crate) warnings: Vec<Warning>,
}

/// What gives the credential.
pub(crate) enum Chosen {
    Named(String),
    Built(String, Arc<dyn CredentialSource>),
    Ready(ReadySource),
    Anonymous,
}

impl Identity {
    /// No identity.
    pub fn anonymous() -> Self {
        Self {
            fields: Options::new(),
            merges_by_field: false,
            plugin: None,
            notes: Vec::new(),
        }
    }

    /// The credential source that the provider of this name makes from these options.
    pub fn named(provider: &str, options: Options) -> Self {
        Self::anonymous().with_plugin(provider, options)
    }

    /// Fields that the providers `static` and `token-file` take: a token, a token file, a user name and a password, a
    /// client certificate and its key. They are those of a kubeconfig's user, and overrides are merged into them one
    /// by one.
    pub fn from_fields(fields: Options) -> Self {
        Self {
            fields,
            merges_by_field: true,
            ..Self::anonymous()
        }
    }

    /// A credential source that the program has made. `NotConfigured` from its
    /// [`check`](CredentialSource::check) lets the chain go on.
    pub fn from_source(source: Arc<dyn CredentialSource>) -> Self {
        Self::anonymous().with(Plugin::Ready(ReadySource::Source(source)))
    }

    /// The credential source that the provider of this name has already made from these options.
    pub(crate) fn from_built(provider: &str, options: Options, source: Arc<dyn CredentialSource>) -> Self {
        Self::anonymous().with(Plugin::Built {
            provider: provider.to_owned(),
            options,
            source,
        })
    }

    /// One credential that never changes.
    pub fn from_credential(credential: Credential) -> Self {
        Self::anonymous().with(Plugin::Ready(ReadySource::Credential(credential)))
    }

    /// Adds the provider that is asked where the fields hold no credential.
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

    /// Adds a warning for the case that this note describes.
    #[must_use]
    pub fn with_note(mut self, note: IdentityNote, warning: Warning) -> Self {
        self.notes.push((note, warning));
        self
    }

    /// Whether an override replaces a part of it, and not the identity as a whole.
    pub(crate) fn merges_by_field(&self) -> bool {
        self.merges_by_field
    }

    /// Replaces the fields that the overrides name; an identity that does not merge by field gives way to them.
    pub(crate) fn override_with(&mut self, overrides: &Options) {
        if !self.merges_by_field {
            *self = Self {
                fields: overrides.clone(),
                ..Self::anonymous()
            };
            return;
        }
        for group in [AUTHORIZATION_FIELDS, CERTIFICATE_FIELDS, KEY_FIELDS] {
            if overrides.has_any(group) {
                let _ = self.fields.split_off(group);
            }
        }
        if overrides.has_any(KEY_FIELDS) {
            // A key that the overrides name is meant to be used.
            self.notes.retain(|(note, _)| *note != IdentityNote::KeyIgnored);
        }
        for (key, value) in overrides.iter() {
            self.fields.insert(key, value.clone());
        }
    }

    /// Decides which provider is asked: a credential that is written down wins over a plugin, as in client-go.
    pub(crate) fn choose(mut self) -> ChosenIdentity {
        let mut warnings = Vec::new();
        if !self.fields.has_any(CERTIFICATE_FIELDS)
            && let Some(warning) = self.take_note(IdentityNote::KeyIgnored)
        {
            let _ = self.fields.split_off(KEY_FIELDS);
            warnings.push(warning);
        }
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
