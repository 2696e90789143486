//! The credential source: the tokens of one user, and their refresh.

use std::path::Path;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use kubex_core::credentials::{SavedSecret, SharingKey, StoreIdentity};
use kubex_core::options::{KubeconfigUser, Pem};
use kubex_core::text::clean_line;
use kubex_core::time::rfc3339;
use kubex_core::{
    BuildContext, Cluster, Credential, CredentialSource, Error, ErrorKind, ExposeSecret, FetchReason,
    FetchRequest, FromOptions, Host, Origin, Result, SecretString, Warning,
};
use kubex_tls::issuer::{IssuerClient, issuer_trust};
use zeroize::Zeroizing;

use crate::grant::{self, Client};
use crate::id_token::expiry;
use crate::issuer::Issuer;
use crate::options::OidcOptions;
use crate::tokens::{InFile, TokenStore, Tokens, Turn};
use crate::write_back::{self, Login};

/// How long before its `exp` an id-token is no longer used (client-go, `oidc.go`, `expiryDelta`).
const EARLY: Duration = Duration::from_secs(10);

/// The time limit of a refresh: discovery, and at most two requests to the token endpoint.
const DEADLINE: Duration = Duration::from_secs(30);

/// Keeps an OpenID Connect id-token and renews it: the credential source of the provider `oidc`. See the [crate](crate).
#[derive(Debug)]
pub struct OidcSource {
    issuer: Issuer,
    client: Client,
    authority: Option<Pem>,
    /// The key under which equal sources share their tokens.
    sharing: SharingKey,
    /// Distinguishes the login from others, in all processes.
    identity: StoreIdentity,
    origins: Origins,
    /// The kubeconfig that new tokens are written to.
    written_to: Option<KubeconfigUser>,
    tokens: TokenStore,
}

/// The origins of the options.
#[derive(Debug)]
struct Origins {
    issuer: Origin,
    id_token: Origin,
    refresh_token: Origin,
}

impl FromOptions for OidcSource {
    type Options = OidcOptions;

    fn from_options(options: OidcOptions, context: &BuildContext<'_>) -> Result<Self> {
        let origin_of = |key| context.options.origin_of(key);
        for (key, text) in [
            ("idp-issuer-url", &options.idp_issuer_url),
            ("client-id", &options.client_id),
        ] {
            if text.is_empty() {
                return Err(
                    Error::new(ErrorKind::MissingField, format_args!("\"{key}\" is empty"))
                        .with_origin(&origin_of(key))
                        .with_help(format_args!("set \"{key}\"")),
                );
            }
        }
        let written_to = context.options.is_written_to();
        let sharing = sharing_key(&options, written_to);
        let issuer = Issuer::parse(&options.idp_issuer_url)
            .map_err(|error| error.with_origin(&origin_of("idp-issuer-url")))?;
        let identity = store_identity(&options, &issuer);
        let data = not_empty(options.idp_certificate_authority_data);
        // Inline data takes precedence, as in client-go.
        let file = options
            .idp_certificate_authority
            .filter(|file| data.is_none() && !file.as_os_str().is_empty());
        let (id_token, refresh_token) = (not_empty(options.id_token), not_empty(options.refresh_token));
        Ok(Self {
            issuer,
            sharing,
            identity,
            client: Client {
                id: options.client_id,
                secret: not_empty(options.client_secret),
            },
            authority: Pem::new("idp-certificate-authority", file, data, context.options)?,
            origins: Origins {
                issuer: origin_of("idp-issuer-url"),
                id_token: origin_of("id-token"),
                refresh_token: origin_of("refresh-token"),
            },
            written_to: written_to.cloned(),
            tokens: TokenStore::new(Tokens {
                id_token: id_token.clone(),
                since: None,
                refresh_token: refresh_token.clone(),
                in_file: InFile {
                    id_token,
                    refresh_token,
                },
                style: None,
            }),
        })
    }
}

/// One set of tokens for each issuer, client and user: an issuer that rotates refresh tokens treats two uses of one token as
/// theft. Users are distinguished by their first tokens. Sources that write them to a kubeconfig are others than those that do
/// not.
fn sharing_key(options: &OidcOptions, written_to: Option<&KubeconfigUser>) -> SharingKey {
    let file = options
        .idp_certificate_authority
        .as_deref()
        .unwrap_or(Path::new(""));
    let secrets = [
        &options.client_secret,
        &options.id_token,
        &options.refresh_token,
        &options.idp_certificate_authority_data,
    ];
    let key = SharingKey::new("oidc")
        .with(&options.idp_issuer_url)
        .with(&options.client_id)
        .with(file.as_os_str().as_encoded_bytes())
        .with(written_to.map_or(&[][..], |user| user.file.as_os_str().as_encoded_bytes()))
        .with(written_to.map_or("", |user| &user.name));
    secrets.into_iter().fold(key, |key, secret| {
        // An empty text means the same as a missing one.
        key.with(secret.as_ref().map_or("", |secret| secret.expose_secret()))
    })
}

/// A login is identified by its refresh token, so that no two slots of a store use the same one. Without one, the id-token
/// identifies it.
fn store_identity(options: &OidcOptions, issuer: &Issuer) -> StoreIdentity {
    let description = describe(issuer, &options.client_id);
    let text = |secret: &Option<SecretString>| {
        let text = secret.as_ref().map(|secret| secret.expose_secret().to_owned());
        Zeroizing::new(text.unwrap_or_default())
    };
    let refresh_token = text(&options.refresh_token);
    let login = if refresh_token.is_empty() {
        text(&options.id_token)
    } else {
        refresh_token
    };
    let file = options
        .idp_certificate_authority
        .as_deref()
        .unwrap_or(Path::new(""));
    StoreIdentity::new("oidc", &description)
        .with("issuer", &options.idp_issuer_url)
        .with("client", &options.client_id)
        .with("client secret", text(&options.client_secret).as_bytes())
        .with("certificate authority", file.as_os_str().as_encoded_bytes())
        .with(
            "certificate authority data",
            text(&options.idp_certificate_authority_data).as_bytes(),
        )
        .with("login", login.as_bytes())
}

fn describe(issuer: &Issuer, client: &str) -> String {
    format!("OIDC issuer {issuer}, client {}", clean_line(client))
}

fn not_empty(text: Option<SecretString>) -> Option<SecretString> {
    text.filter(|text| !text.expose_secret().is_empty())
}

impl OidcSource {
    /// The current id-token, if it satisfies this request.
    ///
    /// A token that expires soon is renewed early, while it is still served. If more than half of its lifetime is left,
    /// another handle of the same source has just renewed it.
    fn held(&self, tokens: &mut Tokens, why: FetchReason, now: SystemTime) -> Result<Option<Credential>> {
        let Some(token) = &tokens.id_token else {
            return Ok(None);
        };
        let end = expiry(token)
            .map_err(|error| self.malformed(error))?
            .map(end_of_use);
        let Some(end) = end.filter(|end| now < *end) else {
            return Ok(None);
        };
        let since = *tokens.since.get_or_insert(now);
        let is_sufficient = match why {
            FetchReason::Rejected => false,
            FetchReason::Expiring if tokens.refresh_token.is_some() => {
                end.duration_since(now).ok() > now.duration_since(since).ok()
            }
            _ => true,
        };
        is_sufficient.then(|| self.credential(token, end)).transpose()
    }

    async fn fetch_with(
        &self,
        request: FetchRequest<'_>,
        saved: Option<&dyn SavedSecret>,
    ) -> Result<Credential> {
        let (why, host) = (request.reason, request.host);
        let held = |tokens: &mut Tokens| self.held(tokens, why, host.now().wall).transpose();
        match self.tokens.turn(host, self.deadline(), held).await {
            Ok(held) => held,
            Err(mut turn) => self.refresh(&mut turn, why, host, saved).await,
        }
    }

    async fn refresh(
        &self,
        turn: &mut Turn<'_>,
        why: FetchReason,
        host: &Host,
        saved: Option<&dyn SavedSecret>,
    ) -> Result<Credential> {
        let login = match &self.written_to {
            Some(user) => self.begin(user, host).await?,
            None => None,
        };
        if let Some(login) = &login
            && turn.tokens.adopt_file(&login.tokens)
            && let Some(credential) = self.held(&mut turn.tokens, FetchReason::First, host.now().wall)?
        {
            return Ok(credential);
        }
        let Some(refresh_token) = turn.tokens.refresh_token.clone() else {
            return Err(self.cannot_refresh(&turn.tokens, why));
        };
        let trust = issuer_trust(self.authority.as_ref(), host).await?;
        let http = IssuerClient::new(&trust, "idp-certificate-authority", host)?;
        let endpoint = self
            .issuer
            .token_endpoint(&http)
            .await
            .map_err(|error| error.with_origin(&self.origins.issuer))?;
        if turn.is_lost() {
            return Err(self.unusable(ErrorKind::TimedOut, "was not asked in time"));
        }
        let tokens = &mut turn.tokens;
        if let Some(saved) = saved {
            // Saved once before the refresh, so that no refresh token is used up if its successor cannot be saved.
            self.save(tokens, saved)?;
        }
        let fresh = grant::refresh(&http, &endpoint, &self.client, &refresh_token, &mut tokens.style)
            .await
            .map_err(|error| error.with_origin(&self.origins.refresh_token))?;

        // Keep the new refresh token even if the rest of the response is invalid: the old one may be used up.
        if let Some(rotated) = fresh.refresh_token {
            tokens.refresh_token = Some(rotated);
        }
        if let Some(saved) = saved {
            // Nothing is awaited between the response and this.
            self.save(tokens, saved)?;
        }
        let renewed = self.renewed(fresh.id_token);
        if let Ok((token, _)) = &renewed {
            tokens.id_token = Some(token.clone());
            tokens.since = Some(host.now().wall);
        }
        if let Some(login) = login {
            let id_token = renewed.as_ref().ok().map(|(token, _)| token.clone());
            let refresh_token = tokens.refresh_token.clone().unwrap_or(refresh_token);
            let written = login.write(id_token, refresh_token).await;
            tokens.in_file = written.map_err(|error| error.or_origin(&self.origins.refresh_token))?;
        }
        renewed.map(|(_, credential)| credential)
    }

    /// The new id-token, and the credential with it.
    fn renewed(&self, id_token: Option<SecretString>) -> Result<(SecretString, Credential)> {
        let token = id_token.ok_or_else(|| {
            self.unusable(
                ErrorKind::Unavailable,
                "returned no id-token for the refresh token: either the login did not request the scope \
                 \"openid\", or the issuer does not renew id-tokens",
            )
            .with_help("log in with the scope \"openid\"")
        })?;
        let end = expiry(&token)
            .map_err(|error| {
                self.unusable(
                    error.kind(),
                    &format!("returned an invalid id-token: {}", error.message()),
                )
            })?
            .ok_or_else(|| {
                self.unusable(
                    ErrorKind::InvalidToken,
                    "returned an id-token that has no \"exp\"",
                )
            })
            .map(end_of_use)?;
        let credential = self.credential(&token, end)?;
        Ok((token, credential))
    }

    /// The turn to renew the login that the kubeconfig contains.
    async fn begin(&self, user: &KubeconfigUser, host: &Host) -> Result<Option<Login>> {
        let begun = Login::begin(user, host).await;
        begun.map_err(|error| {
            let help = error.help().unwrap_or("set \"write-tokens\" to false").to_owned();
            error.or_origin(&self.origins.refresh_token).with_help(help)
        })
    }

    fn save(&self, tokens: &Tokens, saved: &dyn SavedSecret) -> Result<()> {
        let Some(secret) = tokens.to_saved() else {
            return Ok(());
        };
        saved.save(&secret).map_err(|error| {
            let why = format_args!("the refresh-token cannot be saved: {}", error.message());
            Error::new(ErrorKind::Unavailable, why)
                .with_origin(&self.origins.refresh_token)
                .with_help(error.help().unwrap_or("set \"cache\" of the source to memory"))
        })
    }

    fn credential(&self, token: &SecretString, end: SystemTime) -> Result<Credential> {
        let credential = Credential::bearer(token.clone()).map_err(|error| self.malformed(error))?;
        Ok(credential.with_expiry(Some(end)))
    }

    fn malformed(&self, error: Error) -> Error {
        error
            .with_origin(&self.origins.id_token)
            .with_help("log in again")
    }

    fn unusable(&self, kind: ErrorKind, what: &str) -> Error {
        Error::new(kind, format_args!("the OIDC issuer {} {what}", self.issuer))
            .with_origin(&self.origins.issuer)
    }

    /// The error if the id-token is not valid and cannot be renewed.
    fn cannot_refresh(&self, tokens: &Tokens, why: FetchReason) -> Error {
        let Some(token) = &tokens.id_token else {
            return self.no_token();
        };
        let (kind, what) = match (why, expiry(token)) {
            (FetchReason::Rejected, _) => (ErrorKind::Unavailable, "was rejected by the server".to_owned()),
            (_, Ok(Some(end))) => (
                ErrorKind::Expired,
                format!("has expired or is about to expire, at {}", rfc3339(end)),
            ),
            _ => (ErrorKind::Expired, "has no \"exp\"".to_owned()),
        };
        Error::new(
            kind,
            format_args!("the id-token {what}, and there is no refresh-token to renew it with"),
        )
        .with_origin(&self.origins.id_token)
        .with_help("log in again")
    }

    fn no_token(&self) -> Error {
        Error::new(
            ErrorKind::MissingField,
            "there is neither an id-token nor a refresh-token",
        )
        .with_origin(&self.origins.refresh_token)
        .with_help("log in, or set \"refresh-token\"")
    }
}

/// The time from which on an id-token is no longer used.
fn end_of_use(expires_at: SystemTime) -> SystemTime {
    expires_at.checked_sub(EARLY).unwrap_or(expires_at)
}

#[async_trait]
impl CredentialSource for OidcSource {
    async fn fetch(&self, request: FetchRequest<'_>) -> Result<Credential> {
        self.fetch_with(request, None).await
    }

    /// Uses the saved refresh token if there is one, because it is newer than the token in the options.
    async fn fetch_saving(&self, request: FetchRequest<'_>, saved: &dyn SavedSecret) -> Result<Credential> {
        if let Some(secret) = saved.saved() {
            self.tokens.read(|tokens| tokens.adopt(&secret));
        }
        self.fetch_with(request, Some(saved)).await
    }

    fn uses_up_a_secret(&self) -> bool {
        self.tokens.read(|tokens| tokens.refresh_token.is_some())
    }

    async fn store_identity(&self, _: &Host, _: &Cluster) -> Option<StoreIdentity> {
        Some(self.identity.clone())
    }

    fn describe(&self) -> String {
        describe(&self.issuer, &self.client.id)
    }

    /// The time limit includes the wait for another process that renews the tokens in the kubeconfig.
    fn deadline(&self) -> Duration {
        match self.written_to {
            Some(_) => DEADLINE + write_back::LONGEST_WAIT,
            None => DEADLINE,
        }
    }

    /// Returns a warning if the refresh token of the options is going to be replaced. An issuer that rotates refresh
    /// tokens then accepts only the new one, which other programs do not find in their file.
    async fn warnings(&self, host: &Host) -> Vec<Warning> {
        let is_valid = |token: &SecretString| {
            expiry(token)
                .ok()
                .flatten()
                .is_some_and(|end| host.now().wall < end_of_use(end))
        };
        let is_needed = self
            .tokens
            .read(|tokens| tokens.refresh_token.is_some() && !tokens.id_token.as_ref().is_some_and(is_valid));
        if !is_needed || self.written_to.is_some() {
            return Vec::new();
        }
        let warning = Warning::new(
            "refresh-token-not-saved",
            "the id-token has to be renewed with the refresh-token, and a new refresh-token is not saved: if the issuer \
             rotates refresh tokens, other programs have to log in again; set \"write-tokens: true\" or \"cache: shared\" for the \
             source in Kubex's own configuration",
        );
        vec![warning.with_origin(&self.origins.refresh_token)]
    }

    fn origin(&self) -> Option<&Origin> {
        Some(&self.origins.issuer)
    }

    fn sharing_key(&self, _: &Cluster) -> Option<SharingKey> {
        Some(self.sharing.clone())
    }

    async fn check(&self, host: &Host) -> Result<Option<Credential>> {
        self.tokens
            .read(|tokens| match (&tokens.id_token, &tokens.refresh_token) {
                (None, None) => Err(self.no_token()),
                (Some(token), _) => expiry(token).map(drop).map_err(|error| self.malformed(error)),
                _ => Ok(()),
            })?;
        issuer_trust(self.authority.as_ref(), host).await.map(|_| None)
    }
}
