//! Reads an input. Only files that have changed are parsed again. The members of a file that cannot be read are kept.

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
use crate::entries::Entries;
use crate::input::Kind;
use crate::limits::{self, exceeded};
use crate::manifest;
use crate::problems::Problems;
use crate::snapshot::{Entry, Snapshot};

/// The largest file of access providers, in bytes.
const PROVIDERS_FILE: usize = 1024 * 1024;

/// How many files are in memory at once, if none is larger than this many bytes. Larger ones are read one by one.
const FILES_AT_ONCE: usize = 64;
const SMALL_FILE: usize = 1024 * 1024;

/// The files of an input as they were last read. Cloning it is cheap. It stays consistent if a check is interrupted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Loader {
    files: BTreeMap<PathBuf, Arc<LoadedFile>>,
    providers: ProvidersFile,
    /// The entries that the program passes, the problems of the hub, and the version of both.
    objects: Entries,
    objects_problems: Vec<Error>,
    objects_version: u64,
    problem: Option<Error>,
    /// The error that the latest check took too long.
    hangs: Option<Error>,
    /// Whether something differs from the last snapshot.
    has_changed: bool,
}

/// The members of a file, and the problems of those that have no name.
type Content = (Vec<(Arc<str>, Entry)>, Problems);

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
    entries: Arc<Vec<(Arc<str>, Entry)>>,
    problems: Problems,
}

#[derive(Clone, Debug, Default)]
struct ProvidersFile {
    digest: Option<SharingKey>,
    providers: Arc<AccessProviders>,
    problem: Option<Error>,
}

impl Loader {
    /// The number of files that are checked.
    pub(crate) fn files(&self) -> usize {
        self.files.len()
    }

    /// The version of the objects that were read last.
    pub(crate) fn objects_version(&self) -> u64 {
        self.objects_version
    }

    /// Reads what has changed. What was read before the future is dropped is kept.
    pub(crate) async fn load(
        &mut self,
        kind: &Kind,
        access_providers: Option<&Path>,
        rules: &Arc<Rules>,
        host: &Host,
    ) {
        if let Kind::Objects(objects) = kind
            && objects.version() != self.objects_version
        {
            (self.objects, self.objects_problems, self.objects_version) = objects.latest();
            self.has_changed = true;
        }
        if let Some(path) = access_providers
            && self.providers.load(path, host).await
        {
            self.has_changed = true;
        }
        match kind {
            Kind::Kubeconfig(path) => {
                self.set_problem(None);
                self.load_files(kind, vec![path.clone()], rules, host).await;
            }
            Kind::Kubeconfigs(directory) | Kind::Manifests(directory) => {
                match host.files().list(directory).await {
                    Ok(names) => {
                        self.set_problem(None);
                        let wanted = names.into_iter().filter(|name| kind.reads(name));
                        let paths: Vec<_> = wanted.map(|name| directory.join(name)).collect();
                        self.load_files(kind, paths, rules, host).await;
                    }
                    Err(error) => {
                        let error = Error::unreadable("the directory", directory, error);
                        self.set_problem(Some(error));
                    }
                }
            }
            Kind::Objects(_) => {}
        }
    }

    /// Whether the latest check took too long.
    pub(crate) fn hangs(&self) -> bool {
        self.hangs.is_some()
    }

    /// Records whether the latest check took too long.
    pub(crate) fn set_hangs(&mut self, hangs: Option<Error>) {
        self.has_changed |= replace_problem(&mut self.hangs, hangs);
    }

    fn set_problem(&mut self, problem: Option<Error>) {
        self.has_changed |= replace_problem(&mut self.problem, problem);
    }

    /// Reads the files whose content differs. Files that are gone from a directory lose their members.
    async fn load_files(&mut self, kind: &Kind, paths: Vec<PathBuf>, rules: &Arc<Rules>, host: &Host) {
        let before = self.files.len();
        self.files.retain(|path, _| paths.binary_search(path).is_ok());
        self.has_changed |= self.files.len() != before;
        for paths in paths.chunks(FILES_AT_ONCE) {
            let large = self.load_each(kind, paths, SMALL_FILE, rules, host).await;
            for path in large {
                self.load_each(kind, &[path], limits::FILE, rules, host).await;
            }
        }
    }

    /// Reads these files at once. Returns those that are larger than the limit, if the limit can be raised.
    async fn load_each(
        &mut self,
        kind: &Kind,
        paths: &[PathBuf],
        limit: usize,
        rules: &Arc<Rules>,
        host: &Host,
    ) -> Vec<PathBuf> {
        let known: Vec<_> = paths
            .iter()
            .map(|path| self.files.get(path).map(|file| file.digest.clone()))
            .collect();
        let rules = matches!(kind, Kind::Manifests(_)).then(|| Arc::clone(rules));
        // Large files are digested and parsed on the thread that has read them.
        let read = host.read_and_parse(paths, limit, move |paths, contents| {
            let files = paths.iter().zip(contents).zip(known);
            files
                .map(|((path, content), known)| read_file(path, content, known.as_ref(), rules.as_deref()))
                .collect::<Vec<_>>()
        });
        let mut large = Vec::new();
        match read.await {
            Ok(files) => {
                for (path, file) in paths.iter().zip(files) {
                    if limit < limits::FILE && file.is_too_large() {
                        large.push(path.clone());
                    } else {
                        self.take_file(kind, path, file, host).await;
                    }
                }
            }
            Err(error) => self.set_problem(Some(error)),
        }
        large
    }

    async fn take_file(&mut self, kind: &Kind, path: &Path, file: ReadFile, host: &Host) {
        let is_named = matches!(kind, Kind::Kubeconfig(_));
        let (digest, read) = match file {
            ReadFile::Unchanged => return,
            // A subdirectory, or a file that was removed after the directory was listed.
            ReadFile::Unreadable(error) if !is_named && error.kind() == io::ErrorKind::IsADirectory => {
                return;
            }
            ReadFile::Unreadable(error) if !is_named && error.kind() == io::ErrorKind::NotFound => {
                self.has_changed |= self.files.remove(path).is_some();
                return;
            }
            ReadFile::Unreadable(error) => {
                let digest = unreadable_digest(&error);
                let what = if matches!(kind, Kind::Manifests(_)) {
                    "the manifest"
                } else {
                    "the kubeconfig"
                };
                return self.keep(path, digest, Error::unreadable(what, path, error));
            }
            ReadFile::Kubeconfig(digest) => {
                let read = contexts(path, is_named, &digest, host).await;
                (digest, read.map(|entries| (entries, Problems::default())))
            }
            ReadFile::Manifest(digest, read) => (digest, read),
        };
        match read {
            Ok((entries, problems)) => {
                let file = LoadedFile {
                    digest,
                    entries: Arc::new(entries),
                    problems,
                };
                self.files.insert(path.to_owned(), Arc::new(file));
                self.has_changed = true;
            }
            Err(error) => self.keep(path, digest, error),
        }
    }

    /// Keeps the members of a file that is half-written, invalid or unreadable.
    fn keep(&mut self, path: &Path, digest: SharingKey, problem: Error) {
        let entries = match self.files.get(path) {
            Some(file) if file.digest == digest => return,
            Some(file) => Arc::clone(&file.entries),
            None => Arc::default(),
        };
        let file = LoadedFile {
            digest,
            entries,
            problems: problem.into(),
        };
        self.files.insert(path.to_owned(), Arc::new(file));
        self.has_changed = true;
    }

    /// The content of the input, if it differs from the last snapshot.
    pub(crate) fn take_snapshot(&mut self) -> Option<Snapshot> {
        std::mem::take(&mut self.has_changed).then(|| self.snapshot())
    }

    fn snapshot(&self) -> Snapshot {
        let mut problems = Problems::default();
        let own = self
            .hangs
            .iter()
            .chain(&self.problem)
            .chain(&self.objects_problems);
        for problem in own.chain(&self.providers.problem) {
            problems.add(problem.clone());
        }
        let mut entries = self.objects.clone();
        let mut has_too_many = false;
        for file in self.files.values() {
            problems.add_all(&file.problems);
            for (name, entry) in &*file.entries {
                if entries.len() >= limits::MEMBERS {
                    has_too_many = true;
                } else if let Some(first) = entries.get(name) {
                    problems.add(duplicate(name, entry, first));
                } else {
                    entries.insert(Arc::clone(name), entry.clone());
                }
            }
        }
        if has_too_many {
            problems.add(exceeded("the input has more", limits::MEMBERS, "members"));
        }
        Snapshot {
            entries,
            providers: Arc::clone(&self.providers.providers),
            problems: problems.into_list(),
        }
    }
}

impl ReadFile {
    fn is_too_large(&self) -> bool {
        matches!(self, Self::Unreadable(error) if error.kind() == io::ErrorKind::FileTooLarge)
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
                let digest = unreadable_digest(&error);
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
    let (mut entries, mut problems) = (Vec::new(), Problems::default());
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
            Err(problem) => problems.add(problem),
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

/// The digest of a file that cannot be read, so that its error is one change.
fn unreadable_digest(error: &io::Error) -> SharingKey {
    SharingKey::new("unreadable")
        .with(error.kind().to_string())
        .closed()
}
