//! Converts a user entry to the name and the options of the provider that supplies the credential.

use kubex_core::error::Problems;
use kubex_core::options::{KeyPairOptions, KubeconfigUser, Value, ValueKind};
use kubex_core::placeholder::is_unfilled;
use kubex_core::resolved_source::IdentityNote;
use kubex_core::{Error, ErrorKind, Identity, Options, Result, Warning};

use crate::cluster::is_base64;
use crate::mapping::Mapping;

/// The plugins that replace the auth providers that client-go removed.
const REMOVED_AUTH_PROVIDERS: &[(&str, &str)] = &[("gcp", "gke-gcloud-auth-plugin"), ("azure", "kubelogin")];

/// The most keys of an auth provider's `config`. Known auth providers have about ten.
const MAX_CONFIG_KEYS: usize = 256;

/// The values of `interactiveMode`.
const INTERACTIVE_MODES: &[&str] = &["Never", "IfAvailable", "Always"];

/// The user's identity: the static credential, or else the plugin. If both are set, the static credential is used, as in
/// client-go, with a warning. `written_to` is where the tokens of an auth provider are kept.
pub(crate) fn identity(
    user: &Mapping<'_>,
    written_to: Option<KubeconfigUser>,
    warnings: &mut Vec<Warning>,
) -> Result<Identity> {
    let mut problems = Problems::new();
    let exec = problems.take(user.mapping("exec")).flatten();
    let auth_provider = problems.take(user.mapping("auth-provider")).flatten();
    if exec.is_some() && auth_provider.is_some() {
        problems.add(both_set(user, "auth-provider", "exec"));
    }
    let fields = problems.take(written_fields(user));
    // A key alone is not a credential, nor is a password.
    let is_written = fields.as_ref().is_some_and(|fields| {
        let mut keys = fields.iter().map(|(key, _)| key);
        keys.any(|key| key != "password" && !KEY_FIELDS.contains(&key))
    });
    let plugin = match (&exec, &auth_provider) {
        (Some(exec), _) => problems.take(plugin(exec, warnings)),
        // A plugin that is not used is not checked, as in kubectl.
        (None, Some(auth_provider)) if !is_written => {
            problems.take(auth_provider_options(auth_provider, written_to))
        }
        _ => None,
    };
    problems.into_result()?;
    let mut identity = Identity::from_fields(fields.unwrap_or_default());
    let ignored = match (&exec, &auth_provider) {
        (Some(_), _) => Some(exec_ignored(user)),
        (None, Some(_)) => Some(auth_provider_ignored(user)),
        (None, None) => None,
    };
    if is_written {
        warnings.extend(ignored);
    } else if let (Some((provider, options)), Some(ignored)) = (plugin, ignored) {
        // Overrides may still bring a credential.
        identity = identity
            .with_plugin(&provider, options)
            .with_note(IdentityNote::PluginIgnored, ignored);
    }
    if let Ok(Some(token)) = user.text("token") {
        warnings.extend(doubtful_token(token).map(|warning| warning.with_origin(&user.origin_of("token"))));
    }
    let anonymous = Warning::fixed(
        "no-credential",
        "the user has no credential, so requests are anonymous",
    );
    Ok(identity.with_note(IdentityNote::Anonymous, anonymous.with_origin(user.origin())))
}

/// A warning about a doubtful token. It is sent unchanged, as by kubectl.
fn doubtful_token(token: &str) -> Option<Warning> {
    let why = if token
        .get(..7)
        .is_some_and(|scheme| scheme.eq_ignore_ascii_case("bearer "))
    {
        "the token begins with \"Bearer\", which Kubex adds too; remove it from the token"
    } else if matches!(token, "DATA+OMITTED" | "REDACTED") {
        "this is the text that kubectl prints instead of a token; get the token with kubectl config view --raw"
    } else if is_unfilled(token) {
        "the token contains the placeholder of a template that was not filled in; replace the placeholder"
    } else {
        return None;
    };
    Some(Warning::fixed("doubtful-token", why))
}

fn exec_ignored(user: &Mapping<'_>) -> Warning {
    Warning::fixed(
        "exec-ignored",
        "the user has another credential too, so its plugin never runs",
    )
    .with_origin(&user.origin_of("exec"))
}

fn auth_provider_ignored(user: &Mapping<'_>) -> Warning {
    Warning::fixed(
        "auth-provider-ignored",
        "the user has another credential too, so its auth provider is not asked",
    )
    .with_origin(&user.origin_of("auth-provider"))
}

/// The static credential: token, token file, user name and password, client certificate.
fn written_fields(user: &Mapping<'_>) -> Result<Options> {
    let mut problems = Problems::new();
    let mut options = Options::with_origin(user.origin().clone());
    problems.take(authorization(user, &mut options));
    let half_of = |[half, data]: [&str; 2], options: &mut Options| {
        is_base64(user, data)?;
        user.copy_into(options, &[(data, data)])?;
        user.copy_path_into(options, half, half)
    };
    problems.take(half_of(CERTIFICATE_FIELDS, &mut options));
    problems.take(half_of(KEY_FIELDS, &mut options));
    if user.has_any(&CERTIFICATE_FIELDS) {
        // Without any other problem, the provider of the credential reports it.
        if !problems.is_empty() {
            problems.take(complete_pair(&options));
        }
    }
    problems.into_result()?;
    Ok(options)
}

/// The two forms of the client certificate, and those of its key.
const CERTIFICATE_FIELDS: [&str; 2] = ["client-certificate", "client-certificate-data"];
const KEY_FIELDS: [&str; 2] = ["client-key", "client-key-data"];

/// Checks that certificate and key are both set, or neither.
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

/// The fields that become the `Authorization` header.
fn authorization(user: &Mapping<'_>, options: &mut Options) -> Result<()> {
    let mut problems = Problems::new();
    for other in ["token", "tokenFile"] {
        if user.has(other) && user.has("username") {
            problems.add(both_set(user, "username", other));
        }
    }
    if user.has("token") && user.has("password") && !user.has("username") {
        problems.add(both_set(user, "password", "token"));
    }
    for field in ["token", "username", "password"] {
        problems.take(user.copy_into(options, &[(field, field)]));
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

/// The fields that only Kubex's own configuration may set.
const NOT_FOR_A_KUBECONFIG: &[&str] = &["deadline", "policy", "allowlist", "environment"];

/// The `exec` block: the provider and its options.
fn plugin(exec: &Mapping<'_>, warnings: &mut Vec<Warning>) -> Result<(String, Options)> {
    let mut problems = Problems::new();
    warnings.append(&mut exec.near_misses(EXEC));
    for key in NOT_FOR_A_KUBECONFIG.iter().filter(|key| exec.is_written(key)) {
        warnings.push(
            Warning::new(
                "ignored-field",
                format_args!("\"{key}\" is not taken from a kubeconfig, only from Kubex's own configuration"),
            )
            .with_origin(&exec.origin_of(key)),
        );
    }
    for field in ["command", "apiVersion"] {
        if problems.take(exec.text(field)) == Some(None) {
            problems.add(missing(exec, field));
        }
    }
    problems.take(interactive_mode(exec));
    let mut options = Options::with_origin(exec.origin().clone()).from_kubeconfig();
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
    if let Some(args) = problems.take(exec.texts("args")).flatten() {
        options.insert("args", args);
    }
    if let Some(variables) = problems.take(environment(exec))
        && exec.has("env")
    {
        let variables = ValueKind::Sequence(variables);
        options.insert("env", Value::new(variables, exec.origin_of("env")));
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

/// The versions for which kubectl sets `interactiveMode` to `IfAvailable`.
const VERSIONS_WITH_A_DEFAULT_MODE: &[&str] = &[
    "client.authentication.k8s.io/v1alpha1",
    "client.authentication.k8s.io/v1beta1",
];

/// Checks the `interactiveMode`, which has a default in old versions only.
fn interactive_mode(exec: &Mapping<'_>) -> Result<()> {
    let version = exec.text("apiVersion").ok().flatten();
    let is_required = version.is_some_and(|version| !VERSIONS_WITH_A_DEFAULT_MODE.contains(&version));
    let modes = || INTERACTIVE_MODES.join(", ");
    match exec.text("interactiveMode")? {
        None if is_required => {
            let error = missing(exec, "interactiveMode");
            Err(error.with_help(format_args!("set \"interactiveMode\" to one of: {}", modes())))
        }
        Some(mode) if !INTERACTIVE_MODES.contains(&mode) => Err(Error::new(
            ErrorKind::InvalidValue,
            "\"interactiveMode\" has an invalid value",
        )
        .with_origin(&exec.origin_of("interactiveMode"))
        .with_help(format_args!("set it to one of: {}", modes()))),
        _ => Ok(()),
    }
}

/// The plugin's variables: only the name and the value of each.
fn environment(exec: &Mapping<'_>) -> Result<Vec<Value>> {
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

/// An `auth-provider`: the registered provider with that name.
fn auth_provider_options(
    auth_provider: &Mapping<'_>,
    written_to: Option<KubeconfigUser>,
) -> Result<(String, Options)> {
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
        .with_help(format_args!("use the exec plugin {plugin} instead")));
    }
    if name == "exec" {
        return Err(Error::new(
            ErrorKind::Refused,
            "\"exec\" is not an auth provider: its options would bypass the checks of an exec block",
        )
        .with_origin(&auth_provider.origin_of("name"))
        .with_help("write an \"exec\" block instead"));
    }
    // kubectl ignores unknown keys there, and login tools keep their own state in it.
    let origin = auth_provider.origin().clone().key("config");
    let mut options = Options::with_origin(origin)
        .ignoring_unknown_keys()
        .from_kubeconfig();
    if let Some(user) = written_to {
        options = options.written_to(user);
    }
    if let Some(config) = auth_provider.mapping("config")? {
        for (read, (key, value)) in config.values()?.enumerate() {
            if read == MAX_CONFIG_KEYS {
                return Err(Error::new(
                    ErrorKind::InvalidValue,
                    format_args!("\"config\" has more than {MAX_CONFIG_KEYS} keys, which is the limit"),
                )
                .with_origin(config.origin())
                .with_help("remove the keys that the auth provider does not need"));
            }
            options.insert(key, value);
        }
    }
    Ok((name.to_owned(), options))
}

fn both_set(user: &Mapping<'_>, key: &str, other: &str) -> Error {
    Error::new(
        ErrorKind::ConflictingFields,
        format_args!("\"{other}\" and \"{key}\" are both set, and only one can apply"),
    )
    .with_origin(&user.origin_of(key))
    .with_help(format_args!("remove \"{other}\" or \"{key}\""))
}

fn missing(fields: &Mapping<'_>, key: &'static str) -> Error {
    fields.missing(
        ErrorKind::MissingField,
        &format!("\"{key}\" is missing"),
        key,
        &format!("set \"{key}\""),
    )
}
