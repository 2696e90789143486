//! Where each field of a client configuration was written down, and what was passed over on the way.
//!
//! ```
//! use kubex_core::{Chain, Options, Registry, Source};
//! # use kubex_core::{Credential, CredentialSource, FetchRequest, FromOptions, BuildContext, Registration, Result};
//! # #[derive(serde::Deserialize, schemars::JsonSchema)] struct None {}
//! # #[derive(Debug)] struct Nobody;
//! # impl FromOptions for Nobody { type Options = None; fn from_options(_: None, _: &BuildContext<'_>) -> Result<Self> { Ok(Nobody) } }
//! # #[async_trait::async_trait] impl CredentialSource for Nobody {
//! #   async fn fetch(&self, _: FetchRequest<'_>) -> Result<Credential> { Ok(Credential::anonymous()) }
//! #   fn describe(&self) -> String { "nobody".into() } }
//! # static NOBODY: Registration = Registration::source::<Nobody>("nobody", "");
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> kubex_core::Result<()> {
//! # let registry = Registry::from_registrations([&NOBODY])?;
//! let options = Options::new().set("server", "https://10.0.0.1:6443");
//! let chain = Chain::builder(registry).source(Source::new("lab").provider("nobody").options(options)).build().unwrap();
//! let configuration = chain.resolve().await?;
//! assert_eq!(configuration.provenance().to_string(), "server: the program, server");
//! # Ok(())
//! # }
//! ```

use std::fmt;

use crate::origin::Origin;
use crate::text::clean_line;

/// How many fields most configurations have.
const USUAL_FIELDS: usize = 12;

/// Where each field of a client configuration comes from. It holds places and names, never a value.
///
/// A field that is not in it has its default value.
#[derive(Clone, Debug, Default)]
pub struct Provenance {
    fields: Vec<(String, Origin)>,
    shadowed: Vec<Shadowed>,
}

/// An entry that another one of the same name hides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shadowed {
    /// The entry that counts.
    pub taken: Origin,
    /// The entry that does not.
    pub shadowed: Origin,
}

impl Provenance {
    /// Says where a field was written down. What was said of it before no longer counts.
    pub fn set(&mut self, field: &str, origin: &Origin) {
        let origin = origin.clone();
        match self.fields.iter_mut().find(|(name, _)| name == field) {
            Some((_, old)) => *old = origin,
            None => {
                if self.fields.capacity() == 0 {
                    self.fields.reserve(USUAL_FIELDS);
                }
                self.fields.push((clean_line(field).into_owned(), origin));
            }
        }
    }

    /// Says that a field has its default value, or one that the program never saw.
    pub fn remove(&mut self, field: &str) {
        self.fields.retain(|(name, _)| name != field);
    }

    /// Adds the origins and the hidden entries that were recorded elsewhere.
    pub(crate) fn append(&mut self, other: Self) {
        for (field, origin) in &other.fields {
            self.set(field, origin);
        }
        self.shadowed.extend(other.shadowed);
    }

    /// Says that an entry is hidden by another.
    pub fn add_shadowed(&mut self, taken: &Origin, shadowed: &Origin) {
        self.shadowed.push(Shadowed {
            taken: taken.clone(),
            shadowed: shadowed.clone(),
        });
    }

    /// Each field with its place, in the order they were read.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &Origin)> {
        self.fields.iter().map(|(field, origin)| (field.as_str(), origin))
    }

    /// Where a field was written down.
    pub fn origin_of(&self, field: &str) -> Option<&Origin> {
        self.fields()
            .find(|(name, _)| *name == field)
            .map(|(_, origin)| origin)
    }

    /// The entries that others of the same name hide.
    pub fn shadowed(&self) -> &[Shadowed] {
        &self.shadowed
    }
}

/// One line for each field, then one for each entry that is hidden.
impl fmt::Display for Provenance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for (field, origin) in &self.fields {
            write!(f, "{separator}{field}: {origin}")?;
            separator = "\n";
        }
        for Shadowed { taken, shadowed } in &self.shadowed {
            write!(f, "{separator}not used: {shadowed}, because of {taken}")?;
            separator = "\n";
        }
        Ok(())
    }
}
