//! Decides whether a request gets the credential, and adds the credential and the impersonation headers.

use std::sync::Arc;

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName};
use kubex_core::{ClientConfiguration, Credential, Error, ErrorKind, Result};

/// The most headers of a request before Kubex adds its own. A header map holds 24,576, and HTTP clients add some without
/// asking whether there is room.
const MAX_OWN_HEADERS: usize = 16_384;

/// The header of the impersonated user. A request that already has it keeps its own impersonation.
static IMPERSONATE_USER: HeaderName = HeaderName::from_static("impersonate-user");

/// Adds the headers of a configuration to requests to its server. It is cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Authorizer(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    configuration: ClientConfiguration,
    /// Host and port as most requests name them, for a comparison without parsing.
    #[cfg(feature = "tower")]
    authority: String,
    #[cfg(feature = "tower")]
    host: String,
    #[cfg(feature = "tower")]
    port: Option<u16>,
}

impl Authorizer {
    pub(crate) fn new(configuration: &ClientConfiguration) -> Self {
        #[cfg(feature = "tower")]
        let server = configuration.cluster().server.url();
        #[cfg(feature = "tower")]
        let host = server.host_str().unwrap_or_default();
        Self(Arc::new(Shared {
            #[cfg(feature = "tower")]
            authority: server
                .port()
                .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")),
            #[cfg(feature = "tower")]
            host: host.to_owned(),
            #[cfg(feature = "tower")]
            port: server.port_or_known_default(),
            configuration: configuration.clone(),
        }))
    }

    pub(crate) fn configuration(&self) -> &ClientConfiguration {
        &self.0.configuration
    }

    /// Checks that the path of a request stays below the server's own path. A URI that consists of a path only is
    /// relative to that path.
    #[cfg(feature = "tower")]
    pub(crate) fn check_path(&self, uri: &http::Uri) -> Result<()> {
        let server = &self.configuration().cluster().server;
        if uri.authority().is_some() {
            server.check_full_path(uri.path())
        } else {
            server.check_path_below(uri.path())
        }
    }

    /// Whether a request to this URI goes to the configuration's server: the same scheme, host and port. A URI
    /// without them is assumed to go there, because the caller's connection decides.
    #[cfg(feature = "tower")]
    pub(crate) fn is_for(&self, uri: &http::Uri) -> bool {
        let (Some(scheme), Some(host)) = (uri.scheme_str(), uri.host()) else {
            return uri.scheme().is_none() && uri.authority().is_none();
        };
        let is_scheme = scheme == self.configuration().cluster().server.url().scheme();
        if is_scheme
            && uri
                .authority()
                .is_some_and(|authority| authority.as_str() == self.0.authority)
        {
            return true;
        }
        let known_port = match scheme {
            "https" => Some(443),
            "http" => Some(80),
            _ => None,
        };
        is_scheme && host.eq_ignore_ascii_case(&self.0.host) && uri.port_u16().or(known_port) == self.0.port
    }

    /// Whether a request already has an `Authorization` header.
    #[cfg(any(feature = "reqwest", feature = "tower"))]
    pub(crate) fn has_own_credential(headers: &HeaderMap) -> bool {
        headers.contains_key(AUTHORIZATION)
    }

    /// Adds the credential and the impersonation headers to a request without its own credential.
    ///
    /// # Errors
    /// `RequestFailed` if the request has no room for them.
    pub(crate) fn authorize(&self, credential: &Credential, headers: &mut HeaderMap) -> Result<()> {
        Self::replace(credential, headers)?;
        self.impersonate(headers)
    }

    /// Adds the impersonation headers to a request, unless it has its own.
    pub(crate) fn impersonate(&self, headers: &mut HeaderMap) -> Result<()> {
        let impersonation = self.configuration().impersonation_headers();
        if headers.len() > MAX_OWN_HEADERS {
            return Err(too_many_headers());
        }
        if !impersonation.is_empty() && !headers.contains_key(&IMPERSONATE_USER) {
            for (name, value) in impersonation {
                let added = headers.try_append(name, value.clone());
                added.map_err(|_| too_many_headers())?;
            }
        }
        Ok(())
    }

    /// Whether a request contains this credential and not its own.
    #[cfg(any(feature = "reqwest", feature = "kube"))]
    pub(crate) fn carries(credential: &Credential, headers: &HeaderMap) -> bool {
        headers.get(AUTHORIZATION) == credential.authorization()
    }

    /// Replaces the credential of the request.
    pub(crate) fn replace(credential: &Credential, headers: &mut HeaderMap) -> Result<()> {
        if let Some(authorization) = credential.authorization() {
            let set = headers.try_insert(AUTHORIZATION, authorization.clone());
            set.map(drop).map_err(|_| too_many_headers())
        } else {
            headers.remove(AUTHORIZATION);
            Ok(())
        }
    }
}

/// The error for a header map that is full.
pub(crate) fn too_many_headers() -> Error {
    Error::new(
        ErrorKind::RequestFailed,
        format_args!("the request has too many headers; {MAX_OWN_HEADERS} is the most"),
    )
    .with_help("send fewer headers")
}
