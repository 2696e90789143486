//! Reads the files or the bytes, and merges them into one kubeconfig.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use kubex_core::error::Problems;
use kubex_core::host::{Contents, FileContent, ForeignWriters, discard, effort, parse};
use kubex_core::text::clean_line;
use kubex_core::{Error, ErrorKind, ExposeSecret, Host, Origin, Result, SecretBytes, Warning};
use kubex_document::{ReadError, Text};

use crate::discovery::{Places, not_there};
use crate::file::{self, File};
use crate::kubeconfig::Trust;
use crate::merge::Merged;
use crate::replaceable::ReplaceableKubeconfig;

/// The largest kubeconfig that is read.
pub(crate) const LARGEST_FILE: usize = 64 * 1024 * 1024;

/// A kubeconfig that the program passes as bytes. It is untrusted unless the program marks it as trusted.
#[derive(Debug)]
pub(crate) struct Bytes {
    pub(crate) name: String,
    /// Shared with the threads that parse it.
    pub(crate) content: ReplaceableKubeconfig,
    pub(crate) trust: Trust,
}

/// Bytes that are decoded to text when they are first read. Only one copy is kept, and the parsed parts refer to it.
#[derive(Debug)]
pub(crate) struct Content {
    length: usize,
    effort: usize,
    bytes: Mutex<Option<SecretBytes>>,
    text: OnceLock<Result<Text, ReadError>>,
}

impl Content {
    pub(crate) fn new(bytes: SecretBytes) -> Self {
        Self {
            length: bytes.expose_secret().len(),
            effort: effort(bytes.expose_secret()),
            bytes: Mutex::new(Some(bytes)),
            text: OnceLock::new(),
        }
    }

    fn text(&self) -> Result<Text, ReadError> {
        let text = self.text.get_or_init(|| {
            let bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner).take();
            Text::new(bytes.unwrap_or_default())
        });
        text.clone()
    }
}

impl Drop for Content {
    fn drop(&mut self) {
        let bytes = std::mem::take(&mut self.bytes);
        discard(self.length, (bytes, self.text.take()));
    }
}

/// Reads a kubeconfig from bytes. `use_it` runs on the thread that parsed it.
pub(crate) async fn bytes<T: Send + 'static>(
    bytes: &Bytes,
    use_it: impl FnOnce(Merged) -> Result<T> + Send + 'static,
) -> Result<T> {
    let origin = Origin::bytes(&bytes.name);
    let content = bytes.content.current();
    if content.length > LARGEST_FILE {
        return Err(too_large().with_origin(&origin));
    }
    parse(content.effort, move || {
        let mut merged = Merged::new();
        let file = File {
            origin: origin.clone(),
            directory: None,
        };
        merged.add(file::parse(content.text(), file)?)?;
        if merged.declares_nothing() {
            return Err(declares_nothing(&origin));
        }
        use_it(merged)
    })
    .await?
}

/// Reads the files. `use_it` runs on the thread that parsed them. The error names all broken files. With `skips_broken`, the
/// other files are used instead.
pub(crate) async fn files<T: Send + 'static>(
    places: Places,
    skips_broken: bool,
    host: &Host,
    use_it: impl FnOnce(Merged) -> Result<T> + Send + 'static,
) -> Result<T> {
    let here = host.environment().current_directory().unwrap_or_default();
    let Places {
        paths,
        are_required,
        listed_by,
    } = places;
    let parse = move |paths: &[PathBuf], contents| {
        let files = Files {
            paths,
            are_required,
            listed_by,
            here: &here,
        };
        use_it(files.merge(contents, skips_broken)?)
    };
    host.read_and_parse(&paths, LARGEST_FILE, parse).await?
}

/// The files that form one kubeconfig.
struct Files<'a> {
    paths: &'a [PathBuf],
    are_required: bool,
    listed_by: Option<&'static str>,
    here: &'a Path,
}

impl Files<'_> {
    fn merge(&self, contents: Contents, skips_broken: bool) -> Result<Merged> {
        let mut merged = Merged::new();
        let mut tried = Vec::new();
        let mut broken = Problems::new();
        let mut has_broken = false;
        for (path, content) in self.paths.iter().zip(contents) {
            match add_file(&mut merged, path, content, self.here, self.are_required) {
                Ok(is_there) => tried.push((path, is_there)),
                Err(error) => {
                    merged.warnings.push(skipped(&error, path));
                    broken.add(error);
                    has_broken = true;
                }
            }
        }
        // A broken file is not a missing one: without any other file, the next source must not be used.
        if has_broken && (!skips_broken || self.paths.len() == 1 || merged.declares_nothing()) {
            broken.into_result()?;
        }
        if !merged.declares_nothing() {
            return Ok(merged);
        }
        match self.paths {
            [path] if self.are_required => Err(declares_nothing(&Origin::file(path))),
            _ => {
                let reasons = reasons(&tried);
                Err(match self.listed_by {
                    None => not_there(reasons.join(", ")),
                    Some(variable) => not_there(format_args!(
                        "every file of {variable} is missing or empty: {}",
                        reasons.join(", ")
                    ))
                    .with_help(format_args!(
                        "correct {variable}, or unset it to use ~/.kube/config"
                    )),
                })
            }
        }
    }
}

/// The reason why each file is not used.
fn reasons(tried: &[(&PathBuf, bool)]) -> Vec<String> {
    let reason = |(path, is_there): &(&PathBuf, bool)| {
        let why = if *is_there {
            "contains no cluster, user or context"
        } else {
            "does not exist"
        };
        format!("{} {why}", clean_line(&path.to_string_lossy()))
    };
    tried.iter().map(reason).collect()
}

/// Adds a file. Returns whether it exists.
fn add_file(
    merged: &mut Merged,
    path: &Path,
    content: io::Result<FileContent>,
    here: &Path,
    is_required: bool,
) -> Result<bool> {
    let origin = Origin::file(path);
    let content = match content {
        Ok(content) => content,
        Err(error) if error.kind() == io::ErrorKind::NotFound && !is_required => return Ok(false),
        Err(error) if error.kind() == io::ErrorKind::FileTooLarge => {
            return Err(too_large().with_source(error).with_origin(&origin));
        }
        Err(error) => return Err(Error::unreadable_at("the kubeconfig", &origin, error)),
    };
    let origin = content.origin(path);
    let directory = if content.is_from_pipe {
        None
    } else if path.is_absolute() {
        path.parent().map(Arc::from)
    } else {
        here.join(path).parent().map(Arc::from)
    };
    let warning = content
        .foreign_writers
        .map(|writers| writable_by_others(&writers, &origin));
    merged.add(file::parse(Text::new(content.bytes), File { origin, directory })?)?;
    merged.warnings.extend(warning);
    Ok(true)
}

fn writable_by_others(writers: &ForeignWriters, origin: &Origin) -> Warning {
    Warning::new(
        "writable-by-others",
        format_args!("the kubeconfig can be changed by others: {writers}"),
    )
    .with_origin(origin)
}

fn skipped(error: &Error, path: &Path) -> Warning {
    let origin = error.origin().cloned().unwrap_or_else(|| Origin::file(path));
    Warning::new(
        "file-skipped",
        format_args!("a broken file was skipped: {}", error.message()),
    )
    .with_origin(&origin)
}

fn declares_nothing(origin: &Origin) -> Error {
    Error::new(
        ErrorKind::MissingContext,
        "the kubeconfig contains no cluster, user or context",
    )
    .with_origin(origin)
    .with_help("name another one")
}

fn too_large() -> Error {
    Error::new(
        ErrorKind::UnreadableFile,
        format_args!(
            "cannot read the kubeconfig: it is larger than {} MiB",
            LARGEST_FILE / (1024 * 1024)
        ),
    )
    .with_help("split it, and name the parts in KUBECONFIG")
}
