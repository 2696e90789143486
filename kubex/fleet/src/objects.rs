//! Secrets and `ClusterProfiles` that the program passes, for example from its own watch of a hub.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use kubex_core::credentials::SharingKey;
use kubex_core::{Error, ErrorKind, ExposeSecret as _, Origin, Result, SecretBytes};
use tokio::sync::Notify;

use crate::definition::{Name, Rules, of_object};
use crate::entries::Entries;
use crate::limits::{self, exceeded};
use crate::manifest;
use crate::snapshot::Entry;

/// The kind of an object that can describe a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ObjectKind {
    /// A Secret.
    Secret,
    /// A `ClusterProfile`.
    ClusterProfile,
}

/// A set of Secrets and `ClusterProfiles` that the program passes to a fleet. Each object that describes a cluster becomes a
/// member. Clones share the objects. One set can be used in only one fleet.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> kubex_core::Result<()> {
/// use kubex_core::Registry;
/// use kubex_fleet::{Fleet, Input, ObjectKind, Objects};
///
/// let registry = Registry::from_registrations([&kubex_static::REGISTRATION])?;
/// let objects = Objects::new();
/// let fleet = Fleet::builder(registry).input(Input::objects("hub", &objects)).start().await?;
///
/// let manifest = r#"{"apiVersion": "v1", "kind": "Secret",
///     "metadata": {"name": "a", "namespace": "argocd", "labels": {"argocd.argoproj.io/secret-type": "cluster"}},
///     "stringData": {"server": "https://10.0.0.1:6443", "config": "{\"bearerToken\": \"abc\"}"}}"#;
/// objects.apply(manifest.as_bytes().to_vec())?;
/// fleet.settled().await;
/// assert_eq!(fleet.members().len(), 1);
/// assert_eq!(fleet.members()[0].name(), "hub/secrets/argocd/a");
///
/// objects.remove(ObjectKind::Secret, "argocd", "a")?;
/// fleet.settled().await;
/// assert!(fleet.members().is_empty());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct Objects(Arc<Shared>);

#[derive(Default)]
struct Shared {
    held: Mutex<Held>,
    fleet: OnceLock<(Arc<Rules>, Arc<Notify>)>,
}

#[derive(Default)]
struct Held {
    entries: Entries,
    /// The problems of the hub, for each part of it that is watched.
    problems: BTreeMap<u8, Vec<Error>>,
    /// How often they have changed.
    version: u64,
}

impl Objects {
    /// Creates an empty set of objects.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the object in this manifest, which is JSON or YAML. An object with the same kind, namespace and name is
    /// replaced.
    ///
    /// An object that does not describe a cluster is not added. If its earlier version described one, the cluster is
    /// removed.
    ///
    /// # Errors
    /// - [`ErrorKind::UnknownSource`]: the fleet with these objects has not been started yet.
    /// - [`ErrorKind::MalformedDocument`]: the manifest is not valid JSON or YAML.
    /// - [`ErrorKind::MissingField`]: the object has no name.
    /// - [`ErrorKind::InvalidValue`]: the name of the object is not valid, the manifest is larger than 1.5 MiB, or
    ///   there are too many members.
    ///
    /// Any other problem of the object is not an error of this method: its member is then broken.
    pub fn apply(&self, manifest: impl Into<SecretBytes>) -> Result<()> {
        self.apply_from(manifest, &Origin::bytes("the object"))
    }

    /// Like [`apply`](Self::apply). Errors contain `origin`, even if the name of the object has not been read yet.
    pub(crate) fn apply_from(&self, manifest: impl Into<SecretBytes>, origin: &Origin) -> Result<()> {
        let entries = self.read(manifest.into(), origin)?;
        self.change(|held| {
            for (name, entry) in entries {
                match entry {
                    Some(_) if held.get(&name).is_none() && held.len() >= limits::MEMBERS => {
                        return Err(exceeded("the hub has more", limits::MEMBERS, "members"));
                    }
                    Some(entry) => held.insert(name, entry),
                    None => held.remove(&name),
                }
            }
            Ok(())
        })
    }

    /// Replaces all objects with those in these manifests. Call it when a watch starts again with a new list. A
    /// manifest with an error is left out, and all others are used.
    ///
    /// # Errors
    /// Returns the errors of [`apply`](Self::apply), combined into one.
    pub fn replace(&self, manifests: impl IntoIterator<Item = impl Into<SecretBytes>>) -> Result<()> {
        let mut problems = kubex_core::error::Problems::default();
        let mut new = Entries::default();
        let origin = Origin::bytes("the object");
        for manifest in manifests {
            for (name, entry) in problems
                .take(self.read(manifest.into(), &origin))
                .unwrap_or_default()
            {
                if new.len() >= limits::MEMBERS {
                    problems.add(exceeded("the hub has more", limits::MEMBERS, "members"));
                    break;
                }
                if let Some(entry) = entry {
                    new.insert(name, entry);
                }
            }
        }
        self.change(|held| *held = new);
        problems.into_result()
    }

    /// Removes the object of this kind, namespace and name. Does nothing if there is no such object.
    ///
    /// # Errors
    /// Returns [`ErrorKind::InvalidValue`] if the namespace or the name is not valid.
    pub fn remove(&self, kind: ObjectKind, namespace: &str, name: &str) -> Result<()> {
        let name = Name::from_parts(namespace, name)?.path(match kind {
            ObjectKind::Secret => "secrets",
            ObjectKind::ClusterProfile => "clusterprofiles",
        });
        self.change(|held| held.remove(&name));
        Ok(())
    }

    /// The objects of a manifest by the name of the member; `None` for one that holds no cluster.
    fn read(&self, manifest: SecretBytes, origin: &Origin) -> Result<Vec<(Arc<str>, Option<Entry>)>> {
        let (rules, _) = self.0.fleet.get().ok_or_else(|| {
            Error::new(
                ErrorKind::UnknownSource,
                "the objects are not an input of a fleet",
            )
            .with_help("start the fleet with Input::objects first")
        })?;
        if manifest.expose_secret().len() > limits::OBJECT {
            return Err(exceeded("the object is larger", limits::OBJECT, "bytes").with_origin(origin));
        }
        let digest = SharingKey::new("object").with(manifest.expose_secret()).closed();
        let mut entries = Vec::new();
        for object in manifest::objects(manifest, origin)? {
            let identity = identity(&object);
            let place = identity
                .as_ref()
                .map_or_else(|| origin.clone(), |(_, shown)| Origin::bytes(shown));
            match of_object(object.located(place.clone()), rules)? {
                Some((name, definition)) => {
                    let entry = Entry {
                        definition: Arc::new(definition),
                        digest: digest.clone(),
                        origin: place,
                    };
                    entries.push((name.into(), Some(entry)));
                }
                None => entries.extend(identity.map(|(name, _)| (name.into(), None))),
            }
        }
        Ok(entries)
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        // Each change is whole, so a poisoned lock is safe to use.
        self.0.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<T>(&self, change: impl FnOnce(&mut Entries) -> T) -> T {
        let mut held = self.held();
        held.version += 1;
        let changed = change(&mut held.entries);
        drop(held);
        self.wake();
        changed
    }

    /// Connects the objects to a fleet.
    pub(crate) fn join(&self, rules: &Arc<Rules>, wake: &Arc<Notify>) -> Result<()> {
        let joined = self.0.fleet.set((Arc::clone(rules), Arc::clone(wake)));
        joined.map_err(|_| {
            Error::new(
                ErrorKind::DuplicateName,
                "the objects are an input of a fleet already",
            )
            .with_help("create other objects with Objects::new()")
        })
    }

    /// Sets the problems of a part of the hub.
    #[cfg(feature = "kube")]
    pub(crate) fn set_problems(&self, part: u8, problems: Vec<Error>) {
        let text = |problems: &[Error]| problems.iter().map(ToString::to_string).collect::<Vec<_>>();
        let mut held = self.held();
        let is_same = held
            .problems
            .get(&part)
            .map_or(problems.is_empty(), |before| text(before) == text(&problems));
        if is_same {
            return;
        }
        held.problems.insert(part, problems);
        held.version += 1;
        drop(held);
        self.wake();
    }

    fn wake(&self) {
        if let Some((_, wake)) = self.0.fleet.get() {
            wake.notify_one();
        }
    }

    /// How often the objects have changed.
    pub(crate) fn version(&self) -> u64 {
        self.held().version
    }

    /// The entries and the problems, with their version.
    pub(crate) fn latest(&self) -> (Entries, Vec<Error>, u64) {
        let held = self.held();
        let problems = held.problems.values().flatten().cloned().collect();
        (held.entries.clone(), problems, held.version)
    }
}

/// The name of the member that the object would define, and a description of the object.
fn identity(object: &kubex_core::options::Value) -> Option<(String, String)> {
    let metadata = object.get("metadata")?;
    let text = |key| metadata.get(key).and_then(kubex_core::options::Value::as_str);
    let (namespace, name) = (text("namespace").unwrap_or("default"), text("name")?);
    let kind = object.get("kind").and_then(kubex_core::options::Value::as_str)?;
    let (plural, kind) = match kind {
        "Secret" => ("secrets", "Secret"),
        "ClusterProfile" => ("clusterprofiles", "ClusterProfile"),
        _ => return None,
    };
    let path = Name::from_parts(namespace, name).ok()?.path(plural);
    Some((path, format!("the {kind} {namespace}/{name}")))
}

impl fmt::Debug for Objects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Objects")
            .field("members", &self.held().entries.len())
            .finish_non_exhaustive()
    }
}
