//! From the bytes of a kubeconfig to the headers of a request.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::task::{Context, Poll};

use kubex::{ClientConfiguration, Trust};
use kubex_core::host::SimulatedHost;
use tower_layer::Layer as _;
use tower_service::Service;

use crate::{now, shown};

/// Configures clients from bytes that the program does not trust, and from the same bytes if it does, and sends a request.
pub fn assert_never_panics(bytes: &[u8]) {
    for is_trusted in [false, true] {
        let world = SimulatedHost::new();
        let resolved = now(kubex::configure_from_kubeconfig()
            .host(world.host())
            .trusted(is_trusted)
            .bytes(bytes.to_vec())
            .into_future());
        let _ = shown(&resolved);
        if let Ok(configuration) = resolved {
            send(&configuration);
        }
    }
}

fn send(configuration: &ClientConfiguration) {
    // The system's certificates are read from its files, and an issuer is asked over the network.
    if !matches!(configuration.cluster().trust, Trust::System) {
        let _ = kubex::rustls::client_config(configuration).map_err(|error| error.to_string());
    }
    let _ = kubex::rustls::server_name(configuration).map_err(|error| error.to_string());
    if configuration.provenance().origin_of("idp-issuer-url").is_some() {
        return;
    }
    let layer = kubex::tower::AuthLayer::new(configuration);
    let mut client = layer.replaying_clones().layer(Echo);
    for path in ["/version", "/a/../../b", "https://10.0.0.1/version"] {
        let Ok(request) = http::Request::get(path).body(()) else {
            continue;
        };
        let answer = now(client.call(request));
        let _ = answer.map_err(|error| error.to_string());
    }
}

/// Accepts each request, and counts its headers.
#[derive(Clone)]
struct Echo;

impl Service<http::Request<()>> for Echo {
    type Response = http::Response<usize>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<()>) -> Self::Future {
        ready(Ok(http::Response::new(request.headers().len())))
    }
}
