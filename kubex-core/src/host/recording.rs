//! A host that records which files and variables are read, and which of the files every user can change.

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use super::Host;
use super::environment::Environment;
use super::files::{Consumer, FileContent, FileKind, Files};
use super::input::Input;
use super::writers::ForeignWriters;
use crate::error::Result;
use crate::origin::Origin;
use crate::secret::ExposeSecret as _;
use crate::sharing_key::SharingKey;
use crate::warning::Warning;

/// What has been read through a host; `None` once it has been taken.
#[derive(Clone, Debug)]
pub(crate) struct Recorder(Arc<Mutex<Option<Recording>>>);

/// What was read through a host.
#[derive(Debug, Default)]
pub(crate) struct Recording {
    /// The inputs in the order in which they were read, each once.
    pub(crate) inputs: Vec<Input>,
    /// The files that every user of the machine can change.
    writable: Vec<(PathBuf, ForeignWriters)>,
}

impl Recording {
    /// The warnings about files that every user can change, unless one of `reported` is about the same file.
    ///
    /// Tokens, certificates and keys are judged less strictly than kubeconfigs. In a pod, a sidecar of another user writes
    /// them, into a directory that all users of the pod can write to.
    pub(crate) fn warnings<'w>(&self, reported: impl Iterator<Item = &'w Warning>) -> Vec<Warning> {
        let reported: Vec<&Path> = reported
            .filter(|warning| warning.id() == "writable-by-others")
            .filter_map(|warning| warning.origin()?.path())
            .collect();
        let unreported = self
            .writable
            .iter()
            .filter(|(path, _)| !reported.contains(&path.as_path()));
        let warning = |(path, writers): &(PathBuf, ForeignWriters)| {
            Warning::new(
                "writable-by-others",
                format_args!("the file can be changed by others: {writers}"),
            )
            .with_origin(&Origin::file(path))
        };
        unreported.map(warning).collect()
    }

    /// The file that was read under this name.
    pub(crate) fn file(&self, name: &str) -> Option<&Path> {
        let files = self.inputs.iter().filter_map(|input| match input {
            Input::File { path, .. } => Some(path.as_path()),
            _ => None,
        });
        files.into_iter().find(|path| path.as_os_str() == name)
    }
}

impl Recorder {
    fn new() -> Self {
        Self(Arc::new(Mutex::new(Some(Recording::default()))))
    }

    /// Ends the recording and returns it.
    ///
    /// A provider may keep the host. What the provider reads through it later is not an input, and must not be collected
    /// forever.
    pub(crate) fn finish(&self) -> Recording {
        let mut recording = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        recording.take().unwrap_or_default()
    }

    fn add(&self, input: Input) {
        let mut recording = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(recording) = recording.as_mut()
            && !recording.inputs.contains(&input)
        {
            recording.inputs.push(input);
        }
    }

    fn add_writable(&self, path: &Path, writers: &ForeignWriters) {
        let mut recording = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(recording) = recording.as_mut()
            && !recording.writable.iter().any(|(known, _)| known == path)
        {
            recording.writable.push((path.to_owned(), writers.clone()));
        }
    }

    fn add_file(&self, path: &Path, read: &io::Result<FileContent>) {
        let writers = read
            .as_ref()
            .ok()
            .and_then(|content| content.foreign_writers.as_ref());
        if let Some(writers) = writers.filter(|writers| writers.is_everyone()) {
            self.add_writable(path, writers);
        }
        let path = path.to_owned();
        self.add(match read {
            Ok(content) if content.is_from_pipe => Input::Pipe { path },
            read => Input::File {
                path,
                stamp: read.as_ref().ok().and_then(|content| content.stamp),
            },
        });
    }
}

impl Host {
    /// Returns the same host and a recorder of the files and variables that are read through it.
    pub(crate) fn recording(&self) -> (Self, Recorder) {
        let (mut host, recorder) = self.recording_files(Vec::new());
        let parts = host.parts();
        parts.environment = Arc::new(RecordingEnvironment {
            inner: Arc::clone(&parts.environment),
            recorder: recorder.clone(),
        });
        (host, recorder)
    }

    /// Returns the same host and a recorder of the files that are read through it. The known files are not read again.
    pub(crate) fn recording_files(&self, known: Vec<(PathBuf, FileContent)>) -> (Self, Recorder) {
        let recorder = Recorder::new();
        let mut host = self.clone();
        let parts = host.parts();
        parts.files = Arc::new(RecordingFiles {
            inner: Arc::clone(&parts.files),
            recorder: recorder.clone(),
            known,
        });
        (host, recorder)
    }
}

struct RecordingEnvironment {
    inner: Arc<dyn Environment>,
    recorder: Recorder,
}

impl Environment for RecordingEnvironment {
    fn variable(&self, name: &str) -> Option<OsString> {
        let value = self.inner.variable(name);
        self.recorder.add(Input::Variable {
            name: name.to_owned(),
            value: value.as_ref().map(|value| {
                SharingKey::new("variable")
                    .with(value.as_encoded_bytes())
                    .closed()
            }),
        });
        value
    }

    fn variables(&self) -> Vec<(OsString, OsString)> {
        self.inner.variables()
    }

    fn current_directory(&self) -> Option<PathBuf> {
        self.inner.current_directory()
    }
}

struct RecordingFiles {
    inner: Arc<dyn Files>,
    recorder: Recorder,
    /// Files whose content is known already.
    known: Vec<(PathBuf, FileContent)>,
}

impl RecordingFiles {
    /// The content of this file, if it is known and has at most `limit` bytes.
    fn known(&self, path: &Path, limit: usize) -> Option<FileContent> {
        let (_, content) = self.known.iter().find(|(known, _)| known == path)?;
        (content.bytes.expose_secret().len() <= limit).then(|| content.clone())
    }
}

#[async_trait]
impl Files for RecordingFiles {
    async fn read_stamped(&self, path: &Path, limit: usize) -> io::Result<FileContent> {
        let read = match self.known(path, limit) {
            Some(content) => Ok(content),
            None => self.inner.read_stamped(path, limit).await,
        };
        self.recorder.add_file(path, &read);
        read
    }

    async fn read_each_stamped(&self, paths: &[PathBuf], limit: usize) -> Vec<io::Result<FileContent>> {
        let read = self.inner.read_each_stamped(paths, limit).await;
        for (path, read) in paths.iter().zip(&read) {
            self.recorder.add_file(path, read);
        }
        read
    }

    async fn read_each_into(&self, paths: &[PathBuf], limit: usize, consume: Consumer) -> Result<()> {
        let recorder = self.recorder.clone();
        let consume: Consumer = Box::new(move |paths, contents| {
            for (path, read) in paths.iter().zip(&contents) {
                recorder.add_file(path, read);
            }
            consume(paths, contents);
        });
        self.inner.read_each_into(paths, limit, consume).await
    }

    async fn kind(&self, path: &Path) -> io::Result<FileKind> {
        self.inner.kind(path).await
    }

    async fn foreign_writers(&self, path: &Path) -> Option<ForeignWriters> {
        self.inner.foreign_writers(path).await
    }

    async fn is_readable_by_everyone(&self, path: &Path) -> bool {
        self.inner.is_readable_by_everyone(path).await
    }

    async fn read_link(&self, path: &Path) -> io::Result<PathBuf> {
        let target = self.inner.read_link(path).await;
        self.recorder.add(Input::Link {
            path: path.to_owned(),
            target: target.as_ref().ok().cloned(),
        });
        target
    }

    async fn list(&self, directory: &Path) -> io::Result<Vec<String>> {
        let names = self.inner.list(directory).await;
        self.recorder.add(Input::Directory {
            path: directory.to_owned(),
            names: names
                .as_ref()
                .ok()
                .map(|names| SharingKey::new("names").with_list(names).closed()),
        });
        names
    }
}

impl fmt::Debug for RecordingEnvironment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl fmt::Debug for RecordingFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
