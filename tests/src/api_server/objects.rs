//! Objects of some kinds, with what clients need of them: versions, lists with selectors, watches, and the owners of fields.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::{Map, Value, json};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use super::selector::Selection;
use super::watch::{Events, line};

/// Namespace and name.
type Key = (String, String);

/// The objects of all kinds that the server keeps.
#[derive(Debug, Default)]
pub(super) struct Objects {
    pub(super) resources: Vec<Resource>,
    version: u64,
}

/// The objects of one kind.
#[derive(Debug)]
pub(super) struct Resource {
    pub(super) api_version: String,
    pub(super) kind: String,
    pub(super) plural: String,
    pub(super) is_forbidden: bool,
    objects: BTreeMap<Key, Stored>,
    /// What has changed, oldest first.
    history: Vec<Event>,
    /// Watches cannot begin before this version.
    oldest: u64,
    watchers: Vec<Watcher>,
}

#[derive(Clone, Debug)]
struct Stored {
    object: Value,
    /// Who wrote each field of the spec last.
    owners: BTreeMap<String, String>,
}

#[derive(Clone, Debug)]
struct Event {
    version: u64,
    before: Option<Value>,
    after: Option<Value>,
}

#[derive(Debug)]
struct Watcher {
    namespace: Option<String>,
    selection: Selection,
    sender: UnboundedSender<Bytes>,
}

/// Why an object is not changed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refused {
    NotFound,
    AlreadyExists,
    /// Another manager owns this field, or the version is not the current one.
    Conflict(String),
}

/// One page of a list.
pub(super) struct Page {
    pub(super) items: Vec<Value>,
    pub(super) version: u64,
    /// Where the next page begins.
    pub(super) next: Option<usize>,
}

impl Objects {
    /// Keeps objects of this kind from now on.
    pub(super) fn keep(&mut self, api_version: &str, kind: &str, plural: &str) {
        self.resources.push(Resource {
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
            plural: plural.to_owned(),
            is_forbidden: false,
            objects: BTreeMap::new(),
            history: Vec::new(),
            oldest: 0,
            watchers: Vec::new(),
        });
    }

    pub(super) fn of_kind(&mut self, kind: &str) -> Option<&mut Resource> {
        self.resources.iter_mut().find(|resource| resource.kind == kind)
    }

    /// The resource with this index, and the version of the next change.
    fn changing(&mut self, index: usize) -> Option<(&mut Resource, u64)> {
        self.version += 1;
        let version = self.version;
        Some((self.resources.get_mut(index)?, version))
    }

    /// Adds or replaces an object, regardless of who owns its fields.
    pub(super) fn put(&mut self, index: usize, key: &Key, object: Value) -> Option<Value> {
        let (resource, version) = self.changing(index)?;
        let owners = resource.objects.get(key).map(|stored| stored.owners.clone());
        Some(resource.store(version, key, object, owners.unwrap_or_default()))
    }

    /// Creates an object.
    pub(super) fn create(&mut self, index: usize, key: &Key, object: Value) -> Result<Value, Refused> {
        if self.resources[index].objects.contains_key(key) {
            return Err(Refused::AlreadyExists);
        }
        self.put(index, key, object).ok_or(Refused::NotFound)
    }

    pub(super) fn get(&self, index: usize, key: &Key) -> Option<&Value> {
        Some(&self.resources.get(index)?.objects.get(key)?.object)
    }

    /// Removes an object.
    pub(super) fn delete(&mut self, index: usize, key: &Key) -> Option<Value> {
        let (resource, version) = self.changing(index)?;
        let before = resource.objects.remove(key)?.object;
        resource.record(Event {
            version,
            before: Some(before.clone()),
            after: None,
        });
        Some(before)
    }

    /// Applies a patch to the fields of the spec as `manager`. With `apply`, a field that another manager owns and that would
    /// differ is a conflict, as in server-side apply without force; otherwise the manager takes it over, and `null` removes it.
    pub(super) fn patch(
        &mut self,
        index: usize,
        key: &Key,
        patch: &Value,
        manager: &str,
        is_apply: bool,
    ) -> Result<Value, Refused> {
        let (resource, version) = self.changing(index).ok_or(Refused::NotFound)?;
        let Some(mut stored) = resource.objects.get(key).cloned() else {
            return Err(Refused::NotFound);
        };
        let empty = Map::new();
        let fields = patch["spec"].as_object().unwrap_or(&empty);
        if !stored.object["spec"].is_object() {
            stored.object["spec"] = json!({});
        }
        if is_apply {
            let other = fields.iter().find(|(field, value)| {
                let owner = stored.owners.get(*field);
                owner.is_some_and(|owner| owner != manager)
                    && stored.object["spec"][field.as_str()] != **value
            });
            if let Some((field, _)) = other {
                let owner = &stored.owners[field];
                return Err(Refused::Conflict(format!(
                    "Apply failed with 1 conflict: conflict with \"{owner}\": .spec.{field}"
                )));
            }
        }
        for (field, value) in fields {
            if value.is_null() {
                stored.object["spec"]
                    .as_object_mut()
                    .map(|spec| spec.remove(field));
                stored.owners.remove(field);
            } else {
                stored.object["spec"][field.as_str()] = value.clone();
                stored.owners.insert(field.clone(), manager.to_owned());
            }
        }
        Ok(resource.store(version, key, stored.object, stored.owners))
    }

    /// Forgets what has changed so far, as the real server does after some minutes, and ends all watches. None of them can go
    /// on where it ended.
    pub(super) fn compact(&mut self, index: usize) {
        if let Some((resource, version)) = self.changing(index) {
            resource.oldest = version;
            resource.history.clear();
            resource.watchers.clear();
        }
    }

    /// The objects of a namespace, or of all, from an index on.
    pub(super) fn list(
        &self,
        index: usize,
        namespace: Option<&str>,
        selection: &Selection,
        from: usize,
        limit: usize,
    ) -> Page {
        let resource = &self.resources[index];
        let selected = resource.objects.iter().filter(|((in_namespace, _), stored)| {
            namespace.is_none_or(|namespace| namespace == in_namespace) && selection.takes(&stored.object)
        });
        let mut items: Vec<_> = selected
            .skip(from)
            .take(limit.saturating_add(1))
            .map(|(_, stored)| stored.object.clone())
            .collect();
        let has_more = items.len() > limit;
        items.truncate(limit);
        Page {
            next: has_more.then(|| from + items.len()),
            items,
            version: self.version,
        }
    }

    /// The changes after a version. `None` if they are no longer known.
    pub(super) fn watch(
        &mut self,
        index: usize,
        namespace: Option<&str>,
        selection: Selection,
        since: u64,
    ) -> Option<Events> {
        let resource = &mut self.resources[index];
        if since < resource.oldest {
            return None;
        }
        let (sender, receiver) = unbounded_channel();
        let watcher = Watcher {
            namespace: namespace.map(str::to_owned),
            selection,
            sender,
        };
        for event in resource.history.iter().filter(|event| event.version > since) {
            watcher.tell(event);
        }
        resource.watchers.push(watcher);
        Some(Events::new(receiver))
    }
}

impl Resource {
    fn store(
        &mut self,
        version: u64,
        key: &Key,
        mut object: Value,
        owners: BTreeMap<String, String>,
    ) -> Value {
        object["apiVersion"] = json!(self.api_version);
        object["kind"] = json!(self.kind);
        object["metadata"]["namespace"] = json!(key.0);
        object["metadata"]["name"] = json!(key.1);
        object["metadata"]["resourceVersion"] = json!(version.to_string());
        object["metadata"]["uid"] = json!(format!("{}-{}-{}", self.plural, key.0, key.1));
        let stored = Stored {
            object: object.clone(),
            owners,
        };
        let before = self.objects.insert(key.clone(), stored);
        self.record(Event {
            version,
            before: before.map(|before| before.object),
            after: Some(object.clone()),
        });
        object
    }

    fn record(&mut self, event: Event) {
        // Who is gone has dropped the receiver.
        self.watchers.retain(|watcher| watcher.tell(&event));
        self.history.push(event);
    }

    /// Ends all watches. They may go on where they ended.
    pub(super) fn end_watches(&mut self) {
        self.watchers.clear();
    }

    pub(super) fn watchers(&mut self) -> usize {
        self.watchers.retain(|watcher| !watcher.sender.is_closed());
        self.watchers.len()
    }
}

impl Watcher {
    /// Sends what the event means for this watcher. Returns whether it still listens.
    fn tell(&self, event: &Event) -> bool {
        let takes = |object: &&Value| {
            let namespace = object["metadata"]["namespace"].as_str();
            (self.namespace.is_none() || self.namespace.as_deref() == namespace)
                && self.selection.takes(object)
        };
        let (before, after) = (
            event.before.as_ref().filter(takes),
            event.after.as_ref().filter(takes),
        );
        let (kind, object) = match (before, after) {
            (None, Some(after)) => ("ADDED", after),
            (Some(_), Some(after)) => ("MODIFIED", after),
            (Some(before), None) => ("DELETED", before),
            (None, None) => return !self.sender.is_closed(),
        };
        let mut object = object.clone();
        object["metadata"]["resourceVersion"] = json!(event.version.to_string());
        let event = json!({"type": kind, "object": object});
        self.sender.send(line(&event)).is_ok()
    }
}
