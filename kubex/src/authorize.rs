//! A request on its way to the server: whether it goes there, and what it carries then.

use std::sync::Arc;

use http::HeaderMap;
use http::header::AUTHORIZATION;
use kubex_core::{ClientConfiguration, Credential};

/// The header that says whom to act as. A request that carries it brings its own impersonation.
const IMPERSONATE_USER: &str = "impersonate-user";

/// What a configuration puts on requests to its server. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Authorizer(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    configuration: ClientConfiguration,
    #[cfg(feature = "tower")]
    host: String,
    #[cfg(feature = "tower")]
    port: Option<u16>,
}

impl Authorizer {
    pub(crate) fn of(configuration: &ClientConfiguration) -> Self {
        #[cfg(feature = "tower")]
        let server = configuration.cluster().server.url();
        Self(Arc::new(Shared {
            #[cfg(feature = "tower")]
            host: server.host_str().unwrap_or_default().to_owned(),
            #[cfg(feature = "tower")]
            port: server.port_or_known_default(),
            configuration: configuration.clone(),
        }))
    }

    pub(crate) fn configuration(&self) -> &ClientConfiguration {
        &self.0.configuration
    }

    /// Whether a request to this address goes to the configuration's server: the same scheme, host and port. An
    /// address without them goes where its caller's connection goes.
    #[cfg(feature = "tower")]
    pub(crate) fn is_for(&self, uri: &http::Uri) -> bool {
        let (Some(scheme), Some(host)) = (uri.scheme_str(), uri.host()) else {
            return uri.scheme().is_none() && uri.authority().is_none();
        };
        let known_port = match scheme {
            "https" => Some(443),
            "http" => Some(80),
            _ => None,
        };
        scheme == self.configuration().cluster().server.url().scheme()
            && host.eq_ignore_ascii_case(&self.0.host)
            && uri.port_u16().or(known_port) == self.0.port
    }

    /// Whether a request brings a credential of its own.
    #[cfg(any(feature = "reqwest", feature = "tower"))]
    pub(crate) fn brings_its_own(headers: &HeaderMap) -> bool {
        headers.contains_key(AUTHORIZATION)
    }

    /// Puts the credential and the impersonation on a request that brings no credential of its own.
    pub(crate) fn authorize(&self, credential: &Credential, headers: &mut HeaderMap) {
        if let Some(authorization) = credential.authorization() {
            headers.insert(AUTHORIZATION, authorization.clone());
        }
        self.impersonate(headers);
    }

    /// Puts the impersonation on a request, unless it brings its own.
    pub(crate) fn impersonate(&self, headers: &mut HeaderMap) {
        if !headers.contains_key(IMPERSONATE_USER) {
            for (name, value) in self.configuration().impersonation_headers() {
                headers.append(name, value.clone());
            }
        }
    }

    /// Whether a request carries this credential, and not one of its own.
    #[cfg(any(feature = "reqwest", feature = "kube"))]
    pub(crate) fn carries(credential: &Credential, headers: &HeaderMap) -> bool {
        headers.get(AUTHORIZATION) == credential.authorization()
    }

    /// Puts a credential in the place of the one that the request carries.
    #[cfg(any(feature = "reqwest", feature = "kube"))]
    pub(crate) fn replace(credential: &Credential, headers: &mut HeaderMap) {
        match credential.authorization() {
            Some(authorization) => drop(headers.insert(AUTHORIZATION, authorization.clone())),
            None => drop(headers.remove(AUTHORIZATION)),
        }
    }
}
