//! The token: a presigned request to STS, which the cluster sends to learn who signed it.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    SignableBody, SignableRequest, SignatureLocation, SigningParams, SigningSettings, sign,
};
use aws_sigv4::sign::v4;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use kubex_core::{Error, ErrorKind, Result, SecretString};
use tracing::subscriber::NoSubscriber;
use url::Url;

/// How long a token is used. It is valid for 15 minutes at the cluster, and the AWS CLI reports 14.
pub(crate) const LIFETIME: Duration = Duration::from_mins(14);

/// The value of `X-Amz-Expires`, as the AWS CLI sets it. EKS does not use it as the lifetime.
const EXPIRES_IN: Duration = Duration::from_mins(1);

/// The header that names the cluster, so that a token for one cluster is not valid at another.
const CLUSTER_HEADER: &str = "x-k8s-aws-id";

/// Where the request of a token is sent, and the region that it is signed for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StsEndpoint {
    pub(crate) url: Url,
    pub(crate) signing_region: String,
}

/// Presigns a request for this cluster.
///
/// # Errors
/// `Unsupported` if the signer refuses the request.
pub(crate) fn presign(
    endpoint: &StsEndpoint,
    cluster: &str,
    credentials: Credentials,
    now: SystemTime,
) -> Result<SecretString> {
    let mut settings = SigningSettings::default();
    settings.signature_location = SignatureLocation::QueryParams;
    settings.expires_in = Some(EXPIRES_IN);
    let identity = credentials.into();
    let parameters: SigningParams<'_> = v4::SigningParams::builder()
        .identity(&identity)
        .region(&endpoint.signing_region)
        .name("sts")
        .time(now)
        .settings(settings)
        .build()
        .map_err(|error| refused(&error))?
        .into();
    let mut url = endpoint.url.clone();
    url.query_pairs_mut()
        .append_pair("Action", "GetCallerIdentity")
        .append_pair("Version", "2011-06-15");
    let headers = std::iter::once((CLUSTER_HEADER, cluster));
    let request = SignableRequest::new("GET", url.as_str(), headers, SignableBody::Bytes(&[]))
        .map_err(|error| refused(&error))?;
    // The signer logs what it signs, which contains the session token.
    let signed = tracing::subscriber::with_default(NoSubscriber::default(), || sign(request, &parameters));
    let (instructions, _) = signed.map_err(|error| refused(&error))?.into_parts();
    let (_, added) = instructions.into_parts();
    url.query_pairs_mut().extend_pairs(added);
    let token = format!("k8s-aws-v1.{}", BASE64_URL_SAFE_NO_PAD.encode(url.as_str()));
    Ok(token.into())
}

fn refused(error: &dyn std::error::Error) -> Error {
    Error::new(
        ErrorKind::Unsupported,
        format_args!("the token could not be signed: {error}"),
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::UNIX_EPOCH;

    use kubex_core::ExposeSecret as _;

    use super::*;

    fn presigned(session_token: Option<&str>) -> BTreeMap<String, String> {
        let endpoint = StsEndpoint {
            url: "https://sts.eu-west-1.amazonaws.com/".parse().unwrap(),
            signing_region: "eu-west-1".to_owned(),
        };
        let keys = Credentials::new("AKID", "secret", session_token.map(str::to_owned), None, "test");
        let now = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        let token = presign(&endpoint, "production", keys, now).unwrap();
        let encoded = token.expose_secret().strip_prefix("k8s-aws-v1.").unwrap();
        let url = String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(encoded).unwrap()).unwrap();
        assert!(url.starts_with(
            "https://sts.eu-west-1.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15&"
        ));
        Url::parse(&url).unwrap().query_pairs().into_owned().collect()
    }

    #[test]
    fn a_token_is_a_presigned_request_that_names_the_cluster_in_a_signed_header() {
        let parameters = presigned(None);
        for (name, value) in [
            ("X-Amz-Algorithm", "AWS4-HMAC-SHA256"),
            ("X-Amz-Credential", "AKID/20231114/eu-west-1/sts/aws4_request"),
            ("X-Amz-Date", "20231114T221320Z"),
            ("X-Amz-Expires", "60"),
            ("X-Amz-SignedHeaders", "host;x-k8s-aws-id"),
            // Signed by botocore 1.44.8 at the same time with the same keys.
            (
                "X-Amz-Signature",
                "ffceba84a97a35f524ca69c07e7db5f955185eee9a8588ff19a55a81dd7be70c",
            ),
        ] {
            assert_eq!(parameters[name], value, "{name}");
        }
        assert_eq!(parameters.len(), 8);
    }

    #[test]
    fn a_session_token_is_a_parameter_of_the_request() {
        assert_eq!(presigned(Some("a/b+c=="))["X-Amz-Security-Token"], "a/b+c==");
    }
}
