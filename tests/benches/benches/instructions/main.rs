//! How many instructions Kubex takes, which depends on neither the load nor the clock of a machine.
//!
//! `cargo bench -p kubex-benches --bench instructions` runs each work under valgrind's callgrind and compares the counts
//! with those in `instructions.txt`. Each change of more than 3 % is shown with the earlier count. `-- --keep` writes the
//! new counts to the file.
//!
//! A work runs a few times and many times, each in a process of its own. The difference of both counts contains no start-up.
//! Rows whose names begin with `kube` are kube's, for comparison.

mod counts;
mod works;

use counts::{Comparison, Kept};

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(at) = arguments.iter().position(|argument| argument == "--work")
        && let [name, times] = &arguments[at + 1..]
    {
        let times = times.parse().expect("the number of times is a number");
        return works::run(name, times);
    }
    let Some(valgrind) = counts::valgrind_version() else {
        println!("NOT MEASURED: instruction counts: valgrind cannot be started");
        return;
    };
    let kept = Kept::read();
    println!("\n**instructions, counted by {valgrind}**\n");
    if let Some(line) = kept.differences_of_the_tools() {
        println!("{line}");
    }
    println!("| work | instructions | kept | change |\n|---|---|---|---|");
    let mut all = Vec::new();
    for work in works::ALL {
        let comparison = Comparison::new(work.name, counts::count(work), kept.count(work.name));
        println!("{}", comparison.row());
        all.push(comparison);
    }
    for line in all.iter().filter_map(Comparison::change) {
        println!("CHANGED: {line}");
    }
    if arguments.iter().any(|argument| argument == "--keep") {
        counts::keep(&all);
    } else {
        println!("`cargo bench -p kubex-benches --bench instructions -- --keep` keeps these counts");
    }
}
