//! A user entry as a credential source of another provider, by its registered name and options.

use kubex_core::error::Problems;
use kubex_core::options::{KeyPairOptions, Value, ValueKind};
use kubex_core::{Error, ErrorKind, Options, Result, Warning};

use crate::cluster::is_base64;
use crate::fields::Fields;

/// Which provider fetches the user's credentials, and what it is told.
#[derive(Debug)]
pub(crate) struct Identity {
    pub(crate) provider: String,
    pub(crate) options: Options,
    pub(crate) warnings: Vec<Warning>,
}

/// What replaces the auth providers that client-go removed.
const REMOVED_AUTH_PROVIDERS: &[(&str, &str)] = &[("gcp", "gke-gcloud-auth-plugin"), ("azure", "kubelogin")];

/// What `interactiveMode` may be.
const INTERACTIVE_MODES: &[&str] = &["Never", "IfAvailable", "Always"];

/// What of the overrides replaces the user's token, token file, and user name and password.
const WORD: &[&str] = &["token", "token-file", "username", "password"];

/// The user's identity, with the overrides in the place of what they replace. A static one wins over a plugin, as
/// in client-go, but here its user is told.
pub(crate) fn identity(user: &Fields, overrides: &Options) -> Result<Identity> {
    let mut problems = Problems::default();
    let mut warnings = Vec::new();
    let exec = problems.take(user.mapping("exec")).flatten();
    let auth_provider = problems.take(user.mapping("auth-provider")).flatten();
    if exec.is_some() && auth_provider.is_some() {
        problems.add(both_set(user, "auth-provider", "exec"));
    }
    let options = problems.take(written_identity(user, overrides, &mut warnings));
    let is_written = options.as_ref().is_some_and(|options| {
        let keys = [
            "token",
            "token-file",
            "username",
            "client-certificate",
            "client-certificate-data",
        ];
        keys.iter().any(|key| options.get(key).is_some())
    });
    let plugin = match (&exec, &auth_provider) {
        (Some(exec), _) => problems.take(plugin(exec, &mut warnings)),
        (None, Some(auth_provider)) if !is_written => problems.take(legacy(auth_provider)),
        _ => None,
    };
    problems.into_result()?;
    match (&exec, &auth_provider) {
        (Some(_), _) if is_written => warnings.push(
            Warning::new(
                "exec-ignored",
                "the user has another credential too, so its plugin never runs",
            )
            .with_origin(&user.origin_of("exec")),
        ),
        (None, Some(_)) if is_written => warnings.push(
            Warning::new(
                "auth-provider-ignored",
                "the user has another credential too, so its auth provider is not asked",
            )
            .with_origin(&user.origin_of("auth-provider")),
        ),
        _ => {}
    }
    if let Some((provider, options)) = plugin.filter(|_| !is_written) {
        return Ok(Identity {
            provider,
            options,
            warnings,
        });
    }
    let options = options.unwrap_or_default();
    if !is_written {
        warnings.push(
            Warning::new(
                "no-credential",
                "the user has no credential, so requests are anonymous",
            )
            .with_origin(user.origin()),
        );
    }
    let provider = if options.get("token-file").is_some() {
        "token-file"
    } else {
        "static"
    };
    Ok(Identity {
        provider: provider.to_owned(),
        options,
        warnings,
    })
}

/// The credential that is written down: token, token file, basic pair, client certificate.
fn written_identity(user: &Fields, overrides: &Options, warnings: &mut Vec<Warning>) -> Result<Options> {
    let mut problems = Problems::default();
    let mut options = Options::with_origin(user.origin().clone());
    let replace = |keys: &[&str], options: &mut Options| {
        let set: Vec<_> = overrides.iter().filter(|(key, _)| keys.contains(key)).collect();
        for (key, value) in &set {
            options.insert(key, (*value).clone());
        }
        !set.is_empty()
    };
    if !replace(WORD, &mut options) {
        problems.take(word(user, &mut options));
    }
    let half_of = |half: &str, options: &mut Options| {
        let data = format!("{half}-data");
        if replace(&[half, &data], options) {
            return Ok(());
        }
        is_base64(user, &data)?;
        user.copy_into(options, &[(&data, &data)])?;
        user.copy_path_into(options, half, half)
    };
    problems.take(half_of("client-certificate", &mut options));
    let keys = ["client-key", "client-key-data"];
    let key = keys.into_iter().find(|key| user.has(key));
    let has_certificate = ["client-certificate", "client-certificate-data"]
        .iter()
        .any(|key| options.get(key).is_some() || user.has(key));
    match key {
        Some(key) if !has_certificate => warnings.push(
            Warning::new(
                "key-without-certificate",
                "the client key has no certificate and is not used",
            )
            .with_origin(&user.origin_of(key)),
        ),
        _ => {
            problems.take(half_of("client-key", &mut options));
        }
    }
    // Where nothing else is wrong, the provider of the credential finds it.
    if !problems.is_empty() {
        problems.take(complete_pair(&options));
    }
    problems.into_result()?;
    Ok(options)
}

/// Whether certificate and key are both there, or neither.
fn complete_pair(options: &Options) -> Result<()> {
    let half = |name: &str| {
        let text = |key: &str| options.get(key).and_then(Value::as_str).map(str::to_owned);
        (
            text(name).map(Into::into),
            text(&format!("{name}-data")).map(Into::into),
        )
    };
    KeyPairOptions::new(half("client-certificate"), half("client-key"), options).map(drop)
}

/// What goes into the `Authorization` header.
fn word(user: &Fields, options: &mut Options) -> Result<()> {
    let mut problems = Problems::default();
    for other in ["token", "tokenFile"] {
        if user.has(other) && user.has("username") {
            problems.add(both_set(user, "username", other));
        }
    }
    problems.take(user.copy_into(options, &[("token", "token")]));
    if user.has("username") {
        problems.take(user.copy_into(options, &[("username", "username"), ("password", "password")]));
    }
    problems.take(user.copy_path_into(options, "tokenFile", "token-file"));
    problems.into_result()
}

/// The fields of the `exec` block.
const EXEC: &[&str] = &[
    "command",
    "args",
    "env",
    "apiVersion",
    "installHint",
    "provideClusterInfo",
    "interactiveMode",
];

/// What is the business of Kubex's own configuration, and never of a kubeconfig.
const NOT_FOR_A_KUBECONFIG: &[&str] = &["deadline", "policy", "allowlist", "environment"];

/// The `exec` block: the provider and its options.
fn plugin(exec: &Fields, warnings: &mut Vec<Warning>) -> Result<(String, Options)> {
    let mut problems = Problems::default();
    warnings.append(&mut exec.near_misses(EXEC));
    for (key, value) in exec
        .entries()
        .filter(|(key, _)| NOT_FOR_A_KUBECONFIG.contains(key))
    {
        warnings.push(
            Warning::new(
                "ignored-field",
                format_args!("\"{key}\" is not taken from a kubeconfig, only from Kubex's own configuration"),
            )
            .with_origin(value.origin()),
        );
    }
    for field in ["command", "apiVersion"] {
        if problems.take(exec.text(field)) == Some(None) {
            problems.add(missing(exec, field));
        }
    }
    problems.take(interactive_mode(exec));
    let mut options = Options::with_origin(exec.origin().clone());
    let renamed = [
        ("apiVersion", "api-version"),
        ("installHint", "install-hint"),
        ("interactiveMode", "interactive-mode"),
    ];
    problems.take(exec.copy_into(&mut options, &renamed));
    if let Ok(Some(command)) = exec.text("command") {
        // Only a command with a separator is a path; a bare one is looked up in PATH.
        let is_path = command.contains(std::path::is_separator);
        let command = if is_path {
            problems.take(exec.resolve(command, "command"))
        } else {
            Some(command.to_owned())
        };
        if let Some(command) = command {
            options.insert("command", Value::new(command, exec.origin_of("command")));
        }
    }
    problems.take(exec.texts("args"));
    if let Some(args) = exec.get("args") {
        options.insert("args", args.clone());
    }
    if let (Some(env), Some(variables)) = (exec.get("env"), problems.take(environment(exec))) {
        let variables = ValueKind::Sequence(variables);
        options.insert("env", Value::new(variables, env.origin().clone()));
    }
    if problems.take(exec.flag("provideClusterInfo")) == Some(true) {
        options.insert(
            "provide-cluster-info",
            Value::new(true, exec.origin_of("provideClusterInfo")),
        );
    }
    problems.into_result()?;
    Ok(("exec".to_owned(), options))
}

/// Checks the `interactiveMode`, which `v1` must have.
fn interactive_mode(exec: &Fields) -> Result<()> {
    let is_v1 = matches!(
        exec.text("apiVersion"),
        Ok(Some("client.authentication.k8s.io/v1"))
    );
    let modes = INTERACTIVE_MODES.join(", ");
    match exec.text("interactiveMode")? {
        None if is_v1 => {
            let error = missing(exec, "interactiveMode");
            Err(error.with_help(format_args!("set \"interactiveMode\" to one of: {modes}")))
        }
        Some(mode) if !INTERACTIVE_MODES.contains(&mode) => Err(Error::new(
            ErrorKind::InvalidValue,
            "the value is not one that \"interactiveMode\" takes",
        )
        .with_origin(&exec.origin_of("interactiveMode"))
        .with_help(format_args!("set it to one of: {modes}"))),
        _ => Ok(()),
    }
}

/// The plugin's variables: name and value of each, without what else may be written there.
fn environment(exec: &Fields) -> Result<Vec<Value>> {
    let mut variables = Vec::new();
    for variable in exec.mappings("env")? {
        let name = variable.text("name")?.ok_or_else(|| missing(&variable, "name"))?;
        let value = variable.text("value")?.unwrap_or_default();
        let pair = [("name", name), ("value", value)]
            .map(|(key, text)| (key.to_owned(), Value::new(text, variable.origin_of(key))));
        variables.push(Value::new(pair.to_vec(), variable.origin().clone()));
    }
    Ok(variables)
}

/// An `auth-provider`: the registered provider of that name.
fn legacy(auth_provider: &Fields) -> Result<(String, Options)> {
    let name = auth_provider
        .text("name")?
        .ok_or_else(|| missing(auth_provider, "name"))?;
    if let Some((_, plugin)) = REMOVED_AUTH_PROVIDERS
        .iter()
        .find(|(removed, _)| *removed == name)
    {
        return Err(Error::new(
            ErrorKind::UnknownProvider,
            format_args!("the auth provider \"{name}\" was removed from Kubernetes clients"),
        )
        .with_origin(&auth_provider.origin_of("name"))
        .with_help(format_args!("use the exec plugin {plugin} in its place")));
    }
    // kubectl ignores what it does not know there, and login tools keep notes of their own in it.
    let mut options =
        Options::with_origin(auth_provider.origin().clone().key("config")).ignoring_unknown_keys();
    if let Some(config) = auth_provider.mapping("config")? {
        for (key, value) in config.entries().filter(|(_, value)| !value.is_blank()) {
            options.insert(key, value.clone());
        }
    }
    Ok((name.to_owned(), options))
}

fn both_set(user: &Fields, key: &str, other: &str) -> Error {
    Error::new(
        ErrorKind::ConflictingFields,
        format_args!("\"{other}\" and \"{key}\" are both set, and only one can be meant"),
    )
    .with_origin(&user.origin_of(key))
    .with_help(format_args!("remove \"{other}\" or \"{key}\""))
}

fn missing(fields: &Fields, key: &'static str) -> Error {
    fields.missing(
        ErrorKind::MissingField,
        &format!("\"{key}\" is missing"),
        key,
        &format!("set \"{key}\""),
    )
}
