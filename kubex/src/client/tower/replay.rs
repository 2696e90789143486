//! Decides which requests can be sent twice.

use http::Request;

/// Copies the body of a request, so that the request can be sent a second time.
///
/// Choose the method of `AuthLayer` by the type of the body:
///
/// | body | method of `AuthLayer` |
/// |---|---|
/// | a `Clone` body, such as `http_body_util::Full` | [`replaying_clones`](super::AuthLayer::replaying_clones) |
/// | kube | `replaying(\|body: &kube::client::Body\| body.try_clone())` |
/// | reqwest | `replaying(\|body: &reqwest::Body\| body.as_bytes().map(\|bytes\| bytes.to_vec().into()))` |
/// | a stream, such as tonic's | none: the caller gets the 401 |
pub trait Replay<B> {
    /// Returns a copy of the body, or `None` if the body can be sent only once.
    fn copy(&self, body: &B) -> Option<B>;
}

/// Copies no body, so that no request is sent twice.
#[derive(Clone, Copy, Debug, Default)]
pub struct Never;

impl<B> Replay<B> for Never {
    fn copy(&self, _: &B) -> Option<B> {
        None
    }
}

/// Copies a body by cloning it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Clones;

impl<B: Clone> Replay<B> for Clones {
    fn copy(&self, body: &B) -> Option<B> {
        Some(body.clone())
    }
}

impl<B, F: Fn(&B) -> Option<B>> Replay<B> for F {
    fn copy(&self, body: &B) -> Option<B> {
        self(body)
    }
}

/// A copy of the request; `None` if its body can be sent only once.
pub(crate) fn copy<B>(request: &Request<B>, replay: &impl Replay<B>) -> Option<Request<B>> {
    let mut again = Request::new(replay.copy(request.body())?);
    *again.method_mut() = request.method().clone();
    *again.uri_mut() = request.uri().clone();
    *again.version_mut() = request.version();
    *again.headers_mut() = request.headers().clone();
    *again.extensions_mut() = request.extensions().clone();
    Some(again)
}
