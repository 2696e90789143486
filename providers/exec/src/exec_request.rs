//! The plugin's side of the protocol: reads the request of the program that runs this one as its exec plugin, and
//! writes the response.

use std::fmt;

use kubex_core::time::rfc3339;
use kubex_core::{Cluster, Credential, Error, ErrorKind, ExposeSecret, Result, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use crate::exec_info::{self, PassedCluster};
use crate::protocol::{ApiVersion, KIND};

/// The request that another program, such as kubectl, passes to this program when it runs it as an exec plugin.
#[derive(Clone, Default)]
pub struct ExecRequest {
    api_version: ApiVersion,
    is_interactive: Option<bool>,
    cluster: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
struct Received<'a> {
    #[serde(rename = "apiVersion")]
    api_version: String,
    #[serde(borrow, default)]
    spec: ReceivedSpec<'a>,
}

#[derive(Default, Deserialize)]
struct ReceivedSpec<'a> {
    #[serde(borrow)]
    cluster: Option<&'a RawValue>,
    #[serde(default)]
    interactive: bool,
}

#[derive(Serialize)]
struct Answer<'a> {
    kind: &'static str,
    #[serde(rename = "apiVersion")]
    api_version: &'static str,
    spec: AnswerSpec,
    status: Status<'a>,
}

#[derive(Serialize)]
struct AnswerSpec {
    interactive: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Status<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    expiration_timestamp: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_certificate_data: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_key_data: Option<&'a str>,
}

impl ExecRequest {
    /// The name of the environment variable that contains the request: `KUBERNETES_EXEC_INFO`.
    pub const VARIABLE: &str = exec_info::VARIABLE;

    /// Parses the value of the variable [`KUBERNETES_EXEC_INFO`](Self::VARIABLE). If the value is empty, a user has started
    /// this process, and not a program.
    ///
    /// # Errors
    /// Returns [`ErrorKind::InvalidValue`] if the value is not an `ExecCredential`, or if its version is not
    /// supported. The error does not contain the value, which may contain the password of a proxy.
    pub fn parse(variable: &str) -> Result<Self> {
        if variable.trim().is_empty() {
            return Ok(Self::default());
        }
        let received: Received<'_> = serde_json::from_str(variable).map_err(|_| {
            Error::new(
                ErrorKind::InvalidValue,
                format_args!("the variable {} is not an ExecCredential in JSON", Self::VARIABLE),
            )
            .with_help("unset it, or let kubectl set it")
        })?;
        Ok(Self {
            api_version: ApiVersion::parse(&received.api_version)?,
            is_interactive: Some(received.spec.interactive),
            cluster: received
                .spec
                .cluster
                .filter(|cluster| cluster.get() != "null")
                .map(ToOwned::to_owned),
        })
    }

    /// Creates a request that contains this cluster, like that of a client whose kubeconfig contains
    /// `provideClusterInfo: true`.
    ///
    /// # Errors
    /// Returns [`ErrorKind::InvalidValue`] if the cluster cannot be written as JSON.
    pub fn passing(cluster: &Cluster) -> Result<Self> {
        let info = exec_info::exec_info(ApiVersion::default(), PassedCluster::Of(cluster), false);
        Self::parse(info.expose_secret())
    }

    /// Returns the version of the protocol that the response must use.
    pub fn api_version(&self) -> ApiVersion {
        self.api_version
    }

    /// Returns `true` if a program has started this process as its plugin, and `false` if a user has started it.
    pub fn is_from_program(&self) -> bool {
        self.is_interactive.is_some()
    }

    /// Returns whether this process may ask the user questions at the terminal. If a program has started it, the program
    /// decides, by `spec.interactive`. If a user has started it, the result is `true`.
    pub fn may_ask_its_user(&self) -> bool {
        self.is_interactive.unwrap_or(true)
    }

    /// The cluster in `KUBERNETES_EXEC_INFO`, as the client wrote it.
    pub(crate) fn cluster(&self) -> Option<&RawValue> {
        self.cluster.as_deref()
    }

    /// Returns the cluster in the request. `None` if the program passed no cluster; a client passes it only if the
    /// kubeconfig contains `provideClusterInfo: true`.
    pub fn cluster_json(&self) -> Option<serde_json::Value> {
        self.cluster
            .as_deref()
            .and_then(|cluster| serde_json::from_str(cluster.get()).ok())
    }

    /// Returns the response that contains this credential: an `ExecCredential` in JSON.
    ///
    /// # Errors
    /// Returns [`ErrorKind::Unsupported`] if an `ExecCredential` cannot contain this kind of credential, such as a
    /// user name and a password.
    pub fn answer(&self, credential: &Credential) -> Result<SecretString> {
        let certificate = credential.certificate();
        if credential.basic_pair().is_some() || credential.is_anonymous() {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format_args!(
                    "the credential is of a kind that an ExecCredential cannot contain: {}",
                    credential.description()
                ),
            )
            .with_help("use a source with a token or a client certificate"));
        }
        let key = certificate.map(|pair| std::str::from_utf8(pair.key_pem().expose_secret()));
        let answer = Answer {
            kind: KIND,
            api_version: self.api_version.as_str(),
            spec: AnswerSpec {
                interactive: self.is_interactive.unwrap_or(false),
            },
            status: Status {
                expiration_timestamp: credential.expires_at().map(|time| rfc3339(time).to_string()),
                token: credential.token().map(ExposeSecret::expose_secret),
                client_certificate_data: certificate.map(|pair| pair.chain_pem()),
                client_key_data: key.transpose().ok().flatten(),
            },
        };
        // A vector that grows leaves copies behind; PEM and tokens need few escapes.
        let mut json = Zeroizing::new(Vec::with_capacity(64 * 1024));
        serde_json::to_writer(&mut *json, &answer)
            .map_err(|_| Error::new(ErrorKind::Unsupported, "the credential cannot be written as JSON"))?;
        json.push(b'\n');
        Ok(SecretString::unlisted(String::from_utf8_lossy(&json)))
    }
}

impl fmt::Debug for ExecRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExecRequest")
            .field("api_version", &self.api_version)
            .field("is_interactive", &self.is_interactive)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use kubex_core::SecretBytes;

    use super::*;
    use crate::exec_credential::{AcceptedVersion, read};

    #[test]
    fn the_input_of_client_go_is_read() {
        let cluster = r#"{"server":"https://h","config":{"a":18446744073709551616}}"#;
        let request = ExecRequest::parse(&format!(
            r#"{{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1beta1","spec":{{"cluster":{cluster},"interactive":true}}}}"#
        ))
        .unwrap();
        assert_eq!(request.api_version(), ApiVersion::V1Beta1);
        assert!(request.is_from_program() && request.may_ask_its_user());
        assert_eq!(request.cluster().unwrap().get(), cluster);
    }

    #[test]
    fn a_passed_cluster_is_that_of_the_identity_in_a_store() {
        let mut cluster = Cluster::new(kubex_core::ServerUrl::parse("https://h:6443/a&b").unwrap());
        cluster.tls_server_name = Some("n".into());
        let request = ExecRequest::passing(&cluster).unwrap();
        assert_eq!(request.cluster_json(), exec_info::cluster_json(&cluster));
        assert!(request.cluster_json().is_some());
    }

    #[test]
    fn a_person_sets_no_variable() {
        let request = ExecRequest::parse("").unwrap();
        assert!(!request.is_from_program() && request.may_ask_its_user());
        assert_eq!(request.api_version(), ApiVersion::V1);
    }

    #[test]
    fn what_is_not_understood_is_an_error_that_shows_nothing_of_it() {
        for text in [
            "s3cret",
            r#"{"apiVersion":"client.authentication.k8s.io/v1alpha1","spec":{"cluster":"s3cret"}}"#,
            r#"{"apiVersion":["s3cret"]}"#,
        ] {
            let error = ExecRequest::parse(text).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("s3cret"), "{error}");
        }
    }

    #[test]
    fn the_answer_is_read_as_the_same_credential() {
        let pair = rcgen::generate_simple_self_signed(vec!["jane".into()]).unwrap();
        let key = pair.signing_key.serialize_pem().into_bytes();
        let pair = kubex_core::ClientCertificate::from_pem(pair.cert.pem().as_bytes(), key.into()).unwrap();
        let expires_at = UNIX_EPOCH + Duration::from_secs(1_893_456_000);
        for version in [ApiVersion::V1, ApiVersion::V1Beta1] {
            let request = ExecRequest {
                api_version: version,
                ..ExecRequest::default()
            };
            let credential = Credential::bearer("a\"\\<é".into())
                .unwrap()
                .with_certificate(pair.clone());
            let credential = credential.with_expiry(Some(expires_at));
            let answer = request.answer(&credential).unwrap();
            let answer = SecretBytes::from(answer.expose_secret().as_bytes().to_vec());
            let read = read(&answer, AcceptedVersion::Asked(version), "x").unwrap();
            assert_eq!(read.authorization(), credential.authorization());
            assert_eq!(read.certificate().unwrap().chain(), pair.chain());
            assert_eq!(read.expires_at(), Some(expires_at));
        }
    }

    #[test]
    fn a_password_has_no_place_in_the_protocol() {
        let credential = Credential::basic("jane", "s3cret".into()).unwrap();
        let error = ExecRequest::default().answer(&credential).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
    }
}
