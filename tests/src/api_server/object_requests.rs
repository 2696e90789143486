//! Requests for the objects that a test lets the server keep: list, watch, get, create, patch, replace, delete.

use http::{Method, StatusCode, header, request};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::answer::Answer;
use super::objects::{Objects, Refused, Resource};
use super::selector::Selection;
use super::user::User;
use super::watch::{Events, is_watch};
use super::{ApiServer, Shared, held};

/// What becomes of a request for objects.
pub(super) enum Served {
    Answer(Answer),
    Watch(Events),
}

/// A request's path, taken apart.
struct Target {
    /// The index of the resource.
    index: usize,
    namespace: Option<String>,
    name: Option<String>,
}

/// The answer to a request for objects of a kind that the server keeps; `None` for any other request.
pub(super) fn serve(shared: &Shared, head: &request::Parts, user: &User, body: &[u8]) -> Option<Served> {
    let mut objects = held(&shared.objects);
    let target = target(&objects, head.uri.path())?;
    let resource = &objects.resources[target.index];
    let is_list = target.name.is_none() && head.method == Method::GET;
    let query = |key: &str| parameter(head.uri.query(), key);
    if resource.is_forbidden {
        let verb = match head.method {
            _ if is_list && is_watch(head.uri.query()) => "watch",
            _ if is_list => "list",
            Method::GET => "get",
            Method::POST => "create",
            Method::DELETE => "delete",
            _ => "patch",
        };
        let group = resource
            .api_version
            .split_once('/')
            .map_or("", |(group, _)| group);
        let message = format!(
            "{} is forbidden: User \"{}\" cannot {verb} resource \"{0}\" in API group \"{group}\" at the cluster scope",
            resource.plural,
            user.name()
        );
        return Some(Served::Answer(Answer::failure(
            StatusCode::FORBIDDEN,
            "Forbidden",
            &message,
        )));
    }
    if is_list {
        let selection = Selection::read(
            query("labelSelector").as_deref(),
            query("fieldSelector").as_deref(),
        );
        let Some(selection) = selection else {
            return Some(failure(
                StatusCode::BAD_REQUEST,
                "BadRequest",
                "the selector is not known",
            ));
        };
        if is_watch(head.uri.query()) {
            return Some(watch(&mut objects, &target, selection, query("resourceVersion")));
        }
        let from = query("continue")
            .and_then(|from| from.parse().ok())
            .unwrap_or_default();
        let limit = query("limit")
            .and_then(|limit| limit.parse().ok())
            .filter(|limit| *limit > 0);
        let page = objects.list(
            target.index,
            target.namespace.as_deref(),
            &selection,
            from,
            limit.unwrap_or(usize::MAX),
        );
        let resource = &objects.resources[target.index];
        let list = json!({
            "apiVersion": resource.api_version,
            "kind": format!("{}List", resource.kind),
            "metadata": {
                "resourceVersion": page.version.to_string(),
                "continue": page.next.map(|next| next.to_string()),
            },
            "items": page.items,
        });
        return Some(Served::Answer(Answer::json(StatusCode::OK, list)));
    }
    Some(Served::Answer(change(&mut objects, &target, head, body)))
}

fn watch(objects: &mut Objects, target: &Target, selection: Selection, since: Option<String>) -> Served {
    let since = since.and_then(|version| version.parse().ok()).unwrap_or_default();
    match objects.watch(target.index, target.namespace.as_deref(), selection, since) {
        Some(events) => Served::Watch(events),
        None => Served::Watch(Events::expired()),
    }
}

/// A request for one object.
fn change(objects: &mut Objects, target: &Target, head: &request::Parts, body: &[u8]) -> Answer {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let namespace = target.namespace.clone().unwrap_or_default();
    let named = body["metadata"]["name"].as_str().map(str::to_owned);
    let Some(name) = target.name.clone().or(named) else {
        return Answer::failure(StatusCode::BAD_REQUEST, "BadRequest", "the object has no name");
    };
    let (index, key) = (target.index, (namespace, name));
    let content_type = head.headers.get(header::CONTENT_TYPE);
    let is_apply = content_type.is_some_and(|value| value.as_bytes().starts_with(b"application/apply-patch"));
    let changed = match head.method {
        Method::GET => objects.get(index, &key).cloned().ok_or(Refused::NotFound),
        Method::POST => objects.create(index, &key, body),
        Method::PUT => objects.put(index, &key, body).ok_or(Refused::NotFound),
        Method::PATCH => {
            let manager = parameter(head.uri.query(), "fieldManager").unwrap_or_default();
            objects.patch(index, &key, &body, &manager, is_apply)
        }
        Method::DELETE => objects.delete(index, &key).ok_or(Refused::NotFound),
        _ => return Answer::failure(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", "not allowed"),
    };
    let plural = &objects.resources[index].plural;
    match changed {
        Ok(object) if head.method == Method::POST => Answer::json(StatusCode::CREATED, object),
        Ok(object) => Answer::json(StatusCode::OK, object),
        Err(Refused::NotFound) => Answer::failure(
            StatusCode::NOT_FOUND,
            "NotFound",
            &format!("{plural} \"{}\" not found", key.1),
        ),
        Err(Refused::AlreadyExists) => Answer::failure(
            StatusCode::CONFLICT,
            "AlreadyExists",
            &format!("{plural} \"{}\" already exists", key.1),
        ),
        Err(Refused::Conflict(message)) => Answer::failure(StatusCode::CONFLICT, "Conflict", &message),
    }
}

fn failure(status: StatusCode, reason: &str, message: &str) -> Served {
    Served::Answer(Answer::failure(status, reason, message))
}

/// `/api/v1/secrets`, `/apis/GROUP/VERSION/namespaces/NAMESPACE/leases/NAME` and the like.
fn target(objects: &Objects, path: &str) -> Option<Target> {
    objects
        .resources
        .iter()
        .enumerate()
        .find_map(|(index, resource)| {
            let group = if resource.api_version.contains('/') {
                "apis"
            } else {
                "api"
            };
            let rest = path.strip_prefix(&format!("/{group}/{}/", resource.api_version))?;
            let mut parts = rest.split('/');
            let mut plural = parts.next()?;
            let mut namespace = None;
            if plural == "namespaces" {
                namespace = Some(parts.next()?.to_owned());
                plural = parts.next()?;
            }
            let name = parts.next().map(str::to_owned);
            let is_target = plural == resource.plural && parts.next().is_none();
            is_target.then_some(Target {
                index,
                namespace,
                name,
            })
        })
}

/// A decoded parameter of a query.
fn parameter(query: Option<&str>, key: &str) -> Option<String> {
    let pairs = query?.split('&').filter_map(|pair| pair.split_once('='));
    let value = pairs
        .into_iter()
        .find(|(name, _)| *name == key)?
        .1
        .replace('+', " ");
    Some(percent_decode_str(&value).decode_utf8_lossy().into_owned())
}

impl ApiServer {
    /// Keeps objects of this kind from now on: lists, watches, `get` and changes of them are served.
    ///
    /// ```
    /// # use kubex_tests::api_server::ApiServer;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let server = ApiServer::builder().start().await?;
    /// server.keep_objects("v1", "Secret", "secrets");
    /// server.put_object(serde_json::json!({"kind": "Secret", "metadata": {"namespace": "a", "name": "b"}}));
    /// assert_eq!(server.watchers("Secret"), 0);
    /// # Ok(())
    /// # }
    /// ```
    pub fn keep_objects(&self, api_version: &str, kind: &str, plural: &str) {
        held(&self.shared.objects).keep(api_version, kind, plural);
    }

    /// Adds or replaces an object of a kind that is kept.
    pub fn put_object(&self, object: Value) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let key = (
            text(&object["metadata"]["namespace"]),
            text(&object["metadata"]["name"]),
        );
        self.with_kind(&text(&object["kind"]), |objects, index| {
            objects.put(index, &key, object);
        });
    }

    /// Deletes an object.
    pub fn delete_object(&self, kind: &str, namespace: &str, name: &str) {
        self.with_kind(kind, |objects, index| {
            objects.delete(index, &(namespace.to_owned(), name.to_owned()));
        });
    }

    /// Returns an object.
    pub fn object(&self, kind: &str, namespace: &str, name: &str) -> Option<Value> {
        self.with_kind(kind, |objects, index| {
            objects
                .get(index, &(namespace.to_owned(), name.to_owned()))
                .cloned()
        })
    }

    /// Answers 403 to every request for objects of this kind, until it is told `false`.
    pub fn forbid(&self, kind: &str, is_forbidden: bool) {
        let mut objects = held(&self.shared.objects);
        if let Some(resource) = objects.of_kind(kind) {
            resource.is_forbidden = is_forbidden;
            resource.end_watches();
        }
    }

    /// Forgets what has changed so far: a watch that was interrupted cannot go on, and gets 410.
    pub fn compact(&self, kind: &str) {
        self.with_kind(kind, Objects::compact);
    }

    /// Ends the watches of objects of this kind, which may go on.
    pub fn interrupt_watches(&self, kind: &str) {
        if let Some(resource) = held(&self.shared.objects).of_kind(kind) {
            resource.end_watches();
        }
    }

    /// How many watch objects of this kind now.
    pub fn watchers(&self, kind: &str) -> usize {
        held(&self.shared.objects)
            .of_kind(kind)
            .map_or(0, Resource::watchers)
    }

    fn with_kind<R>(&self, kind: &str, act: impl FnOnce(&mut Objects, usize) -> R) -> R {
        let mut objects = held(&self.shared.objects);
        let index = objects
            .resources
            .iter()
            .position(|resource| resource.kind == kind);
        let index = index.unwrap_or_else(|| panic!("the server keeps no objects of the kind {kind}"));
        act(&mut objects, index)
    }
}
