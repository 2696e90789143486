//! One request on its way: read, authenticated, impersonated, answered, recorded.

use std::convert::Infallible;
use std::sync::Arc;
#[cfg(feature = "streams")]
use std::sync::atomic::Ordering;

use bytes::Bytes;
use http::{Request, Response, StatusCode, Version, header, request};
use http_body_util::{BodyExt as _, Collected, Either, Empty, Full, Limited};
use hyper::body::Incoming;

use super::answer::{Answer, route};
use super::impersonation::{acting_user, impersonation_headers};
use super::listener::Peer;
use super::object_requests::Served;
use super::record::RecordedRequest;
#[cfg(feature = "streams")]
use super::streams::Stream;
use super::user::User;
use super::watch::{Events, is_watch};
use super::{Shared, held, object_requests, token_request};

/// The real server's limit.
const MAXIMUM_BODY: usize = 3 * 1024 * 1024;

/// An answer that is there, one that goes on, and one after which the connection is something else.
type Answered = Either<Either<Full<Bytes>, Events>, Empty<Bytes>>;

pub(super) async fn handle(
    shared: Arc<Shared>,
    peer: Arc<Peer>,
    request: Request<Incoming>,
) -> Result<Response<Answered>, Infallible> {
    #[cfg(feature = "streams")]
    let mut request = request;
    #[cfg(feature = "streams")]
    let upgrade = hyper::upgrade::on(&mut request);
    let (head, body) = request.into_parts();
    let body = Limited::new(body, MAXIMUM_BODY)
        .collect()
        .await
        .ok()
        .map(Collected::to_bytes);

    let place = held(&shared.crowd).join();
    place.wait().await;
    let decision = decide(&shared, &peer, &head, body.as_deref());
    let is_known = decision
        .requester
        .as_ref()
        .is_some_and(|user| !user.is_anonymous());
    if head.version == Version::HTTP_2 && !is_known {
        // kube-apiserver closes the HTTP/2 connections of unknown users, to limit the cost of a flood.
        peer.going_away.notify_one();
    }

    #[cfg(feature = "streams")]
    let switched = Stream::of(head.uri.path(), head.uri.query())
        .filter(|_| shared.serves_streams.load(Ordering::SeqCst) && decision.acting.is_some())
        .and_then(|stream| stream.accept(&head.headers, upgrade));
    #[cfg(not(feature = "streams"))]
    let switched: Option<Response<()>> = None;
    let response = match switched {
        Some(response) => response.map(|()| Either::Right(Empty::new())),
        None => decision.answer.into_response().map(|body| {
            // A list of objects that are kept is watched by way of its events.
            let is_watched = body.is_list && is_watch(head.uri.query());
            Either::Left(match decision.events {
                Some(events) => Either::Right(events),
                None if is_watched => Either::Right(held(&shared.watches).open(head.uri.path())),
                None => Either::Left(body.bytes),
            })
        }),
    };
    let record = RecordedRequest {
        method: head.method,
        path: head.uri.path().to_owned(),
        query: head.uri.query().map(str::to_owned),
        version: head.version,
        authorization: head
            .headers
            .get(header::AUTHORIZATION)
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()),
        client_certificate: peer.certificate.clone(),
        server_name: peer.server_name.clone(),
        connection: peer.connection,
        impersonation: impersonation_headers(&head.headers),
        headers: head.headers,
        body: body.unwrap_or_default(),
        authenticated_as: decision.requester.map(|user| user.name().to_owned()),
        user: decision.acting.map(|user| user.name().to_owned()),
        status: response.status(),
    };
    held(&shared.requests).push(record);
    Ok(response)
}

/// What became of a request.
struct Decision {
    requester: Option<User>,
    acting: Option<User>,
    answer: Answer,
    /// The answer of a watch of objects.
    events: Option<Events>,
}

fn decide(shared: &Shared, peer: &Peer, head: &request::Parts, body: Option<&[u8]>) -> Decision {
    let authenticated = held(&shared.authenticator).authenticate(&peer.certificates, &head.headers);
    let Ok(requester) = authenticated else {
        let answer = Answer::failure(StatusCode::UNAUTHORIZED, "Unauthorized", "Unauthorized");
        return Decision {
            requester: None,
            acting: None,
            answer,
            events: None,
        };
    };
    let Ok(acting) = acting_user(&requester, &head.headers) else {
        let message = "a group, uid or extra is impersonated without a user";
        let answer = Answer::failure(StatusCode::BAD_REQUEST, "BadRequest", message);
        return Decision {
            requester: Some(requester),
            acting: None,
            answer,
            events: None,
        };
    };
    let mut events = None;
    let answer = if let Some(body) = body {
        let canned = held(&shared.answers).find(head.uri.path());
        let served = canned.or_else(|| token_request::serve(shared, &head.method, head.uri.path(), body));
        let served = served.or_else(|| match object_requests::serve(shared, head, &acting, body)? {
            Served::Answer(answer) => Some(answer),
            Served::Watch(opened) => {
                events = Some(opened);
                Some(Answer::json(StatusCode::OK, serde_json::Value::Null))
            }
        });
        served.unwrap_or_else(|| route(&head.method, head.uri.path(), &acting))
    } else {
        let message = "the body is not whole, or larger than 3 MiB";
        Answer::failure(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge", message)
    };
    Decision {
        requester: Some(requester),
        acting: Some(acting),
        answer,
        events,
    }
}
