//! The provider: the cluster of the other source, with the token of the service account.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use kubex_core::text::{clean_line, sanitize_line};
use kubex_core::{
    BuildContext, CredentialProvider, CredentialSource, Error, ErrorKind, FromOptions, Identity, Origin,
    ResolveRequest, ResolvedSource, Result,
};

use crate::options::ServiceAccountOptions;
use crate::token_request::TokenRequest;

/// The shortest lifetime that the API server accepts.
const SHORTEST: Duration = Duration::from_secs(10 * 60);

/// Requests the token of a service account: the provider `service-account`. See the [crate](crate).
#[derive(Debug)]
pub struct ServiceAccount {
    through: String,
    through_origin: Origin,
    /// One for all resolutions, so that they share its token.
    source: Arc<TokenRequest>,
}

impl FromOptions for ServiceAccount {
    type Options = ServiceAccountOptions;

    fn from_options(options: ServiceAccountOptions, context: &BuildContext<'_>) -> Result<Self> {
        let origin_of = |key: &str| context.options.origin_of(key);
        let account = options.service_account.split_once('/');
        let account = account.filter(|(namespace, name)| is_name(namespace) && is_name(name));
        let Some((namespace, name)) = account else {
            return Err(Error::new(
                ErrorKind::InvalidValue,
                format_args!(
                    "\"{}\" is not a valid service account",
                    clean_line(&options.service_account)
                ),
            )
            .with_origin(&origin_of("service-account"))
            .with_help("write it as NAMESPACE/NAME"));
        };
        let lifetime = options.lifetime.map(kubex_core::host::Deadline::duration);
        if lifetime.is_some_and(|lifetime| lifetime < SHORTEST) {
            return Err(Error::new(
                ErrorKind::InvalidValue,
                "\"lifetime\" is shorter than the API server accepts",
            )
            .with_origin(&origin_of("lifetime"))
            .with_help("set it to 10m or more"));
        }
        let description = format!(
            "token of the service account {namespace}/{name}, through {}",
            sanitize_line(&options.through)
        );
        Ok(Self {
            through_origin: origin_of("through"),
            source: Arc::new(TokenRequest::new(
                (namespace, name),
                (options.audiences, lifetime, options.bound_object),
                description,
                origin_of("service-account"),
            )),
            through: options.through,
        })
    }
}

/// A name of Kubernetes, which is a part of a path.
fn is_name(text: &str) -> bool {
    let is_allowed =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.');
    !text.is_empty() && text.len() <= 253 && text.bytes().all(is_allowed) && !text.starts_with('.')
}

#[async_trait]
impl CredentialProvider for ServiceAccount {
    async fn resolve(&self, request: ResolveRequest<'_>) -> Result<ResolvedSource> {
        let through = request.through(&self.through);
        let through = through.map_err(|error| error.with_origin(&self.through_origin))?;
        // The identity that will request the token is checked now. Nothing is requested.
        let resolved = through.resolve_only().await?;
        let found = through.find().await?;
        self.source.go_through(through, resolved.credentials().deadline());
        let source: Arc<dyn CredentialSource> = self.source.clone();
        Ok(found.replace_identity(Identity::from_source(source)))
    }
}
