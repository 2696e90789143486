//! From what was written to what a provider is built from: texts become what the schema says, paths become whole,
//! and secrets come from where they are.

use std::sync::Arc;

use async_trait::async_trait;
use kubex_core::error::Problems;
use kubex_core::options::{ClusterOptions, Value, ValueKind};
use kubex_core::origin::Place;
use kubex_core::text::clean_line;
use kubex_core::{
    CredentialProvider, Error, ErrorKind, Host, Options, Origin, Overrides, Registry, ResolveRequest,
    ResolvedSource, Result,
};
use serde_json::Value as Schema;

use super::settings::{OF_EVERY_SOURCE, SourceSettings, at_the_value};
use super::variables::{is_name_of_a_variable, property, resolved, typed};
use super::{paths, schema};

/// What a key ends in whose value is the name of the variable that holds the secret.
const REFERENCE: &str = "-env";

/// A source, ready for a chain.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) provider: Arc<dyn CredentialProvider>,
    /// What is put in the place of what the provider finds itself.
    pub(super) overriding: Options,
}

/// Builds a source's provider.
///
/// # Errors
/// `UnknownProvider`, or what its options have wrong, with their places. A variable that is named and not set is
/// none: the source says so when it is asked.
pub(super) fn source(source: &SourceSettings, registry: &Registry, host: &Host) -> Result<Prepared> {
    build(source, registry, host).map_err(|error| error.in_source(&source.name))
}

fn build(source: &SourceSettings, registry: &Registry, host: &Host) -> Result<Prepared> {
    let registration = registry
        .get(source.provider_name())
        .map_err(|error| unknown_provider(source, error))?;
    // `static` knows no files. A token in a file is the other provider's, which reads it again.
    let registration = match source.options.get("token-file") {
        Some(_) if registration.name() == "static" => registry.get("token-file").unwrap_or(registration),
        _ => registration,
    };
    let takes = schema::of_source(registration);
    let mut preparation = Preparation::new(&takes, host);
    let mut options = preparation.options(&source.options)?;
    let overriding = if registration.is_source() {
        Options::with_origin(source.origin.clone())
    } else {
        let own = registration.schema().to_value();
        let foreign: Vec<&str> = ClusterOptions::KEYS
            .iter()
            .copied()
            .filter(|key| property(&own, key).is_none())
            .collect();
        options.split_off(&foreign)
    };
    let mut problems = Problems::default();
    problems.take(Overrides::new(overriding.clone()));
    let provider: Option<Arc<dyn CredentialProvider>> = if let Some(error) = preparation.unset {
        Some(Arc::new(Unset(error)))
    } else {
        let built = registry.provider(registration.name(), options);
        problems.take(built.map_err(|error| with_all_keys(error, &source.options, &takes)))
    };
    problems.into_result()?;
    provider
        .map(|provider| Prepared { provider, overriding })
        .ok_or_else(|| {
            // A provider that is missing is a problem, and problems have been told.
            Error::new(ErrorKind::InvalidValue, "the source cannot be built").with_origin(&source.origin)
        })
}

/// The overrides of the chain, checked.
///
/// # Errors
/// As [`source`]; a variable that is named and not set is one here, as overrides hold for every source.
pub(super) fn overrides(options: &Options, host: &Host) -> Result<Options> {
    let takes = schema::of_overrides();
    let mut preparation = Preparation::new(takes, host);
    let prepared = preparation.options(options)?;
    if let Some(error) = preparation.unset {
        return Err(error);
    }
    Overrides::new(prepared.clone()).map_err(|error| with_all_keys(error, options, takes))?;
    Ok(prepared)
}

/// Whatever the registry says of a provider it does not know, at the place that names it.
fn unknown_provider(source: &SourceSettings, error: Error) -> Error {
    if let Some(provider) = &source.provider {
        return error.with_origin(&provider.origin);
    }
    let name = clean_line(&source.name).into_owned();
    let message =
        format!("the source \"{name}\" names no provider, and there is no provider of its own name");
    let near = error.help().filter(|help| help.starts_with("did you mean"));
    let help = near.map_or_else(|| format!("set sources.{name}.provider"), str::to_owned);
    Error::new(ErrorKind::UnknownProvider, message)
        .with_origin(&source.origin)
        .with_help(help)
}

/// An error at the value it is about, and an unknown key with all that are known here: those of every source, of the
/// cluster, and the references too.
fn with_all_keys(error: Error, written: &Options, takes: &Schema) -> Error {
    let error = written
        .iter()
        .fold(error, |error, (_, value)| at_the_value(error, value));
    if error.kind() != ErrorKind::UnknownField {
        return error;
    }
    let is_meant = |key: &str| error.message() == Error::unknown_key(key, &[]).message();
    let Some((key, value)) = written.iter().find(|(key, _)| is_meant(key)) else {
        return error;
    };
    let own = takes
        .get("properties")
        .and_then(Schema::as_object)
        .into_iter()
        .flatten();
    let references = schema::references(takes);
    let known: Vec<&str> = own
        .map(|(key, _)| key.as_str())
        .chain(OF_EVERY_SOURCE.iter().copied())
        .chain(references.iter().map(String::as_str))
        .collect();
    Error::unknown_key(key, &known).with_origin(value.origin())
}

struct Preparation<'a> {
    takes: &'a Schema,
    host: &'a Host,
    /// The first variable that is named and not set.
    unset: Option<Error>,
}

impl<'a> Preparation<'a> {
    fn new(takes: &'a Schema, host: &'a Host) -> Self {
        Self {
            takes,
            host,
            unset: None,
        }
    }

    fn options(&mut self, written: &Options) -> Result<Options> {
        let entries = written
            .iter()
            .map(|(key, value)| (key.to_owned(), value.clone()))
            .collect();
        let mut options = Options::with_origin(written.origin().clone());
        for (key, value) in self.entries(entries, self.takes)? {
            options.insert(&key, value);
        }
        Ok(options)
    }

    fn entries(&mut self, written: Vec<(String, Value)>, takes: &Schema) -> Result<Vec<(String, Value)>> {
        let mut problems = Problems::default();
        let mut entries: Vec<(String, Value)> = Vec::with_capacity(written.len());
        for (key, value) in written {
            let prepared = if let Some(secret) = secret_of(&key, takes, self.takes) {
                self.referred(&key, secret, &value)
                    .map(|value| (secret.to_owned(), value))
            } else {
                let schema = property(takes, &key).or(takes.get("additionalProperties"));
                self.value(value, &key, schema, takes)
                    .map(|value| (key, Some(value)))
            };
            let Some((key, value)) = problems.take(prepared) else {
                continue;
            };
            let Some(value) = value else { continue };
            if let Some((_, other)) = entries.iter().find(|(name, _)| *name == key) {
                problems.add(
                    Error::new(
                        ErrorKind::ConflictingFields,
                        format_args!(
                            "\"{key}\" and \"{key}{REFERENCE}\" are both set, and only one can be meant"
                        ),
                    )
                    .with_origin(other.origin())
                    .with_help("remove one of them"),
                );
            }
            entries.push((key, value));
        }
        problems.into_result().map(|()| entries)
    }

    /// A value as the schema wants it. `around` is the schema that `key` is in.
    fn value(&mut self, value: Value, key: &str, takes: Option<&Schema>, around: &Schema) -> Result<Value> {
        let Some(takes) = takes.map(|takes| resolved(takes, self.takes)) else {
            return Ok(value);
        };
        let value = typed(value, Some(takes), self.takes)?;
        let origin = value.origin().clone();
        let kind = match value.into_kind() {
            ValueKind::Mapping(entries) => ValueKind::Mapping(self.entries(entries, takes)?),
            ValueKind::Sequence(items) => {
                let schema = takes.get("items");
                let items = items
                    .into_iter()
                    .map(|item| self.value(item, key, schema, around));
                ValueKind::Sequence(items.collect::<Result<_>>()?)
            }
            ValueKind::String(text) if is_in_a_file(&origin) && must_not_be_written(&text, takes) => {
                return Err(written_down(key, around, &origin));
            }
            ValueKind::String(text) => match schema::format_of(takes) {
                Some("path") => paths::path(&text, &origin, self.host)?.into(),
                Some("command") => paths::expanded(&text, &origin, self.host)?.into(),
                _ => ValueKind::String(text),
            },
            other => other,
        };
        Ok(Value::new(kind, origin))
    }

    /// The value of the variable that a reference names; `None` where it is not set.
    fn referred(&mut self, key: &str, secret: &str, name: &Value) -> Result<Option<Value>> {
        let variable = name
            .as_str()
            .filter(|name| !name.is_empty() && !name.contains(['=', '\0', '$']));
        let Some(variable) = variable else {
            return Err(Error::new(
                ErrorKind::InvalidValue,
                format_args!("\"{key}\" takes the name of the variable that holds \"{secret}\""),
            )
            .with_origin(name.origin())
            .with_help(format_args!("write the name alone, {key}: MY_VARIABLE")));
        };
        if let Some(text) = self.host.environment().unicode(variable)? {
            return Ok(Some(Value::new(text, Origin::variable(variable))));
        }
        // What is written here may be the secret itself, by mistake, so it is shown only where it looks like a name.
        let shown = if is_name_of_a_variable(variable) {
            variable
        } else {
            ""
        };
        let separator = if shown.is_empty() { "" } else { " " };
        let error = Error::new(
            ErrorKind::MissingField,
            format_args!("the variable{separator}{shown} that \"{key}\" names is not set"),
        )
        .with_origin(name.origin())
        .with_help(format_args!("set it, or remove \"{key}\""));
        self.unset.get_or_insert(error);
        Ok(None)
    }
}

/// The secret that a key refers to: of `token-env`, `token`.
fn secret_of<'k>(key: &'k str, takes: &Schema, root: &Schema) -> Option<&'k str> {
    let secret = key.strip_suffix(REFERENCE)?;
    let is_reference = property(takes, key).is_none()
        && property(takes, secret).is_some_and(|of| schema::is_hidden(resolved(of, root)));
    is_reference.then_some(secret)
}

fn is_in_a_file(origin: &Origin) -> bool {
    matches!(origin.place(), Place::File(_) | Place::Bytes(_))
}

/// Whether a text is a secret: one by its schema, or an address with a password in it.
fn must_not_be_written(text: &str, takes: &Schema) -> bool {
    let has_user = || {
        let authority = text
            .split_once("://")
            .map_or(text, |(_, rest)| rest)
            .split(['/', '?', '#'])
            .next();
        authority.is_some_and(|authority| authority.contains('@'))
    };
    match schema::format_of(takes) {
        Some("password") => !text.is_empty(),
        Some("uri") => schema::is_hidden(takes) && has_user(),
        _ => false,
    }
}

fn written_down(key: &str, around: &Schema, origin: &Origin) -> Error {
    let file = match key.strip_suffix("-data") {
        Some(name) => name.to_owned(),
        None => format!("{key}-file"),
    };
    let takes_file =
        property(around, &file).is_some() || (key == "token" && property(around, "username").is_some());
    let or_file = if takes_file {
        format!(", or name its file: {file}: PATH")
    } else {
        String::new()
    };
    Error::new(
        ErrorKind::InvalidValue,
        format_args!(
            "\"{key}\" holds a secret, and a secret does not belong in a configuration file, which is copied, \
             committed and shown"
        ),
    )
    .with_origin(origin)
    .with_help(format_args!("name the variable that holds it: {key}{REFERENCE}: MY_VARIABLE{or_file}"))
}

/// A source whose secret is in a variable that is not set. It is there and broken, so it ends the chain.
#[derive(Debug)]
struct Unset(Error);

#[async_trait]
impl CredentialProvider for Unset {
    async fn resolve(&self, _: ResolveRequest<'_>) -> Result<ResolvedSource> {
        Err(self.0.clone())
    }
}
