//! Reads an input: only what has changed is parsed again, and what cannot be read now is kept as it was.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kubex_core::credentials::SharingKey;
use kubex_core::host::FileContent;
use kubex_core::{Error, ErrorKind, ExposeSecret as _, Host, Origin, Result};
use kubex_kubeconfig::KubeconfigProvider;

use crate::access_provider::AccessProviders;
use crate::definition::{Definition, Rules, of_object};
use crate::input::Kind;
use crate::limits::{self, exceeded};
use crate::manifest;
use crate::snapshot::{Entry, Snapshot};

/// The largest file, in bytes.
const LARGEST_FILE: usize = 64 * 1024 * 1024;

/// The largest file of access providers, in bytes.
const PROVIDERS_FILE: usize = 1024 * 1024;

/// How many files are in memory at once.
const FILES_AT_ONCE: usize = 64;

/// The files of an input as they were read last.
#[derive(Debug, Default)]
pub(crate) struct Loader {
    files: BTreeMap<PathBuf, LoadedFile>,
    providers: ProvidersFile,
    /// The entries that the program hands over.
    objects: BTreeMap<Arc<str>, Entry>,
    has_loaded: bool,
    problem: Option<Error>,
}

/// The members of a file, and the problems of those that have no name.
type Content = (Vec<(Arc<str>, Entry)>, Vec<Error>);

/// A file that was read, and parsed if that needs nothing else.
enum ReadFile {
    Unreadable(io::Error),
    /// Its content has the digest that is known.
    Unchanged,
    Kubeconfig(SharingKey),
    Manifest(SharingKey, Result<Content>),
}

#[derive(Debug)]
struct LoadedFile {
    digest: SharingKey,
    entries: Vec<(Arc<str>, Entry)>,
    problems: Vec<Error>,
}

#[derive(Debug, Default)]
struct ProvidersFile {
    digest: Option<SharingKey>,
    providers: Arc<AccessProviders>,
    problem: Option<Error>,
}

impl Loader {
    /// How many files are looked at.
    pub(crate) fn files(&self) -> usize {
        self.files.len()
    }

    /// Reads what has changed. Returns the new snapshot if there is one.
    pub(crate) async fn load(
        &mut self,
        kind: &Kind,
        access_providers: Option<&Path>,
        rules: &Arc<Rules>,
        host: &Host,
    ) -> Option<Snapshot> {
        let mut has_changed = !std::mem::replace(&mut self.has_loaded, true);
        if let Some(path) = access_providers {
            has_changed |= self.providers.load(path, host).await;
        }
        has_changed |= match kind {
            Kind::Kubeconfig(path) => self.load_files(kind, vec![path.clone()], rules, host).await,
            Kind::Kubeconfigs(directory) | Kind::Manifests(directory) => {
                match host.files().list(directory).await {
                    Ok(names) => {
                        let had_problem = self.problem.take().is_some();
                        let wanted = names.into_iter().filter(|name| kind.reads(name));
                        let paths: Vec<_> = wanted.map(|name| directory.join(name)).collect();
                        self.load_files(kind, paths, rules, host).await || had_problem
                    }
                    Err(error) => {
                        let error = Error::unreadable("the directory", directory, error);
                        replace_problem(&mut self.problem, Some(error))
                    }
                }
            }
            Kind::Objects(objects) => match objects.take() {
                Some(entries) => {
                    self.objects = entries;
                    true
                }
                None => false,
            },
        };
        has_changed.then(|| self.snapshot())
    }

    /// Reads the files whose content differs. Files that are gone from a directory lose their members.
    async fn load_files(
        &mut self,
        kind: &Kind,
        paths: Vec<PathBuf>,
        rules: &Arc<Rules>,
        host: &Host,
    ) -> bool {
        let before = self.files.len();
        self.files.retain(|path, _| paths.binary_search(path).is_ok());
        let mut has_changed = self.files.len() != before;
        for paths in paths.chunks(FILES_AT_ONCE) {
            let known: Vec<_> = paths
                .iter()
                .map(|path| self.files.get(path).map(|file| file.digest.clone()))
                .collect();
            let rules = matches!(kind, Kind::Manifests(_)).then(|| Arc::clone(rules));
            // Large files are digested and parsed on the thread that has read them.
            let read = host.read_and_parse(paths, LARGEST_FILE, move |paths, contents| {
                let files = paths.iter().zip(contents).zip(known);
                files
                    .map(|((path, content), known)| {
                        read_file(path, content, known.as_ref(), rules.as_deref())
                    })
                    .collect::<Vec<_>>()
            });
            match read.await {
                Ok(files) => {
                    for (path, file) in paths.iter().zip(files) {
                        has_changed |= self.take_file(kind, path, file, host).await;
                    }
                }
                Err(error) => has_changed |= replace_problem(&mut self.problem, Some(error)),
            }
        }
        has_changed
    }

    async fn take_file(&mut self, kind: &Kind, path: &Path, file: ReadFile, host: &Host) -> bool {
        let is_named = matches!(kind, Kind::Kubeconfig(_));
        let (digest, read) = match file {
            ReadFile::Unchanged => return false,
            // A directory in a directory, and a file that went away since it was listed.
            ReadFile::Unreadable(error) if !is_named && error.kind() == io::ErrorKind::IsADirectory => {
                return false;
            }
            ReadFile::Unreadable(error) if !is_named && error.kind() == io::ErrorKind::NotFound => {
                return self.files.remove(path).is_some();
            }
            ReadFile::Unreadable(error) => {
                let digest = SharingKey::new("unreadable")
                    .with(error.kind().to_string())
                    .closed();
                let what = if matches!(kind, Kind::Manifests(_)) {
                    "the manifest"
                } else {
                    "the kubeconfig"
                };
                return self.keep(path, digest, Error::unreadable(what, path, error));
            }
            ReadFile::Kubeconfig(digest) => {
                let read = contexts(path, is_named, &digest, host).await;
                (digest, read.map(|entries| (entries, Vec::new())))
            }
            ReadFile::Manifest(digest, read) => (digest, read),
        };
        match read {
            Ok((entries, problems)) => {
                let file = LoadedFile {
                    digest,
                    entries,
                    problems,
                };
                self.files.insert(path.to_owned(), file);
                true
            }
            Err(error) => self.keep(path, digest, error),
        }
    }

    /// Keeps the members of a file that is half-written, invalid or unreadable.
    fn keep(&mut self, path: &Path, digest: SharingKey, problem: Error) -> bool {
        let entries = match self.files.get_mut(path) {
            Some(file) if file.digest == digest => return false,
            Some(file) => std::mem::take(&mut file.entries),
            None => Vec::new(),
        };
        let file = LoadedFile {
            digest,
            entries,
            problems: vec![problem],
        };
        self.files.insert(path.to_owned(), file);
        true
    }

    fn snapshot(&self) -> Snapshot {
        let mut problems: Vec<Error> = self
            .problem
            .iter()
            .chain(&self.providers.problem)
            .cloned()
            .collect();
        let mut entries = BTreeMap::new();
        for (name, entry) in &self.objects {
            entries.insert(Arc::clone(name), entry.clone());
        }
        let mut has_too_many = false;
        for file in self.files.values() {
            problems.extend(file.problems.iter().cloned());
            for (name, entry) in &file.entries {
                if entries.len() >= limits::MEMBERS {
                    has_too_many = true;
                } else if let Some(first) = entries.get(name) {
                    problems.push(duplicate(name, entry, first));
                } else {
                    entries.insert(Arc::clone(name), entry.clone());
                }
            }
        }
        if has_too_many {
            problems.push(exceeded("the input has more", limits::MEMBERS, "members"));
        }
        Snapshot {
            entries,
            providers: Arc::clone(&self.providers.providers),
            problems,
        }
    }
}

impl ProvidersFile {
    async fn load(&mut self, path: &Path, host: &Host) -> bool {
        let (digest, read) = match host.files().read(path, PROVIDERS_FILE).await {
            Ok(bytes) => {
                let digest = SharingKey::new("file").with(bytes.expose_secret()).closed();
                if self.digest.as_ref() == Some(&digest) {
                    return false;
                }
                (digest, AccessProviders::read(bytes, &Origin::file(path)))
            }
            Err(error) => {
                let digest = SharingKey::new("unreadable")
                    .with(error.kind().to_string())
                    .closed();
                (
                    digest,
                    Err(Error::unreadable("the file of access providers", path, error)),
                )
            }
        };
        if self.digest.as_ref() == Some(&digest) {
            return false;
        }
        self.digest = Some(digest);
        match read {
            Ok(providers) => {
                self.providers = Arc::new(providers);
                self.problem = None;
            }
            Err(problem) => self.problem = Some(problem),
        }
        true
    }
}

impl Kind {
    /// Whether a file of the directory is read.
    fn reads(&self, name: &str) -> bool {
        let is_manifest = || {
            let extension = Path::new(name).extension();
            extension.is_some_and(|extension| ["yaml", "yml", "json"].iter().any(|known| extension == *known))
        };
        !name.starts_with('.') && (!matches!(self, Self::Manifests(_)) || is_manifest())
    }
}

/// Parses a manifest, if there are rules for one.
fn read_file(
    path: &Path,
    content: io::Result<FileContent>,
    known: Option<&SharingKey>,
    rules: Option<&Rules>,
) -> ReadFile {
    let content = match content {
        Ok(content) => content,
        Err(error) => return ReadFile::Unreadable(error),
    };
    let digest = SharingKey::new("file")
        .with(content.bytes.expose_secret())
        .closed();
    if known == Some(&digest) {
        return ReadFile::Unchanged;
    }
    match rules {
        Some(rules) => {
            let objects = objects(path, content, &digest, rules);
            ReadFile::Manifest(digest, objects)
        }
        None => ReadFile::Kubeconfig(digest),
    }
}

/// The contexts of a kubeconfig. In a directory, their names begin with that of the file.
async fn contexts(
    path: &Path,
    is_named: bool,
    digest: &SharingKey,
    host: &Host,
) -> Result<Vec<(Arc<str>, Entry)>> {
    let kubeconfig = KubeconfigProvider::new().path(path).load(host).await?;
    let file = path.file_name().unwrap_or_default().to_string_lossy();
    let contexts = kubeconfig.contexts().take(limits::MEMBERS + 1);
    let entries = contexts.map(|context| {
        let name = if is_named {
            context.name.to_owned()
        } else {
            format!("{file}/{}", context.name)
        };
        let entry = Entry {
            definition: Arc::new(Definition::Context(kubeconfig.context(context.name))),
            digest: digest.clone(),
            origin: context.origin,
        };
        (name.into(), entry)
    });
    Ok(entries.collect())
}

/// The objects of a manifest that hold clusters. An object without a valid name is a problem, and the others are used.
fn objects(path: &Path, content: FileContent, digest: &SharingKey, rules: &Rules) -> Result<Content> {
    let origin = Origin::file(path);
    let (mut entries, mut problems) = (Vec::new(), Vec::new());
    for object in manifest::objects(content.bytes, &origin)? {
        let origin = object.origin().clone();
        match of_object(object, rules) {
            Ok(None) => {}
            Ok(Some((name, definition))) => {
                let entry = Entry {
                    definition: Arc::new(definition),
                    digest: digest.clone(),
                    origin,
                };
                entries.push((name.into(), entry));
            }
            Err(problem) => problems.push(problem),
        }
    }
    Ok((entries, problems))
}

fn duplicate(name: &str, entry: &Entry, first: &Entry) -> Error {
    Error::new(
        ErrorKind::DuplicateName,
        format_args!(
            "two members have the name \"{name}\"; the one of {} is used",
            first.origin
        ),
    )
    .with_origin(&entry.origin)
    .with_help("remove one of them")
}

fn replace_problem(held: &mut Option<Error>, new: Option<Error>) -> bool {
    let text = |error: &Option<Error>| error.as_ref().map(ToString::to_string);
    let has_changed = text(held) != text(&new);
    *held = new;
    has_changed
}
