//! From a file to a ready configuration.

use std::fs;
use std::hint::black_box;
use std::path::Path;

use kube::config::{Config, KubeConfigOptions, Kubeconfig};
use kubex_benches::kubeconfigs::{self, Form};
use kubex_benches::{Row, Table, alternate, alternate_inner, counted, is_short};
use kubex_core::{Chain, Host, Options, Source};
use tokio::runtime::Runtime;

/// Every form in every size.
pub(crate) fn one_file(runtime: &Runtime, scratch: &Path, table: &mut Table) {
    let sizes: &[usize] = if is_short() {
        &[1, 100, 1000]
    } else {
        &[1, 10, 100, 1000, 10_000]
    };
    for form in [Form::Yaml, Form::Json, Form::Unusual] {
        for contexts in sizes {
            table.add(row(runtime, scratch, form, *contexts));
        }
    }
    if is_short() {
        table.add(row(runtime, scratch, Form::Yaml, 10_000));
    }
}

fn row(runtime: &Runtime, scratch: &Path, form: Form, contexts: usize) -> Row {
    let text = kubeconfigs::of(contexts, form);
    let path = scratch.join("config");
    fs::write(&path, &text).expect("the file can be written");
    let size = text.len() / 1024;
    let form_name = match form {
        Form::Yaml => "YAML",
        Form::Json => "JSON",
        Form::Unusual => "YAML with an anchor",
    };
    let work = format!("{}, {form_name}, {size} KiB", counted(contexts, "context"));
    let mut ours = || load(runtime, &path);
    let mut theirs = || load_by_kube(runtime, &path).expect("kube loads it");
    let mut reading = || read_and_count(&path);
    let rounds = match contexts {
        0..1000 => 60,
        1000 => 15,
        _ if form == Form::Unusual => 3,
        _ => 11,
    };
    if contexts >= 10_000 {
        let [ours, reading] = alternate(rounds, [&mut ours, &mut reading]);
        let kube = match load_by_kube(runtime, &path) {
            Ok(()) => String::new(),
            Err(error) => format!("; kube: {}", first_words(&error)),
        };
        let beside = format!(
            "read and count {:.1} ms{kube}",
            reading.median.as_secs_f64() * 1e3
        );
        let row = Row::took(work, ours.median);
        return match form {
            Form::Unusual => row.beside(beside),
            _ => row
                .at_most(&beside, ours.over(reading), 2.5)
                .judged_by(ours.least_over(reading)),
        };
    }
    let [ours, theirs] = alternate(rounds, [&mut ours, &mut theirs]);
    let row = Row::took(work, ours.median);
    if form == Form::Unusual {
        let beside = format!("kube {:.2} ms", theirs.median.as_secs_f64() * 1e3);
        // Of a small file, the way to another thread and back is the largest part, and varies most.
        let most = if contexts < 100 { 2.5 } else { 1.5 };
        return row
            .with_time("kube", theirs.median)
            .at_most(&beside, ours.over(theirs), most)
            .judged_by(ours.least_over(theirs));
    }
    let row = row
        .faster("kube", theirs.median, theirs.over(ours), target(contexts))
        .judged_by(theirs.least_over(ours));
    // A small file takes less than what hands it over to another thread, which kube does not do.
    if contexts < 100 { row.ungated() } else { row }
}

/// How many times faster than kube Kubex should be.
fn target(contexts: usize) -> f64 {
    match contexts {
        100.. => 12.0,
        10.. => 6.0,
        _ => 3.0,
    }
}

/// A kubeconfig that is in memory already: what is left where no file is read on another thread.
pub(crate) fn in_memory(runtime: &Runtime, table: &mut Table) {
    for contexts in [1, 10, 100, 1000] {
        for form in [Form::Yaml, Form::Json] {
            table.add(row_in_memory(runtime, contexts, form));
        }
    }
}

fn row_in_memory(runtime: &Runtime, contexts: usize, form: Form) -> Row {
    let text = kubeconfigs::of(contexts, form);
    let mut ours = || {
        let bytes = text.clone().into_bytes();
        let loaded = runtime.block_on(async {
            kubex::configure_from_kubeconfig()
                .bytes(bytes)
                .trusted(true)
                .await
        });
        black_box(loaded.expect("Kubex loads it"));
    };
    let mut theirs = || {
        let kubeconfig = Kubeconfig::from_yaml(&text).expect("kube reads it");
        let options = KubeConfigOptions::default();
        let config = Config::from_custom_kubeconfig(kubeconfig, &options);
        black_box(runtime.block_on(config).expect("kube chooses"));
    };
    let (rounds, times) = match contexts {
        0..10 => (60, 10),
        10..1000 => (40, 2),
        _ => (11, 1),
    };
    let [ours, theirs] = alternate_inner(rounds, times, [&mut ours, &mut theirs]);
    let form_name = if form == Form::Json { "JSON" } else { "YAML" };
    let work = format!("{}, {form_name}, in memory", counted(contexts, "context"));
    Row::took(work, ours.median)
        .faster("kube", theirs.median, theirs.over(ours), target(contexts))
        .judged_by(theirs.least_over(ours))
        .ungated()
}

/// What handing work over to a thread that may block takes, and being told that it is done.
pub(crate) fn hand_over(runtime: &Runtime, table: &mut Table) {
    let mut ours = || {
        runtime.block_on(async {
            tokio::task::spawn_blocking(|| black_box(()))
                .await
                .expect("it does nothing");
        });
    };
    let [ours] = alternate(500, [&mut ours]);
    table.add(
        Row::new("1 context: of that, the way to a blocking thread and back", "")
            .beside(format!("an empty work {:.1} us", ours.median.as_secs_f64() * 1e6)),
    );
}

fn first_words(error: &str) -> String {
    error
        .split(':')
        .next()
        .unwrap_or_default()
        .chars()
        .take(60)
        .collect()
}

pub(crate) fn load(runtime: &Runtime, path: &Path) {
    let loaded = runtime.block_on(async { kubex::configure_from_kubeconfig().path(path).await });
    black_box(loaded.expect("Kubex loads it"));
}

fn load_by_kube(runtime: &Runtime, path: &Path) -> Result<(), String> {
    let kubeconfig = Kubeconfig::read_from(path).map_err(|error| error.to_string())?;
    let options = KubeConfigOptions::default();
    let config = Config::from_custom_kubeconfig(kubeconfig, &options);
    black_box(runtime.block_on(config).map_err(|error| error.to_string())?);
    Ok(())
}

fn read_and_count(path: &Path) {
    let bytes = fs::read(path).expect("the file can be read");
    assert!(black_box(memchr::memchr_iter(b'\n', &bytes).count()) > 0);
}

/// Three files as one, as `KUBECONFIG` names them.
pub(crate) fn three_files(runtime: &Runtime, scratch: &Path, table: &mut Table) {
    let paths: Vec<_> = (0..3)
        .map(|number| {
            let path = scratch.join(format!("part-{number}"));
            fs::write(&path, kubeconfigs::part(number, 100)).expect("the file can be written");
            path
        })
        .collect();
    let paths: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    let registry = kubex::registry().expect("the providers are known");
    let mut ours = || {
        let options = Options::new().set("paths", paths.clone());
        let chain = Chain::builder(registry.clone())
            .source(Source::new("kubeconfig").options(options))
            .build()
            .expect("the options are right");
        black_box(runtime.block_on(chain.resolve()).expect("Kubex loads them"));
    };
    let mut theirs = || {
        let merged = paths
            .iter()
            .map(|path| Kubeconfig::read_from(path).expect("kube reads it"))
            .reduce(|one, other| one.merge(other).expect("kube merges them"))
            .expect("there are three");
        let options = KubeConfigOptions::default();
        let config = Config::from_custom_kubeconfig(merged, &options);
        black_box(runtime.block_on(config).expect("kube chooses"));
    };
    let [ours, theirs] = alternate(40, [&mut ours, &mut theirs]);
    table.add(
        Row::took("three files of 100 contexts, merged", ours.median)
            .faster("kube", theirs.median, theirs.over(ours), 12.0)
            .judged_by(theirs.least_over(ours)),
    );
}

/// The pod's service account, on a file system in memory as in a pod. kube reads that of one fixed place alone, so it is not
/// beside it.
pub(crate) fn in_cluster(runtime: &Runtime, table: &mut Table) {
    let Ok(memory) = tempfile::tempdir_in("/dev/shm") else {
        println!("NOT MEASURED: in-cluster: there is no file system in memory at /dev/shm");
        return;
    };
    let root = memory.path().join("pod");
    fs::create_dir_all(root.join("..data-1")).expect("a directory can be made");
    let authority = kubeconfigs::authority();
    for (name, content) in [
        ("token", "a.b.c"),
        ("namespace", "team-a"),
        ("ca.crt", authority.as_str()),
    ] {
        fs::write(root.join("..data-1").join(name), content).expect("the file can be written");
        std::os::unix::fs::symlink(Path::new("..data").join(name), root.join(name))
            .expect("a link can be made");
    }
    std::os::unix::fs::symlink("..data-1", root.join("..data")).expect("a link can be made");
    let registry = kubex::registry().expect("the providers are known");
    let host = Host::real()
        .with_variable("KUBERNETES_SERVICE_HOST", Some("10.0.0.1"))
        .with_variable("KUBERNETES_SERVICE_PORT", Some("443"));
    let mut ours = || {
        let options = Options::new().set("root", root.display().to_string());
        let chain = Chain::builder(registry.clone())
            .host(host.clone())
            .source(Source::new("pod").provider("in-cluster").options(options))
            .build()
            .expect("the options are right");
        black_box(runtime.block_on(chain.resolve()).expect("Kubex finds it"));
    };
    let mut reading = || {
        for name in ["token", "namespace", "ca.crt"] {
            black_box(fs::read(root.join(name)).expect("the file can be read"));
        }
    };
    let [ours, reading] = alternate(100, [&mut ours, &mut reading]);
    let beside = format!("reading its files {:.1} us", reading.median.as_secs_f64() * 1e6);
    let row = Row::took("in-cluster", ours.median);
    table.add(row.at_most(&beside, ours.over(reading), 3.0).ungated());
}
