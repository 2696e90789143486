//! Builds the providers of the configured sources.
//!
//! Before a provider gets its options, the text of a variable is converted to the type of the schema, paths are expanded,
//! and references to secrets are resolved.

use std::sync::Arc;

use async_trait::async_trait;
use kubex_core::error::Problems;
use kubex_core::options::{ClusterOptions, Value, ValueKind};
use kubex_core::origin::Place;
use kubex_core::text::{clean_line, nearest};
use kubex_core::{
    CredentialProvider, Error, ErrorKind, Host, Options, Origin, Overrides, Registration, Registry,
    ResolveRequest, ResolvedSource, Result, ServerUrl,
};
use serde_json::Value as Schema;

use super::problems::read_all;
use super::settings::{COMMON_KEYS, SourceSettings, locate_error, options_of};
use super::typed::{property, resolved, typed};
use super::variables::looks_like_a_variable;
use super::{paths, schema, unlinked};

/// The suffix of a key whose value is the name of the variable that contains the secret.
pub(super) const REFERENCE_SUFFIX: &str = "-env";

/// A source that can be added to a chain.
#[derive(Debug)]
pub(super) struct PreparedSource {
    pub(super) provider: Arc<dyn CredentialProvider>,
    /// The options that replace what the provider resolves.
    pub(super) overrides: Options,
}

/// Builds a source's provider.
///
/// # Errors
/// `UnknownProvider`, or the problems of its options. A reference to a variable that is not set is an error of the source
/// only when the chain tries it.
pub(super) fn prepare_source(
    source: &SourceSettings,
    registry: &Registry,
    host: &Host,
) -> Result<PreparedSource> {
    build(source, registry, host).map_err(|error| {
        let problems = error.into_problems().into_iter();
        let mut problems = problems.map(|problem| problem.in_source(&source.name));
        let first = problems.next().unwrap_or_else(|| cannot_be_built(source));
        problems.fold(first, Error::with_related)
    })
}

fn build(source: &SourceSettings, registry: &Registry, host: &Host) -> Result<PreparedSource> {
    let registration = match registry.get(source.provider_name()) {
        Ok(registration) => registration,
        Err(error) => {
            let mut problems = Problems::new();
            problems.add(unknown_provider(source, registry, error));
            check_common_options(source, host, &mut problems);
            return Err(problems
                .into_result()
                .err()
                .unwrap_or_else(|| cannot_be_built(source)));
        }
    };
    // `static` reads no files. The provider token-file does, and reads the token again when it changes.
    let registration = match source.options.get("token-file") {
        Some(_) if registration.name() == "static" => registry.get("token-file").unwrap_or(registration),
        _ => registration,
    };
    // The sources of the default chain have no options, so the command starts without making their schemas.
    if source.options.is_empty() {
        return Ok(PreparedSource {
            provider: registry.provider(registration.name(), source.options.clone())?,
            overrides: Options::with_origin(source.origin.clone()),
        });
    }
    let schema = schema::source_schema(registration);
    let mut problems = Problems::new();
    let mut reader = OptionsReader::new(&schema, host);
    let mut options = reader.read(&source.options, &mut problems);
    let is_partial = !problems.is_empty() || reader.unset.is_some();
    let overrides = if registration.is_source() {
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
    let locate = |error| complete_error(error, &source.options, &schema);
    read_all(
        as_value(&overrides),
        is_partial,
        &mut problems,
        |value| Overrides::new(options_of(value)?),
        locate,
    );
    let built = read_all(
        as_value(&options),
        is_partial,
        &mut problems,
        |value| registry.provider(registration.name(), options_of(value)?),
        locate,
    );
    problems.into_result()?;
    let provider: Option<Arc<dyn CredentialProvider>> = match reader.unset {
        Some(error) => Some(Arc::new(UnsetVariable(error))),
        None => built,
    };
    provider
        .map(|provider| PreparedSource { provider, overrides })
        // Without a provider there was a problem, which is returned above.
        .ok_or_else(|| cannot_be_built(source))
}

/// Checks the options that do not depend on the provider: those of the cluster and of an identity. Whether the other keys
/// exist is not known.
fn check_common_options(source: &SourceSettings, host: &Host, problems: &mut Problems) {
    let schema = schema::overrides_schema();
    let references = schema::references(schema);
    let mut common = Options::with_origin(source.options.origin().clone());
    for (key, value) in source.options.iter() {
        if property(schema, key).is_some() || references.iter().any(|reference| reference == key) {
            common.insert(key, value.clone());
        }
    }
    let (mut options, _) = prepare_overrides(&common, host, problems);
    if let Err(error) = check_server(&options.split_off(&["server"])) {
        problems.add(error);
    }
}

/// Checks a server's address, which is otherwise read when its source is resolved.
pub(super) fn check_server(options: &Options) -> Result<()> {
    let Some(server) = options.get("server") else {
        return Ok(());
    };
    match server.as_str() {
        Some(address) => ServerUrl::parse(address)
            .map(drop)
            .map_err(|error| error.with_origin(server.origin())),
        None => Ok(()),
    }
}

fn cannot_be_built(source: &SourceSettings) -> Error {
    Error::new(ErrorKind::InvalidValue, "the source cannot be built").with_origin(&source.origin)
}

/// The overrides of the chain, and the error of a reference to a variable that is not set. It is an error of the whole chain,
/// because the overrides apply to every source.
pub(super) fn prepare_overrides(
    options: &Options,
    host: &Host,
    problems: &mut Problems,
) -> (Options, Option<Error>) {
    if options.is_empty() {
        return (options.clone(), None);
    }
    let schema = schema::overrides_schema();
    let mut found = Problems::new();
    let mut reader = OptionsReader::new(schema, host);
    let prepared = reader.read(options, &mut found);
    let is_partial = !found.is_empty() || reader.unset.is_some();
    let locate = |error| complete_error(error, options, schema);
    let check = |value: &Value| Overrides::new(options_of(value)?);
    read_all(as_value(&prepared), is_partial, &mut found, check, locate);
    problems.take(found.into_result());
    (prepared, reader.unset)
}

fn as_value(options: &Options) -> Value {
    let entries: Vec<_> = options
        .iter()
        .map(|(key, value)| (key.to_owned(), value.clone()))
        .collect();
    Value::new(entries, options.origin().clone())
}

/// The registry's error for an unknown provider, with the origin of the name.
fn unknown_provider(source: &SourceSettings, registry: &Registry, error: Error) -> Error {
    let error = match unlinked::help_about(source.provider_name()) {
        Some(help) => error.with_help(help),
        None => error,
    };
    if let Some(provider) = &source.provider {
        return error.with_origin(&provider.origin);
    }
    let name = clean_line(&source.name).into_owned();
    let linked: Vec<&str> = registry.iter().map(Registration::name).collect();
    let message = format!(
        "the source \"{name}\" has no \"provider\", and there is no provider \"{name}\"; linked providers: {}",
        linked.join(", ")
    );
    let found = nearest(&source.name, &linked).is_some() || unlinked::help_about(&source.name).is_some();
    let help = match error.help() {
        Some(help) if found => help.to_owned(),
        _ => format!(
            "set sources.{name}.provider to one of them, or link the crate of the provider \"{name}\" and check that \
             `cargo tree -i kubex-core` prints one tree, not \"ambiguous\""
        ),
    };
    Error::new(ErrorKind::UnknownProvider, message)
        .with_origin(&source.origin)
        .with_help(help)
}

/// The error with the origin of its value. The error of an unknown key lists all known keys: the provider's, the
/// cluster's, those of every source, and the references.
fn complete_error(error: Error, written: &Options, schema: &Schema) -> Error {
    let error = written
        .iter()
        .fold(error, |error, (_, value)| locate_error(error, value));
    if error.kind() != ErrorKind::UnknownField {
        return error;
    }
    let is_meant = |key: &str| error.message() == Error::unknown_key(key, &[]).message();
    let Some((key, value)) = written.iter().find(|(key, _)| is_meant(key)) else {
        return error;
    };
    let own = schema
        .get("properties")
        .and_then(Schema::as_object)
        .into_iter()
        .flatten();
    let references = schema::references(schema);
    let known: Vec<&str> = own
        .map(|(key, _)| key.as_str())
        .chain(COMMON_KEYS.iter().copied())
        .chain(references.iter().map(String::as_str))
        .collect();
    Error::unknown_key(key, &known).with_origin(value.origin())
}

/// Converts the options of a configuration to those that a provider takes.
struct OptionsReader<'a> {
    schema: &'a Schema,
    host: &'a Host,
    /// The first reference to a variable that is not set, as a secret or in a path.
    unset: Option<Error>,
}

impl<'a> OptionsReader<'a> {
    fn new(schema: &'a Schema, host: &'a Host) -> Self {
        Self {
            schema,
            host,
            unset: None,
        }
    }

    /// The options that have no problem.
    fn read(&mut self, written: &Options, problems: &mut Problems) -> Options {
        let entries = written
            .iter()
            .map(|(key, value)| (key.to_owned(), value.clone()))
            .collect();
        let mut options = Options::with_origin(written.origin().clone());
        for (key, value) in self.read_entries(entries, self.schema, problems) {
            options.insert(&key, value);
        }
        options
    }

    fn read_entries(
        &mut self,
        written: Vec<(String, Value)>,
        schema: &Schema,
        problems: &mut Problems,
    ) -> Vec<(String, Value)> {
        let mut entries: Vec<(String, Value)> = Vec::with_capacity(written.len());
        for (key, value) in written {
            let prepared = if let Some(secret) = secret_of(&key, schema, self.schema) {
                self.read_reference(&key, secret, &value)
                    .map(|value| (secret.to_owned(), value))
            } else {
                let of_value = property(schema, &key).or(schema.get("additionalProperties"));
                self.read_value(value, &key, of_value, schema)
                    .map(|value| (key, value))
            };
            let Some((key, value)) = problems.take(prepared) else {
                continue;
            };
            let Some(value) = value else { continue };
            if let Some((_, other)) = entries.iter().find(|(name, _)| *name == key) {
                problems.add(
                    Error::new(
                        ErrorKind::ConflictingFields,
                        format_args!("\"{key}\" and \"{key}{REFERENCE_SUFFIX}\" are both set"),
                    )
                    .with_origin(other.origin())
                    .with_help("remove one of them"),
                );
            }
            entries.push((key, value));
        }
        entries
    }

    /// Converts a value by its schema; `None` if it refers to a variable that is not set. `parent` is the schema of the mapping
    /// that has the key.
    fn read_value(
        &mut self,
        value: Value,
        key: &str,
        schema: Option<&Schema>,
        parent: &Schema,
    ) -> Result<Option<Value>> {
        let Some(schema) = schema.map(|schema| resolved(schema, self.schema)) else {
            return Ok(Some(value));
        };
        let value = typed(value, Some(schema), self.schema)?;
        let origin = value.origin().clone();
        let mut problems = Problems::new();
        let kind = match value.into_kind() {
            ValueKind::Mapping(entries) => {
                ValueKind::Mapping(self.read_entries(entries, schema, &mut problems))
            }
            ValueKind::Sequence(items) => {
                let of_items = schema.get("items");
                let items = items.into_iter().filter_map(|item| {
                    let item = self.read_value(item, key, of_items, parent);
                    problems.take(item).flatten()
                });
                ValueKind::Sequence(items.collect())
            }
            ValueKind::String(text) if is_in_a_file(&origin) && is_secret_text(&text, schema) => {
                return Err(secret_in_a_file(key, parent, &origin));
            }
            ValueKind::String(text) => match schema::format_of(schema) {
                Some("path" | "command")
                    if let Some(error) = paths::unset_variable(&text, &origin, self.host) =>
                {
                    self.unset.get_or_insert(error);
                    return Ok(None);
                }
                Some("path") => paths::path(&text, &origin, self.host)?.into(),
                Some("command") => paths::expanded(&text, &origin, self.host)?.into(),
                _ => ValueKind::String(text),
            },
            other => other,
        };
        problems.into_result()?;
        Ok(Some(Value::new(kind, origin)))
    }

    /// The value of the variable that a reference names; `None` if it is not set.
    fn read_reference(&mut self, key: &str, secret: &str, name: &Value) -> Result<Option<Value>> {
        let variable = name
            .as_str()
            .filter(|name| !name.is_empty() && !name.contains(['=', '\0', '$']));
        let Some(variable) = variable else {
            return Err(Error::new(
                ErrorKind::InvalidValue,
                format_args!("\"{key}\" must be the name of the variable that contains \"{secret}\""),
            )
            .with_origin(name.origin())
            .with_help(format_args!("write only the name: {key}: MY_VARIABLE")));
        };
        if let Some(text) = self.host.environment().unicode(variable)? {
            return Ok(Some(Value::new(text, Origin::variable(variable))));
        }
        // The value may be the secret itself, by mistake, so it is shown only if it looks like a name.
        let which = if looks_like_a_variable(variable) {
            format!("the variable \"{variable}\", which is not set")
        } else {
            "a variable that is not set".to_owned()
        };
        let error = Error::new(
            ErrorKind::MissingField,
            format_args!("\"{key}\" refers to {which}"),
        )
        .with_origin(name.origin())
        .with_help(format_args!("set the variable, or remove \"{key}\""));
        self.unset.get_or_insert(error);
        Ok(None)
    }
}

/// The key of the secret that a reference is for: `token` for `token-env`.
fn secret_of<'k>(key: &'k str, schema: &Schema, root: &Schema) -> Option<&'k str> {
    let secret = key.strip_suffix(REFERENCE_SUFFIX)?;
    let is_reference = property(schema, key).is_none()
        && property(schema, secret).is_some_and(|of| schema::is_hidden(resolved(of, root)));
    is_reference.then_some(secret)
}

fn is_in_a_file(origin: &Origin) -> bool {
    matches!(origin.place(), Place::File(_) | Place::Pipe(_) | Place::Bytes(_))
}

/// Whether a text is a secret: by its schema, or a URL that contains a password.
fn is_secret_text(text: &str, schema: &Schema) -> bool {
    let has_user = || {
        let authority = text
            .split_once("://")
            .map_or(text, |(_, rest)| rest)
            .split(['/', '?', '#'])
            .next();
        authority.is_some_and(|authority| authority.contains('@'))
    };
    match schema::format_of(schema) {
        Some("password") => !text.is_empty(),
        Some("uri") => schema::is_hidden(schema) && has_user(),
        _ => false,
    }
}

fn secret_in_a_file(key: &str, parent: &Schema, origin: &Origin) -> Error {
    let file = match key.strip_suffix("-data") {
        Some(name) => name.to_owned(),
        None => format!("{key}-file"),
    };
    let takes_file =
        property(parent, &file).is_some() || (key == "token" && property(parent, "username").is_some());
    let or_file = if takes_file {
        format!(", or into a file: {file}: PATH")
    } else {
        String::new()
    };
    Error::new(
        ErrorKind::InvalidValue,
        format_args!("\"{key}\" contains a secret, which is not allowed in a configuration file"),
    )
    .with_origin(origin)
    .with_help(format_args!(
        "move the secret into a variable: {key}{REFERENCE_SUFFIX}: MY_VARIABLE{or_file}"
    ))
}

/// The provider of a source that refers to a variable that is not set. The source is configured, so the error stops the
/// chain.
#[derive(Debug)]
struct UnsetVariable(Error);

#[async_trait]
impl CredentialProvider for UnsetVariable {
    async fn resolve(&self, _: ResolveRequest<'_>) -> Result<ResolvedSource> {
        Err(self.0.clone())
    }
}
