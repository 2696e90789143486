//! Provenance: the origin of each field of a client configuration, and shadowed entries.
//!
//! ```
//! use kubex_core::{Chain, Options, Registry, Source};
//! # use kubex_core::{Credential, CredentialSource, FetchRequest, FromOptions, BuildContext, Registration, Result};
//! # #[derive(serde::Deserialize, schemars::JsonSchema)] struct NoOptions {}
//! # #[derive(Debug)] struct Guest;
//! # impl FromOptions for Guest { type Options = NoOptions; fn from_options(_: NoOptions, _: &BuildContext<'_>) -> Result<Self> { Ok(Guest) } }
//! # #[async_trait::async_trait] impl CredentialSource for Guest {
//! #   async fn fetch(&self, _: FetchRequest<'_>) -> Result<Credential> { Ok(Credential::anonymous()) }
//! #   fn describe(&self) -> String { "guest".into() } }
//! # static GUEST: Registration = Registration::source::<Guest>("guest", "");
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> kubex_core::Result<()> {
//! # let registry = Registry::from_registrations([&GUEST])?;
//! let options = Options::new().set("server", "https://10.0.0.1:6443");
//! let chain = Chain::builder(registry).source(Source::new("lab").provider("guest").options(options)).build()?;
//! let configuration = chain.resolve().await?;
//! assert_eq!(configuration.provenance().to_string(), "server: the program, server");
//! # Ok(())
//! # }
//! ```
//!
//! An entry of a configuration is shadowed if an entry in another file or layer replaces it. Both origins are kept,
//! because users often ask why a change of a file has no effect.

use std::borrow::Cow;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::origin::Origin;
use crate::text::{clean_line, write_sanitized};

/// How many fields most configurations have.
const USUAL_FIELDS: usize = 12;

/// The origin of each field of a client configuration. A field without an origin has its default value.
///
/// A provenance also contains the values of some fields that are not secret, such as the name of the context. It is cheap to
/// clone.
#[derive(Clone, Debug, Default)]
pub struct Provenance(Arc<Content>);

#[derive(Clone, Debug, Default)]
struct Content {
    fields: Vec<(Cow<'static, str>, Origin)>,
    values: Vec<(Cow<'static, str>, String)>,
    files: Vec<(Cow<'static, str>, PathBuf)>,
    shadowed: Vec<Shadowed>,
}

/// Two entries with the same name, of which one is ignored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shadowed {
    /// The entry that is used.
    pub taken: Origin,
    /// The entry that is ignored.
    pub shadowed: Origin,
}

impl Provenance {
    /// Sets the origin of a field. It replaces an earlier origin.
    pub fn set(&mut self, field: &str, origin: &Origin) {
        let origin = origin.clone();
        let content = Arc::make_mut(&mut self.0);
        if let Some((_, old)) = content.fields.iter_mut().find(|(name, _)| name == field) {
            *old = origin;
            return;
        }
        if content.fields.capacity() == 0 {
            content.fields.reserve(USUAL_FIELDS);
        }
        content.fields.push((name_of(field), origin));
    }

    /// Removes the origin of a field, because the field has its default value or its origin is not known.
    pub fn remove(&mut self, field: &str) {
        Arc::make_mut(&mut self.0)
            .fields
            .retain(|(name, _)| name != field);
    }

    /// Adds the origins and the shadowed entries of another provenance.
    pub(crate) fn append(&mut self, other: Self) {
        for (field, origin) in &other.0.fields {
            self.set(field, origin);
        }
        let other = Arc::unwrap_or_clone(other.0);
        let content = Arc::make_mut(&mut self.0);
        content.values.extend(other.values);
        content.files.extend(other.files);
        content.shadowed.extend(other.shadowed);
    }

    /// Sets the value of a field, for people to read. The value must not be secret.
    pub fn set_value(&mut self, field: &str, value: &str) {
        let values = &mut Arc::make_mut(&mut self.0).values;
        values.retain(|(name, _)| name != field);
        values.push((name_of(field), clean_line(value).into_owned()));
    }

    /// Returns the value that [`set_value`](Self::set_value) has set for a field; `None` if there is none.
    pub fn value_of(&self, field: &str) -> Option<&str> {
        let value = self.0.values.iter().find(|(name, _)| name == field);
        value.map(|(_, value)| value.as_str())
    }

    /// Sets the file that a field names.
    pub(crate) fn set_file(&mut self, field: &str, file: &Path) {
        let files = &mut Arc::make_mut(&mut self.0).files;
        files.retain(|(name, _)| name != field);
        files.push((name_of(field), file.to_owned()));
    }

    /// Returns the path of the file that a field refers to: `certificate-authority`, or a field of the identity such as
    /// `client-key`. `None` if this file was not read when the chain was resolved. [`origin_of`](Self::origin_of) returns where the path is configured.
    pub fn file_of(&self, field: &str) -> Option<&Path> {
        let file = self.0.files.iter().find(|(name, _)| name == field);
        file.map(|(_, file)| file.as_path())
    }

    /// Frees the memory that was reserved for further fields.
    pub(crate) fn shrink(&mut self) {
        let content = Arc::make_mut(&mut self.0);
        content.fields.shrink_to_fit();
        content.values.shrink_to_fit();
        content.files.shrink_to_fit();
    }

    /// Adds a shadowed entry: `taken` is used instead of `shadowed`.
    ///
    /// ```
    /// use kubex_core::{Origin, Provenance};
    ///
    /// let mut provenance = Provenance::default();
    /// let taken = Origin::file("/home/jane/.kube/config").key("users[jane]");
    /// provenance.add_shadowed(&taken, &Origin::file("/etc/kubeconfig").key("users[jane]"));
    /// assert_eq!(provenance.shadowed()[0].taken, taken);
    /// ```
    pub fn add_shadowed(&mut self, taken: &Origin, shadowed: &Origin) {
        Arc::make_mut(&mut self.0).shadowed.push(Shadowed {
            taken: taken.clone(),
            shadowed: shadowed.clone(),
        });
    }

    /// Iterates over the fields and their origins, in the order in which they were read.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &Origin)> {
        let fields = self.0.fields.iter();
        fields.map(|(field, origin)| (field.as_ref(), origin))
    }

    /// Returns the origin of a field; `None` if the field has its default value.
    ///
    /// ```
    /// use kubex_core::{Origin, Provenance};
    ///
    /// let mut provenance = Provenance::default();
    /// provenance.set("server", &Origin::flag("--server"));
    /// assert_eq!(provenance.origin_of("server"), Some(&Origin::flag("--server")));
    /// assert_eq!(provenance.origin_of("namespace"), None);
    /// ```
    pub fn origin_of(&self, field: &str) -> Option<&Origin> {
        self.fields()
            .find(|(name, _)| *name == field)
            .map(|(_, origin)| origin)
    }

    /// Returns the entries that are ignored because of another entry with the same name.
    pub fn shadowed(&self) -> &[Shadowed] {
        &self.0.shadowed
    }
}

/// Fields of most configurations, whose names are not copied.
const USUAL_NAMES: &[&str] = &[
    "context",
    "cluster",
    "user",
    "server",
    "certificate-authority",
    "certificate-authority-data",
    "insecure-skip-tls-verify",
    "tls-server-name",
    "proxy-url",
    "namespace",
    "token",
    "token-file",
    "client-certificate",
    "client-certificate-data",
    "client-key",
    "client-key-data",
    "command",
    "args",
    "env",
    "api-version",
    "interactive-mode",
    "install-hint",
    "provide-cluster-info",
];

/// The name of a field, as it is kept and shown.
pub(crate) fn name_of(field: &str) -> Cow<'static, str> {
    match usual_name(field) {
        Some(name) => Cow::Borrowed(name),
        None => Cow::Owned(clean_line(field).into_owned()),
    }
}

/// This name, if it is that of a usual field.
pub(crate) fn usual_name(field: &str) -> Option<&'static str> {
    USUAL_NAMES.iter().copied().find(|name| *name == field)
}

/// Prints one line for each field, then one line for each shadowed entry.
impl fmt::Display for Provenance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fields = self
            .0
            .fields
            .iter()
            .map(|(field, origin)| format!("{field}: {origin}"));
        let shadowed = self
            .0
            .shadowed
            .iter()
            .map(|Shadowed { taken, shadowed }| format!("not used: {shadowed}, because of {taken}"));
        write_sanitized(f, fields.chain(shadowed).collect::<Vec<_>>().join("\n"))
    }
}
