//! The credential source: requests a token for the audience.

use async_trait::async_trait;
use kubex_core::credential::jwt;
use kubex_core::credentials::SharingKey;
use kubex_core::options::Pem;
use kubex_core::text::sanitize_line;
use kubex_core::{
    BuildContext, Cluster, Credential, CredentialSource, Error, ErrorKind, ExposeSecret, FetchRequest,
    FromOptions, Host, Origin, Result,
};
use kubex_tls::issuer::issuer_trust;

use crate::job::Job;
use crate::options::GithubActionsOptions;
use crate::request::request;

/// Requests the OpenID Connect token of a GitHub Actions job: the credential source of the provider `github-actions`. See the
/// [crate](crate).
#[derive(Debug)]
pub struct GithubActionsSource {
    audience: String,
    authority: Option<Pem>,
    sharing: SharingKey,
    origin: Origin,
}

impl FromOptions for GithubActionsSource {
    type Options = GithubActionsOptions;

    fn from_options(options: GithubActionsOptions, context: &BuildContext<'_>) -> Result<Self> {
        let origin = context.options.origin_of("audience");
        if options.audience.is_empty() {
            return Err(Error::new(ErrorKind::MissingField, "\"audience\" is empty")
                .with_origin(&origin)
                .with_help("set \"audience\" to one that the API server accepts"));
        }
        let (file, data) = (
            options.issuer_certificate_authority,
            options.issuer_certificate_authority_data,
        );
        let sharing = SharingKey::new("github-actions")
            .with(&options.audience)
            .with_optional(file.as_ref().map(|file| file.as_os_str().as_encoded_bytes()))
            .with_optional(data.as_ref().map(ExposeSecret::expose_secret));
        Ok(Self {
            audience: options.audience,
            authority: Pem::new("issuer-certificate-authority", file, data, context.options)?,
            sharing,
            origin,
        })
    }
}

impl GithubActionsSource {
    async fn token(&self, host: &Host) -> Result<Credential> {
        let job = Job::read(host).map_err(Error::as_failure)?;
        let trust = issuer_trust(self.authority.as_ref(), host).await?;
        let token = request(&job, &self.audience, &trust, host).await?;
        let Some(expiry) = jwt::expiry(token.expose_secret()) else {
            return Err(Error::new(
                ErrorKind::InvalidToken,
                format_args!("{} returned a token that has no \"exp\"", job.whom()),
            ));
        };
        Ok(Credential::bearer(token)?.with_expiry(Some(expiry)))
    }
}

#[async_trait]
impl CredentialSource for GithubActionsSource {
    async fn fetch(&self, request: FetchRequest<'_>) -> Result<Credential> {
        let fetched = self.token(request.host).await;
        fetched.map_err(|error| error.or_origin(&self.origin))
    }

    fn describe(&self) -> String {
        format!(
            "GitHub Actions token for the audience {}",
            sanitize_line(&self.audience)
        )
    }

    fn origin(&self) -> Option<&Origin> {
        Some(&self.origin)
    }

    fn sharing_key(&self, _: &Cluster) -> Option<SharingKey> {
        Some(self.sharing.clone())
    }

    /// Returns an error if this is not a job that may request tokens. Sends no request.
    async fn check(&self, host: &Host) -> Result<Option<Credential>> {
        Job::read(host).map_err(|error| error.or_origin(&self.origin))?;
        issuer_trust(self.authority.as_ref(), host).await.map(|_| None)
    }
}
