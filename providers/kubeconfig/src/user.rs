//! A user entry as a credential source of another provider, by its registered name and options.

use kubex_core::options::{Value, ValueKind};
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

/// The user's identity. A static one wins over a plugin, as in client-go, but here its user is told.
pub(crate) fn identity(user: &Fields) -> Result<Identity> {
    let exec = user.mapping("exec")?;
    let auth_provider = user.mapping("auth-provider")?;
    if exec.is_some() && auth_provider.is_some() {
        return Err(both_set(user, "auth-provider", "exec"));
    }
    if user.has("token") && user.has("username") {
        return Err(both_set(user, "username", "token"));
    }
    if user.has("tokenFile") && user.has("username") {
        return Err(both_set(user, "username", "tokenFile"));
    }
    let mut warnings = Vec::new();
    let options = written_identity(user, &mut warnings)?;
    let has_certificate = options
        .get("client-certificate")
        .or(options.get("client-certificate-data"))
        .is_some();
    let is_written = user.has("token") || user.has("tokenFile") || user.has("username") || has_certificate;
    let provider = if user.has("tokenFile") {
        "token-file"
    } else {
        "static"
    };
    match (exec, auth_provider) {
        (Some(exec), _) if !is_written => return plugin(&exec, warnings),
        (Some(exec), _) => {
            plugin(&exec, Vec::new())?;
            warnings.push(
                Warning::new(
                    "exec-ignored",
                    "the user has another credential too, so its plugin never runs",
                )
                .at(&user.origin_of("exec")),
            );
        }
        (None, Some(_)) if is_written => warnings.push(
            Warning::new(
                "auth-provider-ignored",
                "the user has another credential too, so its auth provider is not asked",
            )
            .at(&user.origin_of("auth-provider")),
        ),
        (None, Some(auth_provider)) => return legacy(&auth_provider, warnings),
        (None, None) => {}
    }
    Ok(Identity {
        provider: provider.to_owned(),
        options,
        warnings,
    })
}

/// The credential that is written down in the entry: token, token file, basic pair, client certificate.
fn written_identity(user: &Fields, warnings: &mut Vec<Warning>) -> Result<Options> {
    let mut options = Options::at(user.origin().clone());
    user.copy_into(&mut options, &[("token", "token")])?;
    if user.has("username") {
        user.copy_into(
            &mut options,
            &[("username", "username"), ("password", "password")],
        )?;
    }
    user.copy_path_into(&mut options, "tokenFile", "token-file")?;
    let has_certificate = user.has("client-certificate") || user.has("client-certificate-data");
    let has_key = user.has("client-key") || user.has("client-key-data");
    if has_key && !has_certificate {
        let key = if user.has("client-key") {
            "client-key"
        } else {
            "client-key-data"
        };
        warnings.push(
            Warning::new(
                "key-without-certificate",
                "the client key has no certificate and is not used",
            )
            .at(&user.origin_of(key)),
        );
        return Ok(options);
    }
    for field in ["client-certificate", "client-key"] {
        let data = format!("{field}-data");
        is_base64(user, &data)?;
        user.copy_into(&mut options, &[(&data, &data)])?;
        user.copy_path_into(&mut options, field, field)?;
    }
    Ok(options)
}

/// The `exec` block.
fn plugin(exec: &Fields, warnings: Vec<Warning>) -> Result<Identity> {
    for field in ["command", "apiVersion"] {
        if exec.text(field)?.is_none() {
            return Err(missing(exec, field));
        }
    }
    let is_v1 = exec.text("apiVersion")? == Some("client.authentication.k8s.io/v1");
    match exec.text("interactiveMode")? {
        None if is_v1 => {
            let modes = INTERACTIVE_MODES.join(", ");
            let error = missing(exec, "interactiveMode");
            return Err(error.advise(format_args!("set \"interactiveMode\" to one of: {modes}")));
        }
        Some(mode) if !INTERACTIVE_MODES.contains(&mode) => {
            return Err(Error::new(
                ErrorKind::InvalidValue,
                format_args!("the value is not one of: {}", INTERACTIVE_MODES.join(", ")),
            )
            .at(&exec.origin_of("interactiveMode")));
        }
        _ => {}
    }
    let mut options = Options::at(exec.origin().clone());
    exec.copy_into(
        &mut options,
        &[
            ("apiVersion", "api-version"),
            ("installHint", "install-hint"),
            ("interactiveMode", "interactive-mode"),
        ],
    )?;
    if let Some(command) = exec.text("command")? {
        // Only a command with a separator is a path; a bare one is looked up in PATH.
        let is_path = command.contains(std::path::is_separator);
        let command = if is_path {
            exec.resolve(command, "command")?
        } else {
            command.to_owned()
        };
        options.insert("command", Value::new(command, exec.origin_of("command")));
    }
    exec.texts("args")?;
    if let Some(args) = exec.get("args") {
        options.insert("args", args.clone());
    }
    if let Some(env) = exec.get("env") {
        let variables = ValueKind::Sequence(environment(exec)?);
        options.insert("env", Value::new(variables, env.origin().clone()));
    }
    if exec.flag("provideClusterInfo")? {
        options.insert(
            "provide-cluster-info",
            Value::new(true, exec.origin_of("provideClusterInfo")),
        );
    }
    Ok(Identity {
        provider: "exec".to_owned(),
        options,
        warnings,
    })
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
fn legacy(auth_provider: &Fields, warnings: Vec<Warning>) -> Result<Identity> {
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
        .at(&auth_provider.origin_of("name"))
        .advise(format_args!("use the exec plugin {plugin} in its place")));
    }
    let mut options = Options::at(auth_provider.origin().clone().key("config"));
    if let Some(config) = auth_provider.mapping("config")? {
        for (key, value) in config.entries().filter(|(_, value)| !value.is_blank()) {
            options.insert(key, value.clone());
        }
    }
    Ok(Identity {
        provider: name.to_owned(),
        options,
        warnings,
    })
}

fn both_set(user: &Fields, key: &str, other: &str) -> Error {
    Error::new(
        ErrorKind::ConflictingFields,
        format_args!("\"{other}\" and \"{key}\" are both set, and only one can be meant"),
    )
    .at(&user.origin_of(key))
    .advise(format_args!("remove \"{other}\" or \"{key}\""))
}

fn missing(fields: &Fields, key: &str) -> Error {
    Error::new(ErrorKind::MissingField, format_args!("\"{key}\" is missing"))
        .at(&fields.origin_of(key))
        .advise(format_args!("set \"{key}\""))
}
