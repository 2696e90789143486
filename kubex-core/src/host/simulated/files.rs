//! The simulated file system: nodes by path, and symbolic links between them.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io;
use std::path::{Path, PathBuf};

use async_trait::async_trait;

use super::{SimulatedHost, World};
use crate::host::{FileContent, FileKind, FileStamp, Files, ForeignWriters};
use crate::secret::{ExposeSecret as _, SecretBytes};

#[derive(Clone)]
pub(super) enum Node {
    File(SecretBytes),
    Program,
    Link(PathBuf),
    Broken(io::ErrorKind),
    Device,
    /// A pipe that delivers this and is closed.
    Pipe(SecretBytes),
    /// A file on a network file system that does not answer.
    Hanging,
}

impl World {
    /// Follows symbolic links in every part of the path, as the system does.
    fn resolve(&self, path: &Path) -> io::Result<PathBuf> {
        let mut path = path.to_owned();
        for _ in 0..40 {
            let link = path
                .ancestors()
                .find_map(|ancestor| match self.nodes.get(ancestor) {
                    Some(Node::Link(target)) => Some((ancestor.to_owned(), target.clone())),
                    _ => None,
                });
            let Some((at, target)) = link else { return Ok(path) };
            let rest = path.strip_prefix(&at).map(Path::to_owned).unwrap_or_default();
            let base = at.parent().map(Path::to_owned).unwrap_or_default().join(target);
            path = if rest.as_os_str().is_empty() {
                base
            } else {
                base.join(rest)
            };
        }
        Err(io::Error::other("too many levels of symbolic links"))
    }

    fn node(&self, path: &Path) -> io::Result<Option<Node>> {
        let path = self.resolve(path)?;
        match self.nodes.get(&path) {
            Some(Node::Broken(kind)) => Err((*kind).into()),
            Some(node) => Ok(Some(node.clone())),
            None if self.nodes.keys().any(|node| node.starts_with(&path)) => Ok(None),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }
}

#[async_trait]
impl Files for SimulatedHost {
    async fn read_stamped(&self, path: &Path, limit: usize) -> io::Result<FileContent> {
        let foreign_writers = self.foreign_writers(path).await;
        let (node, events) = {
            let mut world = self.lock();
            world.reads.push(path.to_owned());
            let (due, left) = std::mem::take(&mut world.after_reads)
                .into_iter()
                .partition::<Vec<_>, _>(|(at, _)| at == path);
            world.after_reads = left;
            (world.node(path), due)
        };
        for (_, event) in events {
            event(self);
        }
        match node? {
            Some(Node::Hanging) => std::future::pending().await,
            Some(Node::Device) => Err(io::ErrorKind::InvalidInput.into()),
            Some(Node::Pipe(bytes)) if bytes.expose_secret().len() <= limit => Ok(FileContent {
                bytes,
                stamp: None,
                is_from_pipe: true,
                foreign_writers: None,
            }),
            Some(Node::File(content)) if content.expose_secret().len() <= limit => Ok(FileContent {
                foreign_writers,
                ..stamped(content)
            }),
            Some(Node::File(_) | Node::Pipe(_)) => Err(io::ErrorKind::FileTooLarge.into()),
            Some(_) => Ok(stamped(SecretBytes::default())),
            None => Err(io::ErrorKind::IsADirectory.into()),
        }
    }

    async fn kind(&self, path: &Path) -> io::Result<FileKind> {
        Ok(match self.lock().node(path)? {
            Some(Node::Program) => FileKind::Regular { executable: true },
            Some(Node::Device) => FileKind::Other,
            Some(Node::Pipe(_)) => FileKind::Pipe,
            Some(_) => FileKind::Regular { executable: false },
            None => FileKind::Directory,
        })
    }

    async fn foreign_writers(&self, path: &Path) -> Option<ForeignWriters> {
        let world = self.lock();
        let path = world.resolve(path).ok()?;
        world
            .writable_by_others
            .contains(&path)
            .then(ForeignWriters::everyone)
    }

    async fn read_link(&self, path: &Path) -> io::Result<PathBuf> {
        match self.lock().nodes.get(path) {
            Some(Node::Link(target)) => Ok(target.clone()),
            Some(Node::Broken(kind)) => Err((*kind).into()),
            Some(_) => Err(io::ErrorKind::InvalidInput.into()),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    async fn list(&self, directory: &Path) -> io::Result<Vec<String>> {
        let world = self.lock();
        let directory = world.resolve(directory)?;
        if world.node(&directory)?.is_some() {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        let below = world.nodes.keys().filter_map(|node| {
            let first = node.strip_prefix(&directory).ok()?.components().next()?;
            first.as_os_str().to_str().map(str::to_owned)
        });
        let names: BTreeSet<String> = below.collect();
        Ok(names.into_iter().collect())
    }
}

/// Content with a stamp that is derived from it, because simulated files have no times.
fn stamped(bytes: SecretBytes) -> FileContent {
    let mut hasher = DefaultHasher::new();
    bytes.expose_secret().hash(&mut hasher);
    let stamp = FileStamp {
        size: bytes.expose_secret().len() as u64,
        changed: hasher.finish().into(),
        ..FileStamp::default()
    };
    FileContent {
        bytes,
        stamp: Some(stamp),
        is_from_pipe: false,
        foreign_writers: None,
    }
}
