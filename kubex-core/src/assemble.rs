//! Turns a resolved source into a client configuration; no other code does.
//!
//! The cluster's options become a [`Cluster`](crate::Cluster). The registry builds the credential source from the name
//! and the options of the identity. The options of both are checked, and all problems are reported at once.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use zeroize::Zeroizing;

use crate::chain::Decorator;
use crate::configuration::{ClientConfiguration, ClientConfigurationBuilder};
use crate::credential::{ClientCertificate, Credential, jwt, not_a_pair};
use crate::error::{Error, ErrorKind, Problems, Result};
use crate::host::{Host, Input};
use crate::options::{ClusterOptions, LoadedCluster, Options, Value, ValueKind};
use crate::origin::Origin;
use crate::pem::Subject;
use crate::provenance::{Provenance, name_of};
use crate::registry::{PluginCall, Registration, Registry, Replacement};
use crate::resolved_source::{Chosen, ChosenIdentity, ReadySource, ResolvedSource, SourcePart};
use crate::secret::ExposeSecret;
use crate::source::CredentialSource;
use crate::text::{Mask, mask_address};
use crate::time::rfc3339;
use crate::warning::Warning;

/// The settings for building a configuration.
#[derive(Clone, Copy)]
pub(crate) struct Setting<'s> {
    /// Reads what is checked now, with the time limits of the source.
    pub(crate) host: &'s Host,
    /// The host of the live handles: the one of the chain, so that all handles share it.
    pub(crate) live_host: &'s Host,
    pub(crate) registry: &'s Registry,
    pub(crate) decorator: Option<&'s Decorator>,
    /// Whether the configuration is followed: the handles of the follower then ask the handles of this configuration.
    pub(crate) is_followed: bool,
}

/// Builds a configuration from a resolved source that already contains the overrides.
///
/// # Errors
/// Returns the problems that the provider has recorded, together with those of the cluster's options, of the identity's
/// options and of the files that they refer to.
pub(crate) async fn assemble(source: ResolvedSource, setting: Setting<'_>) -> Result<ClientConfiguration> {
    let Setting {
        host,
        registry,
        decorator,
        ..
    } = setting;
    // Records which files the checks read, because the live handles read them again later.
    let (checking_host, recorder) = host.recording_files(source.known_files);
    let (mut problems, identity_problems) = apart(source.problems);
    let mut provenance = provenance_of(&source.cluster, source.provenance);
    // If the provider has recorded a problem and there is no server, "no server is set" would only repeat the problem.
    let authority = source.cluster.get(AUTHORITY).and_then(name_of_a_file);
    let cluster = if problems.is_empty() || source.cluster.get("server").is_some() {
        read_cluster(source.cluster, source.extensions, &checking_host, &mut problems).await
    } else {
        None
    };
    problems.absorb(identity_problems);
    let sends_credentials = cluster
        .as_ref()
        .is_none_or(|read| read.cluster.server.is_encrypted() || read.allows_credentials_over_http);
    let ChosenIdentity {
        provider,
        options,
        warnings: mut identity_warnings,
    } = source.identity.choose();
    let colon = user_name_with_colon(&options);
    let fields = IdentityFields::new(&options, registration_of(&provider, registry));
    let call = plugin_call(&provider, &options, host);
    let mut credentials = problems.take(credentials(provider, options, registry));
    let mut checked_natively = None;
    if let (Some(call), Some(Credentials::Source { source, .. })) = (call, &mut credentials) {
        checked_natively = replace(call, source, registry, &checking_host, &mut identity_warnings).await;
    }
    let mut source_warnings = Vec::new();
    // A credential that will not be sent need not be checked.
    let checked = match &credentials {
        Some(Credentials::Source { source, is_required }) if sends_credentials => {
            let checked = match checked_natively {
                Some(checked) => Ok(checked),
                None => source.check(&checking_host).await,
            };
            if checked.is_ok() {
                // The decorator may make a warning of the plain source untrue, so the decorated source returns them.
                source_warnings = decorated(source, decorator).warnings(host).await;
            }
            problems
                .take(checked.map_err(|error| if *is_required { error.as_failure() } else { error }))
                .flatten()
        }
        Some(Credentials::Fixed(credential)) if sends_credentials => Some(credential.clone()),
        _ => None,
    };
    let expired_token = checked
        .as_ref()
        .and_then(|credential| expired_token(credential, &fields, host));
    let certificate = checked.as_ref().and_then(Credential::certificate);
    let certificate_warnings = certificate.map_or_else(Vec::new, |certificate| {
        check_certificate(certificate, &fields, registry, host, &mut problems)
    });
    problems.into_result()?;
    let (Some(read), Some(credentials)) = (cluster, credentials) else {
        // Unreachable: if one of them is missing, there is a problem, which was returned above.
        return Err(Error::new(ErrorKind::MissingCluster, "no server is set"));
    };
    let credentials = credentials.for_setting(checked, setting);
    let recording = recorder.finish();
    if let Some(file) = authority.and_then(|text| recording.file(&text)) {
        provenance.set_file(AUTHORITY, file);
    }

    let mut builder = ClientConfiguration::builder(read.cluster)
        .trust_source(source.trust_source.or(read.trust_source))
        .impersonation(read.impersonation)
        .allow_credentials_over_http(read.allows_credentials_over_http)
        .provenance(provenance);
    if let Some(namespace) = read.namespace {
        builder = builder.namespace(namespace);
    }
    let writable = recording.warnings(source.warnings.iter().map(|(_, warning)| warning));
    let warnings = source.warnings.into_iter().map(|(_, warning)| warning);
    let warnings = read.warnings.into_iter().chain(warnings).chain(identity_warnings);
    let of_identity = certificate_warnings.into_iter().chain(colon).chain(expired_token);
    for warning in warnings.chain(of_identity).chain(writable) {
        builder = builder.warning(warning);
    }
    for field in fields.0 {
        if let Some(shown) = field.shown {
            builder = builder.identity_value(field.name.clone(), shown);
        }
        if let Some(file) = field.text.as_deref().and_then(|text| recording.file(text)) {
            builder = builder.identity_file(field.name.clone(), file.to_owned());
        }
        builder = builder.identity_origin(field.name, field.origin);
    }
    for input in recording.inputs {
        if let Input::Pipe { path } = input {
            builder = builder.warning(read_once(path));
        }
    }
    for warning in source_warnings {
        builder = builder.warning(warning);
    }
    with_credentials(builder, credentials, decorator).build(setting.live_host)
}

/// The field that names the file of the certificate authorities.
const AUTHORITY: &str = "certificate-authority";

/// The origins of the cluster's options, and what the provider has recorded.
fn provenance_of(cluster: &Options, recorded: Provenance) -> Provenance {
    let mut provenance = Provenance::default();
    for (key, value) in cluster.iter().filter(|(_, value)| !value.is_blank()) {
        provenance.set(key, value.origin());
    }
    provenance.append(recorded);
    provenance
}

/// The longest path of any system: that of Windows. A longer text, such as a certificate, is not copied.
const LONGEST_PATH: usize = 32_767;

/// The text of a value, if it may be the name of a file. It may also be a secret.
fn name_of_a_file(value: &Value) -> Option<Zeroizing<String>> {
    let text = value.as_str().filter(|text| text.len() <= LONGEST_PATH)?;
    Some(Zeroizing::new(text.to_owned()))
}

/// The fields of the identity.
struct IdentityFields(Vec<IdentityField>);

struct IdentityField {
    name: Cow<'static, str>,
    origin: Origin,
    /// The value, if people may see it.
    shown: Option<String>,
    /// The value, if it may be the name of a file. It may also be a secret.
    text: Option<Zeroizing<String>>,
}

impl IdentityFields {
    fn new(options: &Options, registration: Option<&Registration>) -> Self {
        let is_shown = |field: &str| registration.is_some_and(|registration| registration.shows(field));
        let fields = options.iter().map(|(field, value)| IdentityField {
            name: name_of(field),
            origin: value.origin().clone(),
            shown: is_shown(field).then(|| shown_value(value)).flatten(),
            text: name_of_a_file(value),
        });
        Self(fields.collect())
    }

    fn field(&self, name: &str) -> Option<&IdentityField> {
        self.0.iter().find(|field| field.name == name)
    }

    fn origin_of(&self, name: &str) -> Option<&Origin> {
        self.field(name).map(|field| &field.origin)
    }

    /// The file that a field names.
    fn file(&self, name: &str) -> Option<&Path> {
        self.field(name)?.text.as_deref().map(Path::new)
    }
}

/// The registration of the identity's provider.
fn registration_of(provider: &Chosen, registry: &Registry) -> Option<&'static Registration> {
    let (Chosen::Named(name) | Chosen::Built(name, _)) = provider else {
        return None;
    };
    registry.iter().find(|registration| registration.name() == name)
}

/// The value of an option that people may see.
fn shown_value(value: &Value) -> Option<String> {
    match value.kind() {
        ValueKind::Boolean(is_set) => Some(is_set.to_string()),
        ValueKind::Integer(number) => Some(number.to_string()),
        ValueKind::String(text) if text.contains("://") => Some(Mask::new().apply(&mask_address(text))),
        ValueKind::String(text) => Some(Mask::new().apply(text)),
        _ => None,
    }
}

/// The warning about a token, certificate or key that comes from a pipe, which cannot be read again.
fn read_once(path: PathBuf) -> Warning {
    Warning::new(
        "pipe-read-once",
        "this file is a pipe: it is read only once, so later changes are not noticed",
    )
    .with_origin(&Origin::pipe(path))
}

/// The warning about a user name with a colon, which a server reads differently (RFC 7617, 2).
fn user_name_with_colon(options: &Options) -> Option<Warning> {
    let (_, name) = options.iter().find(|(key, _)| *key == "username")?;
    name.as_str().filter(|name| name.contains(':'))?;
    let message =
        "the user name contains a colon; servers take only the part before the colon as the user name";
    Some(Warning::new("colon-in-username", message).with_origin(name.origin()))
}

/// The warning about a token that has expired, by its source or by its own `exp`. The token is still sent, because this
/// machine's clock may be wrong.
fn expired_token(credential: &Credential, fields: &IdentityFields, host: &Host) -> Option<Warning> {
    let token = credential.token()?;
    let expiry = credential
        .expires_at()
        .or_else(|| jwt::expiry(token.expose_secret()))?;
    if host.now().wall < expiry {
        return None;
    }
    let message = format!(
        "the token expired at {}; get a new one, or check the clock of this machine",
        rfc3339(expiry)
    );
    let warning = Warning::new("token-expired", message);
    let mut keys = ["token", "token-file"].into_iter();
    Some(match keys.find_map(|key| fields.origin_of(key)) {
        Some(origin) => warning.with_origin(origin),
        None => warning,
    })
}

/// Checks that the TLS library can use the client certificate, and returns what the user should know about it.
fn check_certificate(
    certificate: &ClientCertificate,
    fields: &IdentityFields,
    registry: &Registry,
    host: &Host,
    problems: &mut Problems,
) -> Vec<Warning> {
    let origin = |name: &str| {
        let data = format!("{name}-data");
        fields.origin_of(name).or_else(|| fields.origin_of(&data))
    };
    let checked = registry
        .check_pair(certificate)
        .map_err(|error| match error.kind() {
            // The TLS library does not know the files.
            ErrorKind::IncompleteKeyPair => not_a_pair(
                Subject::CLIENT_CERTIFICATE.in_file(fields.file("client-certificate")),
                Subject::CLIENT_KEY.in_file(fields.file("client-key")),
            ),
            _ => error,
        });
    problems.take(checked.map_err(|error| match origin("client-key") {
        Some(origin) => error.with_origin(origin),
        None => error,
    }));
    let warnings = certificate.warnings(host.now().wall).into_iter();
    warnings
        .map(|warning| match origin("client-certificate") {
            Some(origin) => warning.with_origin(origin),
            None => warning,
        })
        .collect()
}

async fn read_cluster(
    options: Options,
    extensions: Vec<(String, Value)>,
    host: &Host,
    problems: &mut Problems,
) -> Option<LoadedCluster> {
    let options = problems.take(ClusterOptions::new(options))?;
    problems.take(options.load(extensions, host).await)
}

/// The call of a kubeconfig's exec plugin, if the host's rules list any plugin to replace.
fn plugin_call(provider: &Chosen, options: &Options, host: &Host) -> Option<PluginCall> {
    let Chosen::Named(name) = provider else {
        return None;
    };
    if host.plugin_rules().native_plugins().is_empty() {
        return None;
    }
    let is_a_plugin = name == "exec" && options.is_from_kubeconfig();
    is_a_plugin.then(|| PluginCall::from_options(options)).flatten()
}

/// Replaces the source of a plugin with the source of a provider, if one supports the call. Returns the result of that source's
/// check.
async fn replace(
    call: PluginCall,
    source: &mut Arc<dyn CredentialSource>,
    registry: &Registry,
    host: &Host,
    warnings: &mut Vec<Warning>,
) -> Option<Option<Credential>> {
    let call = call.with_plugin(Arc::clone(source));
    match registry.replacement(&call, host).await {
        Replacement::Served(native, checked) => {
            *source = native;
            return Some(checked);
        }
        Replacement::PluginRuns(warning) => warnings.push(warning),
        Replacement::NotRequested => {}
    }
    None
}

/// The source of the configuration's credentials.
enum Credentials {
    None,
    Fixed(Credential),
    Source {
        source: Arc<dyn CredentialSource>,
        /// Whether the source must be configured, because an identity refers to it by name.
        is_required: bool,
    },
}

impl Credentials {
    /// In a followed configuration, a source that never changes is replaced by its credential, because only the follower's
    /// handle would ask a live handle.
    fn for_setting(self, checked: Option<Credential>, setting: Setting<'_>) -> Self {
        match (self, checked) {
            (Self::Source { source, .. }, Some(credential))
                if setting.is_followed && decorated(&source, setting.decorator).never_changes() =>
            {
                Self::Fixed(credential)
            }
            (credentials, _) => credentials,
        }
    }
}

/// The problems of the identity, apart from the others.
fn apart(recorded: Vec<(SourcePart, Error)>) -> (Problems, Problems) {
    let (mut others, mut of_identity) = (Problems::new(), Problems::new());
    for (part, problem) in recorded {
        match part {
            SourcePart::Identity => of_identity.add(problem),
            _ => others.add(problem),
        }
    }
    (others, of_identity)
}

fn credentials(provider: Chosen, options: Options, registry: &Registry) -> Result<Credentials> {
    Ok(match provider {
        Chosen::Anonymous => Credentials::None,
        Chosen::Ready(ReadySource::Credential(credential)) => Credentials::Fixed(credential),
        Chosen::Ready(ReadySource::Source(source)) | Chosen::Built(_, source) => Credentials::Source {
            source,
            is_required: false,
        },
        Chosen::Named(name) => {
            let origin = options.origin().clone();
            let source = registry.source_from(&name, options);
            Credentials::Source {
                source: source.map_err(|error| error.or_origin(&origin))?,
                is_required: true,
            }
        }
    })
}

fn with_credentials(
    builder: ClientConfigurationBuilder,
    credentials: Credentials,
    decorator: Option<&Decorator>,
) -> ClientConfigurationBuilder {
    match credentials {
        Credentials::None => builder,
        Credentials::Fixed(credential) => builder.credential(credential),
        Credentials::Source { source, .. } => builder.source(decorated(&source, decorator)),
    }
}

fn decorated(source: &Arc<dyn CredentialSource>, decorator: Option<&Decorator>) -> Arc<dyn CredentialSource> {
    match decorator {
        Some(decorator) => decorator.decorate(Arc::clone(source)),
        None => Arc::clone(source),
    }
}
