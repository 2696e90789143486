//! The agents: how each of them replaces its files, one step after the other.
//!
//! | agent | source of what it does |
//! |---|---|
//! | kubelet, cert-manager's CSI drivers | Kubernetes, `pkg/volume/util/atomic_writer.go`; cert-manager/csi-lib, `storage/filesystem.go` |
//! | Vault Agent | hashicorp/consul-template, `renderer/renderer.go`, `AtomicWrite` |
//! | SPIFFE Helper | spiffe/spiffe-helper, `pkg/disk/x509.go` and `json.go`: `os.WriteFile` of the certificate, the key and the bundle |

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

/// The files of one generation, in the order in which the agent writes them: each name and its content.
pub(crate) type Files = Vec<(&'static str, String)>;

/// How an agent replaces the files of its directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Agent {
    /// A new directory, and the link `..data` to it by rename.
    SwapsTheDirectory,
    /// Each file by rename.
    RenamesEachFile,
    /// Each file in place.
    TruncatesAndWrites,
}

/// One step, after which a reader may look.
pub(crate) struct Step {
    pub(crate) what: String,
    run: Box<dyn FnOnce() + Send>,
}

impl Step {
    fn new(what: impl Into<String>, run: impl FnOnce() + Send + 'static) -> Self {
        Self {
            what: what.into(),
            run: Box::new(run),
        }
    }

    pub(crate) fn run(self) {
        (self.run)();
    }
}

impl Agent {
    /// The steps to the generation with this number, which is 1 for the first one.
    pub(crate) fn steps(self, directory: &Path, generation: usize, files: Files) -> Vec<Step> {
        match self {
            Self::SwapsTheDirectory => swap(directory, generation, files),
            Self::RenamesEachFile => files
                .into_iter()
                .flat_map(|(name, content)| rename(directory, name, content))
                .collect(),
            Self::TruncatesAndWrites => files
                .into_iter()
                .flat_map(|(name, content)| truncate(directory, name, content))
                .collect(),
        }
    }
}

fn swap(directory: &Path, generation: usize, files: Files) -> Vec<Step> {
    let names: Vec<&str> = files.iter().map(|(name, _)| *name).collect();
    let new = format!("..generation_{generation}");
    let (root, target) = (directory.to_owned(), new.clone());
    let written = Step::new("the new directory is written", move || {
        fs::create_dir_all(root.join(&target)).unwrap();
        for (name, content) in files {
            write(&root.join(&target).join(name), &content);
        }
    });
    let (root, target) = (directory.to_owned(), new);
    let swapped = Step::new("the link is swapped", move || {
        symlink(&target, root.join("..data_tmp")).unwrap();
        fs::rename(root.join("..data_tmp"), root.join("..data")).unwrap();
        for name in names {
            if fs::symlink_metadata(root.join(name)).is_err() {
                symlink(Path::new("..data").join(name), root.join(name)).unwrap();
            }
        }
    });
    let mut steps = vec![written, swapped];
    if generation > 1 {
        let old = directory.join(format!("..generation_{}", generation - 1));
        steps.push(Step::new("the old directory is removed", move || {
            fs::remove_dir_all(old).unwrap();
        }));
    }
    steps
}

fn rename(directory: &Path, name: &'static str, content: String) -> [Step; 2] {
    let (temporary, path) = (directory.join(format!("tmp-{name}")), directory.join(name));
    let from = temporary.clone();
    [
        Step::new(format!("a temporary file for {name} is written"), move || {
            write(&temporary, &content);
        }),
        Step::new(format!("{name} is renamed"), move || {
            fs::rename(from, path).unwrap();
        }),
    ]
}

fn truncate(directory: &Path, name: &'static str, content: String) -> [Step; 2] {
    let (emptied, written) = (directory.join(name), directory.join(name));
    [
        Step::new(format!("{name} is truncated"), move || {
            fs::File::create(emptied).unwrap();
        }),
        Step::new(format!("{name} is written"), move || {
            let mut file = fs::OpenOptions::new().write(true).open(written).unwrap();
            file.write_all(content.as_bytes()).unwrap();
        }),
    ]
}

fn write(path: &Path, content: &str) {
    let mut file = fs::File::create(path).unwrap();
    file.set_permissions(fs::Permissions::from_mode(0o600)).unwrap();
    file.write_all(content.as_bytes()).unwrap();
    file.sync_all().unwrap();
}
