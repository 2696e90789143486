//! Requests the token from Microsoft Entra or from the machine, with the Azure SDK.

use std::sync::Arc;
use std::time::SystemTime;

use async_trait::async_trait;
use azure_core::cloud::CustomConfiguration;
use azure_core::credentials::{AccessToken, TokenCredential};
use azure_core::http::{ClientMethodOptions, ClientOptions, RetryOptions, Transport};
use azure_identity::{
    ClientAssertion, ClientAssertionCredential, ClientAssertionCredentialOptions, ClientSecretCredential,
    ClientSecretCredentialOptions, ManagedIdentityCredential, ManagedIdentityCredentialOptions,
    UserAssignedId,
};
use kubex_core::{ExposeSecret, Host, Proxy, Result, SecretString, Trust};
use tracing::instrument::WithSubscriber as _;
use tracing::subscriber::NoSubscriber;
use url::Url;

use crate::connector::Connector;
use crate::failure::{Server, failed, malformed, not_accepted};
use crate::settings::{Application, ManagedIdentity, Proof};

/// The server that issues the token, and the identity.
#[derive(Clone, Copy)]
pub(crate) enum Requested<'a> {
    /// The machine, for a managed identity.
    Machine(&'a ManagedIdentity),
    /// Microsoft Entra, for an application.
    Entra(&'a Application),
}

/// Requests a token of this scope, and returns it with its expiry.
///
/// # Errors
/// `Unavailable` if Azure refuses or cannot be reached, `TimedOut`, and `MalformedDocument` for an answer without a token;
/// `InvalidValue` for an invalid proxy.
pub(crate) async fn request(
    of: Requested<'_>,
    scope: &str,
    trust: &Trust,
    host: &Host,
) -> Result<(SecretString, SystemTime)> {
    let connector = Arc::new(Connector::new(trust, host)?);
    let (server, credential) = match of {
        Requested::Machine(identity) => (Server::Machine, managed(identity, &connector)),
        Requested::Entra(application) => {
            // An invalid proxy is an error before a request is sent.
            Proxy::from_environment(&application.authority, host)?;
            let server = Server::Entra(application.authority.clone());
            (server, of_application(application, &connector))
        }
    };
    let credential = credential.map_err(|_| not_accepted())?;
    let scopes = [scope];
    let got = credential.get_token(&scopes, None);
    // The SDK's events contain more than may be logged.
    let got = got.with_subscriber(Arc::new(NoSubscriber::default())).await;
    let AccessToken {
        token, expires_on, ..
    } = got.map_err(|error| failed(&error, connector.was_asked(), &server))?;
    let token = SecretString::from(token.secret());
    if token.expose_secret().is_empty() {
        return Err(malformed("no token", &server));
    }
    let expiry = match connector.lifetime() {
        Some(lifetime) => host.now().wall + lifetime,
        None => expires_on.into(),
    };
    Ok((token, expiry))
}

fn managed(
    identity: &ManagedIdentity,
    connector: &Arc<Connector>,
) -> azure_core::Result<Arc<dyn TokenCredential>> {
    let options = ManagedIdentityCredentialOptions {
        user_assigned_id: match identity {
            ManagedIdentity::SystemAssigned => None,
            ManagedIdentity::ClientId(id) => Some(UserAssignedId::ClientId(id.clone())),
            ManagedIdentity::ResourceId(id) => Some(UserAssignedId::ResourceId(id.clone())),
        },
        client_options: client_options(connector, None),
    };
    let credential = ManagedIdentityCredential::new(Some(options))?;
    Ok(credential)
}

fn of_application(
    application: &Application,
    connector: &Arc<Connector>,
) -> azure_core::Result<Arc<dyn TokenCredential>> {
    let client_options = client_options(connector, Some(&application.authority));
    let (tenant, client) = (&application.tenant, application.client.clone());
    Ok(match &application.proof {
        Proof::Secret(secret) => {
            let secret = secret.expose_secret().to_owned().into();
            let options = ClientSecretCredentialOptions { client_options };
            ClientSecretCredential::new(tenant, client, secret, Some(options))?
        }
        Proof::Token(token) => {
            let options = ClientAssertionCredentialOptions { client_options };
            let assertion = Assertion(token.clone());
            ClientAssertionCredential::new(tenant.clone(), client, assertion, Some(options))?
        }
    })
}

/// The SDK does not retry, because Kubex does. For the metadata service, it has its own rules.
fn client_options(connector: &Arc<Connector>, authority: Option<&Url>) -> ClientOptions {
    let cloud = authority.map(|authority| {
        let mut cloud = CustomConfiguration::default();
        authority.as_str().clone_into(&mut cloud.authority_host);
        Arc::new(cloud.into())
    });
    ClientOptions {
        retry: RetryOptions::none(),
        transport: Some(Transport::new(Arc::clone(connector) as _)),
        cloud,
        ..ClientOptions::default()
    }
}

/// The token that is exchanged, which Kubex has read.
#[derive(Debug)]
struct Assertion(SecretString);

#[async_trait]
impl ClientAssertion for Assertion {
    async fn secret(&self, _: Option<ClientMethodOptions<'_>>) -> azure_core::Result<String> {
        Ok(self.0.expose_secret().to_owned())
    }
}
