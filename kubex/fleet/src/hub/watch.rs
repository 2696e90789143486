//! Lists and watches a hub, and passes the objects to the fleet.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::StreamExt as _;
use kube::runtime::watcher::{Event, watcher};
use kube::{Api, Resource as _};
use kubex_core::{Error, Host};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::known::{Found, Known};
use super::object::HubObject;
use super::problem::{describe, is_passing, silent};
use super::{Hub, Selection};
use crate::objects::Objects;

/// How long the server may take for the next page of a list.
const LIST_LIMIT: Duration = Duration::from_secs(60);

/// The pause after a failure. It doubles with each further one.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// How many objects with a problem are reported for each selection.
const REPORTED: usize = 20;

/// The watch of a hub. It ends when it is dropped.
#[derive(Debug)]
pub(crate) struct HubWatch {
    hub: Hub,
    objects: Objects,
    host: Host,
    known: Arc<Mutex<Known>>,
    /// How many selections have not been listed yet, and have not failed either.
    unlisted: watch::Sender<usize>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

impl HubWatch {
    pub(crate) fn new(hub: Hub, objects: Objects, host: Host) -> Self {
        Self {
            unlisted: watch::Sender::new(hub.selections.len()),
            hub,
            objects,
            host,
            known: Arc::default(),
            tasks: Mutex::default(),
        }
    }

    /// Starts the watch on this runtime, if there is none, or its runtime was shut down.
    pub(crate) fn keep_watching(&self) {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        if !tasks.is_empty() && !tasks.iter().any(JoinHandle::is_finished) {
            return;
        }
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            tasks.drain(..).for_each(|task| task.abort());
            let selections = self.hub.selections.iter();
            tasks.extend(selections.map(|selection| runtime.spawn(self.task(*selection).run())));
        }
    }

    /// Waits until every selection has been listed or has failed.
    pub(crate) async fn listed(&self) {
        let mut unlisted = self.unlisted.subscribe();
        // The sender is not dropped meanwhile.
        let _ = unlisted.wait_for(|number| *number == 0).await;
    }

    fn task(&self, selection: Selection) -> Task {
        Task {
            selection,
            hub: self.hub.clone(),
            objects: self.objects.clone(),
            host: self.host.clone(),
            known: Arc::clone(&self.known),
            unlisted: Some(self.unlisted.clone()),
            problems: BTreeMap::new(),
        }
    }
}

impl Drop for HubWatch {
    fn drop(&mut self) {
        let tasks = self.tasks.get_mut().unwrap_or_else(PoisonError::into_inner);
        tasks.drain(..).for_each(|task| task.abort());
    }
}

/// The watch of one selection.
struct Task {
    selection: Selection,
    hub: Hub,
    objects: Objects,
    host: Host,
    known: Arc<Mutex<Known>>,
    unlisted: Option<watch::Sender<usize>>,
    /// The objects that are not used.
    problems: BTreeMap<Found, Error>,
}

impl Task {
    /// Watches forever. After a failure that is not a short interruption, all objects are listed again.
    async fn run(mut self) {
        let mut failures = 0;
        loop {
            let problem = self.watch(&mut failures).await;
            self.report(Some(problem));
            self.note_listed();
            self.pause(failures).await;
            failures += 1;
        }
    }

    /// Lists and watches until that fails.
    async fn watch(&mut self, failures: &mut u32) -> Error {
        let resource = self.selection.resource();
        let client = self.hub.client.clone();
        let api: Api<HubObject> = match &self.hub.namespace {
            Some(namespace) => Api::namespaced_with(client, namespace, &resource),
            None => Api::all_with(client, &resource),
        };
        let mut events = pin!(watcher(api, self.selection.config()));
        // What the list that is under way has returned so far.
        let mut listed = Some(BTreeSet::new());
        let mut interruptions = 0;
        loop {
            let next = events.next();
            let event = if listed.is_some() {
                match self.host.within(LIST_LIMIT, next).await {
                    Ok(event) => event,
                    Err(_) => return silent(self.selection, LIST_LIMIT.as_secs()),
                }
            } else {
                next.await
            };
            match event {
                Some(Ok(Event::Init)) => listed = Some(BTreeSet::new()),
                Some(Ok(Event::InitApply(object))) => {
                    if let Some(found) = self.apply(object)
                        && let Some(listed) = &mut listed
                    {
                        listed.insert(found);
                    }
                }
                Some(Ok(Event::InitDone)) => {
                    self.remove_unlisted(&listed.take().unwrap_or_default());
                    (*failures, interruptions) = (0, 0);
                    self.report(None);
                    self.note_listed();
                }
                Some(Ok(Event::Apply(object))) => {
                    interruptions = 0;
                    self.apply(object);
                    self.report(None);
                }
                Some(Ok(Event::Delete(object))) => {
                    interruptions = 0;
                    self.delete(&object);
                    self.report(None);
                }
                Some(Err(error)) if is_passing(&error) => {
                    self.pause(interruptions).await;
                    interruptions += 1;
                }
                Some(Err(error)) => return describe(self.selection, &error),
                // The stream of kube's runtime has no end.
                None => return silent(self.selection, 0),
            }
        }
    }

    /// Passes an object to the fleet. Returns its name.
    fn apply(&mut self, object: HubObject) -> Option<Found> {
        let found = self.found(&object)?;
        self.known().add(found.clone(), self.selection);
        match object
            .into_manifest(&self.selection.resource())
            .and_then(|manifest| self.objects.apply_from(manifest, &found.origin()))
        {
            Ok(()) => {
                self.problems.remove(&found);
            }
            Err(problem) if self.problems.len() < REPORTED => {
                self.problems.insert(found.clone(), problem);
            }
            Err(_) => {}
        }
        Some(found)
    }

    fn delete(&mut self, object: &HubObject) {
        if let Some(found) = self.found(object) {
            self.problems.remove(&found);
            let is_gone = self.known().forget(&found, self.selection);
            if is_gone {
                self.remove(&found);
            }
        }
    }

    fn remove_unlisted(&mut self, listed: &BTreeSet<Found>) {
        self.problems.retain(|found, _| listed.contains(found));
        let gone = self.known().keep_listed(listed, self.selection);
        for found in gone {
            self.remove(&found);
        }
    }

    fn remove(&self, found: &Found) {
        // An object without a valid name was never handed over.
        let _ = self
            .objects
            .remove(self.selection.kind(), &found.namespace, &found.name);
    }

    fn found(&self, object: &HubObject) -> Option<Found> {
        let name = object.meta().name.clone()?;
        let namespace = object.meta().namespace.clone().unwrap_or_default();
        Some(Found::new(self.selection.kind(), namespace, name))
    }

    fn report(&self, problem: Option<Error>) {
        let problems = problem.into_iter().chain(self.problems.values().cloned());
        self.objects
            .set_problems(self.selection.bit(), problems.collect());
    }

    fn note_listed(&mut self) {
        if let Some(unlisted) = self.unlisted.take() {
            unlisted.send_modify(|number| *number = number.saturating_sub(1));
        }
    }

    async fn pause(&self, failures: u32) {
        let pause = (SHORTEST_PAUSE * 2_u32.pow(failures.min(5))).min(LONGEST_PAUSE);
        let thousandth = u32::try_from(self.host.clock().random() % 1001).unwrap_or_default();
        // Half of it at least, so that the watches of many programs do not return at once.
        self.host
            .clock()
            .sleep(pause / 2 + pause / 2000 * thousandth)
            .await;
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // Each change is whole, so a poisoned lock is safe to use.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
