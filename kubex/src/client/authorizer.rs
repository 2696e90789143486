//! Decides whether a request gets the credential, and adds the credential and the impersonation headers.

use std::ops::Deref;
use std::sync::Arc;

#[cfg(any(feature = "reqwest", feature = "tower"))]
use http::StatusCode;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue};
#[cfg(feature = "tower")]
use kubex_core::__private::Padded;
use kubex_core::__private::Shards;
#[cfg(any(feature = "reqwest", feature = "tower"))]
use kubex_core::Generation;
use kubex_core::{ClientConfiguration, Credential, Error, ErrorKind, Result};

/// The most headers of a request before Kubex adds its own. A header map holds 24,576, and HTTP clients add some without
/// asking whether there is room.
const MAX_OWN_HEADERS: usize = 16_384;

/// The header of the impersonated user. A request that already has it keeps its own impersonation.
static IMPERSONATE_USER: HeaderName = HeaderName::from_static("impersonate-user");

/// Adds the headers of a configuration to requests to its server. It is cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Authorizer {
    rules: Arc<Rules>,
    /// References for requests. Each thread has its own reference counter, so that threads do not contend for one.
    #[cfg(feature = "tower")]
    references: Arc<Shards<RequestAuthorizer>>,
}

/// A reference to an authorizer, for one request. Cloning it writes to a counter that few threads share.
#[cfg(feature = "tower")]
#[derive(Clone, Debug)]
pub(crate) struct RequestAuthorizer(Arc<Padded<Arc<Rules>>>);

/// The headers of a configuration, and the requests that get them.
#[derive(Debug)]
pub(crate) struct Rules {
    #[cfg(any(feature = "reqwest", feature = "tower"))]
    configuration: ClientConfiguration,
    /// The impersonation headers, with counters for each thread that needs them; `None` without impersonation.
    impersonation: Option<Shards<HeaderMap>>,
    #[cfg(feature = "tower")]
    scheme: String,
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
        let impersonation = configuration.impersonation_headers().clone();
        let rules = Arc::new(Rules {
            impersonation: (!impersonation.is_empty())
                .then(|| Shards::new(copy(&impersonation), move || copy(&impersonation))),
            #[cfg(feature = "tower")]
            scheme: server.scheme().to_owned(),
            #[cfg(feature = "tower")]
            authority: server
                .port()
                .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")),
            #[cfg(feature = "tower")]
            host: host.to_owned(),
            #[cfg(feature = "tower")]
            port: server.port_or_known_default(),
            #[cfg(any(feature = "reqwest", feature = "tower"))]
            configuration: configuration.clone(),
        });
        #[cfg(feature = "tower")]
        let reference = {
            let rules = Arc::clone(&rules);
            move || RequestAuthorizer(Arc::new(Padded(Arc::clone(&rules))))
        };
        Self {
            #[cfg(feature = "tower")]
            references: Arc::new(Shards::new(reference(), reference)),
            rules,
        }
    }

    /// A reference for a request that this thread sends.
    #[cfg(feature = "tower")]
    pub(crate) fn for_request(&self) -> RequestAuthorizer {
        self.references.get().clone()
    }

    /// Whether a request already has an `Authorization` header.
    #[cfg(any(feature = "reqwest", feature = "tower"))]
    pub(crate) fn has_own_credential(headers: &HeaderMap) -> bool {
        headers.contains_key(AUTHORIZATION)
    }

    /// Whether a request contains this credential and not its own.
    #[cfg(any(feature = "reqwest", feature = "hyper"))]
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

impl Deref for Authorizer {
    type Target = Rules;

    fn deref(&self) -> &Rules {
        &self.rules
    }
}

#[cfg(feature = "tower")]
impl Deref for RequestAuthorizer {
    type Target = Rules;

    fn deref(&self) -> &Rules {
        let Padded(rules) = &*self.0;
        rules
    }
}

/// A copy of headers that shares no counter with them.
fn copy(headers: &HeaderMap) -> HeaderMap {
    let mut copied = HeaderMap::with_capacity(headers.len());
    for (name, value) in headers {
        // A name and a value that are valid once are valid again.
        let name = HeaderName::from_bytes(name.as_ref()).unwrap_or_else(|_| name.clone());
        let value = HeaderValue::from_bytes(value.as_bytes()).unwrap_or_else(|_| value.clone());
        if copied.try_append(name, value).is_err() {
            return headers.clone();
        }
    }
    copied
}

impl Rules {
    #[cfg(any(feature = "reqwest", feature = "tower"))]
    pub(crate) fn configuration(&self) -> &ClientConfiguration {
        &self.configuration
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
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return uri.scheme().is_none() && uri.authority().is_none();
        };
        if scheme != self.scheme {
            return false;
        }
        if authority.as_str() == self.authority {
            return true;
        }
        let known_port = match scheme {
            "https" => Some(443),
            "http" => Some(80),
            _ => None,
        };
        authority.host().eq_ignore_ascii_case(&self.host) && authority.port_u16().or(known_port) == self.port
    }

    /// Adds the credential and the impersonation headers to a request without its own credential.
    ///
    /// # Errors
    /// `RequestFailed` if the request has no room for them.
    pub(crate) fn authorize(&self, credential: &Credential, headers: &mut HeaderMap) -> Result<()> {
        Authorizer::replace(credential, headers)?;
        self.impersonate(headers)
    }

    /// Reports whether the server accepted the credential of a request. The statuses 407 and 5xx show neither.
    /// Returns whether the credential was rejected.
    #[cfg(any(feature = "reqwest", feature = "tower"))]
    #[inline]
    pub(crate) fn judge(&self, sent: Generation, status: StatusCode) -> bool {
        let credentials = self.configuration().credentials();
        let is_rejected = status == StatusCode::UNAUTHORIZED;
        if is_rejected {
            credentials.invalidate(sent);
        } else if status != StatusCode::PROXY_AUTHENTICATION_REQUIRED && !status.is_server_error() {
            credentials.accept(sent);
        }
        is_rejected
    }

    /// Adds the impersonation headers to a request, unless it has its own.
    pub(crate) fn impersonate(&self, headers: &mut HeaderMap) -> Result<()> {
        if headers.len() > MAX_OWN_HEADERS {
            return Err(too_many_headers());
        }
        if let Some(impersonation) = &self.impersonation
            && !headers.contains_key(&IMPERSONATE_USER)
        {
            for (name, value) in impersonation.get() {
                let added = headers.try_append(name, value.clone());
                added.map_err(|_| too_many_headers())?;
            }
        }
        Ok(())
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
