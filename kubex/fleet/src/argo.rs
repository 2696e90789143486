//! The cluster Secrets of Argo CD: the keys `name`, `server`, and `config` with JSON.
//!
//! | in `config` | becomes |
//! |---|---|
//! | `bearerToken`, `username`, `password` | the credential |
//! | `tlsClientConfig`: `insecure`, `serverName`, `caData`, `certData`, `keyData` | the trust and the client certificate |
//! | `execProviderConfig`: `command`, `args`, `env`, `apiVersion`, `installHint` | a plugin that never asks; only if the rules for plugins are an allowlist |
//! | `awsAuthConfig`: `clusterName`, `roleARN`, `profile` | the provider `eks`, if it is linked and the input [allows it](crate::Input::aws_auth) |
//! | `disableCompression`, `proxyUrl` | the same |
//!
//! As in Argo CD, `awsAuthConfig` and then `execProviderConfig` win over the other credentials.

use std::path::Path;

use kubex_core::options::{Value, ValueKind};
use kubex_core::{Error, ErrorKind, ExposeSecret as _, Identity, Options, Origin, ResolvedSource, Result};
use kubex_document::{Budget, Conversion, Document, Format};

use crate::definition::Rules;
use crate::fields::Fields;
use crate::limits::{self, exceeded};
use crate::plugin;
use crate::secret::Secret;

/// The address of the cluster that Argo CD runs in. For this address, Argo CD uses its own identity.
const OWN_CLUSTER: &str = "https://kubernetes.default.svc";

/// The cluster of a Secret.
pub(crate) fn answer(secret: Secret<'_>, place: &Origin, rules: &Rules) -> Result<ResolvedSource> {
    let server = secret.text("server")?.ok_or_else(|| {
        Error::new(ErrorKind::MissingCluster, "the Secret has no \"server\"")
            .with_origin(&place.clone().key("data").key("server"))
            .with_help("set \"server\" to the address of the cluster, https://host:port")
    })?;
    let config = match secret.get("config")? {
        Some((bytes, origin)) => {
            if bytes.expose_secret().len() > limits::ARGO_CONFIG {
                let error = exceeded("\"config\" is longer", limits::ARGO_CONFIG, "bytes");
                return Err(error.with_origin(&origin));
            }
            // The position in the decoded text is not one of the manifest.
            let budget = &Budget::CONFIGURATION;
            let document = Document::read(bytes, Format::Yaml, budget);
            let refuse = |error: kubex_document::ReadError| {
                let problem = error.problem().to_string();
                Error::new(ErrorKind::MalformedDocument, format_args!("\"config\" {problem}"))
                    .with_origin(&origin)
                    .with_help("write JSON there")
            };
            let document = document.map_err(refuse)?;
            let value = document.root().to_value(origin.clone(), Conversion::KUBECONFIG);
            if value.is_blank() {
                empty(&origin)
            } else {
                value.located(origin)
            }
        }
        None => empty(place),
    };
    let config = Fields::new(&config)?;
    let tls = config.fields("tlsClientConfig")?;
    let mut cluster = Options::with_origin(place.clone());
    let mut fields = Options::with_origin(config.origin().clone());
    let names_itself = server
        .as_str()
        .is_some_and(|address| address.trim_end_matches('/') == OWN_CLUSTER);
    cluster.insert("server", server);
    config.copy_texts(&mut cluster, &[("proxyUrl", "proxy-url")])?;
    config.copy_flags(&mut cluster, &[("disableCompression", "disable-compression")])?;
    let credentials = [
        ("bearerToken", "token"),
        ("username", "username"),
        ("password", "password"),
    ];
    config.copy_texts(&mut fields, &credentials)?;
    if let Some(tls) = tls {
        tls.copy_flags(&mut cluster, &[("insecure", "insecure-skip-tls-verify")])?;
        let trust = [
            ("serverName", "tls-server-name"),
            ("caData", "certificate-authority-data"),
        ];
        tls.copy_texts(&mut cluster, &trust)?;
        let pair = [
            ("certData", "client-certificate-data"),
            ("keyData", "client-key-data"),
        ];
        tls.copy_texts(&mut fields, &pair)?;
    }
    let identity = match (
        config.fields("awsAuthConfig")?,
        config.fields("execProviderConfig")?,
    ) {
        (Some(aws), _) => {
            refuse_beside_a_certificate(&fields, "awsAuthConfig")?;
            eks(aws, rules)?
        }
        (None, Some(exec)) => {
            refuse_beside_a_certificate(&fields, "execProviderConfig")?;
            rules.require_an_allowlist("the Secret", exec.origin())?;
            Identity::named("exec", exec_options(exec)?)
        }
        (None, None) if names_itself && fields.is_empty() => {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "the Secret refers to the cluster in which this program itself runs",
            )
            .with_origin(place)
            .with_help("use configure_from_pod_env() for that cluster"));
        }
        (None, None) => Identity::from_fields(fields),
    };
    Ok(ResolvedSource::new(cluster).identity(identity))
}

fn empty(origin: &Origin) -> Value {
    Value::new(ValueKind::Mapping(Vec::new()), origin.clone())
}

/// Refuses another identity beside a client certificate. The API server prefers the certificate, so the other identity would
/// have no effect.
fn refuse_beside_a_certificate(fields: &Options, other: &str) -> Result<()> {
    let Some(value) = fields.get("client-certificate-data") else {
        return Ok(());
    };
    Err(Error::new(
        ErrorKind::ConflictingFields,
        format_args!("\"certData\" and \"{other}\" are both set, and only one can apply"),
    )
    .with_origin(value.origin())
    .with_help("remove one of them"))
}

/// Refuses a relative path in a Secret. The directory of its manifest may contain files of other authors.
fn refuse_a_relative_path(command: &Value) -> Result<()> {
    let path = command.as_str().unwrap_or_default();
    if Path::new(path).is_absolute() || !path.contains(std::path::is_separator) {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::InvalidValue,
        "\"command\" is a relative path, but a Secret has no directory",
    )
    .with_origin(command.origin())
    .with_help("write an absolute path, or a bare name that is looked up in PATH"))
}

fn exec_options(exec: Fields<'_>) -> Result<Options> {
    // An allowlist limits the variables.
    let mut options = plugin::options(exec.origin()).from_kubeconfig();
    let command = exec.required("command")?;
    refuse_a_relative_path(command)?;
    options.insert("command", command.clone());
    let texts = [("apiVersion", "api-version"), ("installHint", "install-hint")];
    exec.copy_texts(&mut options, &texts)?;
    let arguments = exec.texts("args")?.into_iter().cloned().collect();
    options.insert(
        "args",
        Value::new(ValueKind::Sequence(arguments), exec.origin_of("args")),
    );
    let mut variables = Vec::new();
    if let Some(written) = exec.fields("env")? {
        for (name, _) in written.entries() {
            if let Some(value) = written.text(name)? {
                variables.push(plugin::variable(name, value));
            }
        }
    }
    options.insert(
        "env",
        Value::new(ValueKind::Sequence(variables), exec.origin_of("env")),
    );
    // Argo CD passes the cluster to every plugin.
    options.insert("provide-cluster-info", Value::new(true, exec.origin().clone()));
    Ok(options)
}

fn eks(aws: Fields<'_>, rules: &Rules) -> Result<Identity> {
    if !rules.has_provider("eks") {
        return Err(Error::new(
            ErrorKind::UnknownProvider,
            "\"awsAuthConfig\" needs the provider \"eks\", which is not linked into this program",
        )
        .with_origin(aws.origin())
        .with_help("enable the feature \"eks\" of kubex, or use \"execProviderConfig\""));
    }
    if !rules.allows_aws {
        return Err(Error::new(
            ErrorKind::Refused,
            "\"awsAuthConfig\" uses this program's own AWS credentials, which the input does not allow",
        )
        .with_origin(aws.origin())
        .with_help("allow it with aws_auth, if you trust every author of Secrets"));
    }
    let mut options = Options::with_origin(aws.origin().clone()).from_kubeconfig();
    options.insert("cluster", aws.required("clusterName")?.clone());
    aws.copy_texts(&mut options, &[("roleARN", "role"), ("profile", "profile")])?;
    Ok(Identity::named("eks", options))
}
