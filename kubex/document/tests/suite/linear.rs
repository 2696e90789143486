//! Reading takes time in proportion to the bytes, whatever they are.

use std::fmt::Write as _;
use std::time::Duration;

use kubex_document::Node;

use crate::read;

/// How long it takes to read a document, and to find the positions of values in it.
fn time(text: &str) -> Duration {
    let began = processor_time();
    if let Ok(document) = read(text) {
        for (_, value) in document.root().entries().take(20_000) {
            let _ = (
                value.position(),
                value.get("k"),
                value.items().last().map(Node::position),
            );
        }
    }
    processor_time().saturating_sub(began)
}

/// What this thread has used of a processor: other tests run at the same time.
fn processor_time() -> Duration {
    rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime)
        .try_into()
        .unwrap()
}

/// A document of so many parts, each made of its number.
fn parts(count: usize, part: impl Fn(&mut String, usize)) -> String {
    let mut text = String::new();
    for index in 0..count {
        part(&mut text, index);
    }
    text
}

type Document = (&'static str, fn(usize) -> String);

#[test]
fn a_document_of_eight_times_the_size_takes_about_eight_times_as_long() {
    let documents: &[Document] = &[
        ("contexts", |n| {
            "contexts:\n".to_owned() + &"- context: {cluster: a, user: b}\n  name: c\n".repeat(n)
        }),
        ("keys", |n| {
            parts(n, |text, index| writeln!(text, "k{index}: v").unwrap())
        }),
        ("the same key", |n| "k: v\n".repeat(n)),
        ("one long line", |n| {
            format!("{{a: [{}]}}", "{b: c, d: \"e\"}, ".repeat(n))
        }),
        ("keys on one line", |n| {
            "{".to_owned() + &parts(n, |text, index| write!(text, "é{index}: [v], ").unwrap()) + "}"
        }),
        ("json", |n| {
            format!("{{\"a\": [{} 0]}}", "{\"b\": \"c\\n\"}, ".repeat(n))
        }),
        ("almost json", |n| {
            format!("{{\"a\": [{} 0]}} x", "{\"b\": \"c\"}, ".repeat(n))
        }),
        ("aliases", |n| "a: &a [b]\nc:\n".to_owned() + &"- *a\n".repeat(n)),
        ("anchors", |n| {
            parts(n, |text, index| {
                writeln!(text, "- &a{index} x\n- *a{index}").unwrap();
            })
        }),
        ("brackets", |n| "[".repeat(n * 10)),
        ("dashes", |n| "- ".repeat(n * 10)),
        ("questions", |n| "? ".repeat(n * 10)),
        ("levels", |n| {
            parts(n / 20, |text, level| *text += &(" ".repeat(level) + "a:\n"))
        }),
        ("literal", |n| "a: |\n".to_owned() + &"  text text\n".repeat(n)),
        ("folded", |n| "a: >\n".to_owned() + &"  text text\n".repeat(n)),
        ("empty lines", |n| "a: |+\n".to_owned() + &"\n".repeat(n * 10)),
        ("quoted lines", |n| {
            format!("a: \"{}\"", "text \\n\n\n  ".repeat(n))
        }),
        ("plain lines", |n| {
            "a: text\n".to_owned() + &"  text text\n".repeat(n)
        }),
        ("comments", |n| "# comment\n".repeat(n)),
        ("spaces", |n| "a: b".to_owned() + &" ".repeat(n * 10) + "c\n"),
        ("words", |n| "word word ".repeat(n)),
        ("directives", |n| {
            parts(n, |text, index| writeln!(text, "%TAG !a{index}! b").unwrap()) + "---\n"
        }),
        ("tags", |n| {
            format!("%TAG !a! {}\n---\n", "b".repeat(n)) + &"- !a!c d\n".repeat(n)
        }),
        ("numbers", |n| format!("a: {}\n", "1".repeat(n * 10))),
        ("merges", |n| {
            "a: &a {b: c}\nd:\n".to_owned() + &"- {<<: *a, e: f}\n".repeat(n)
        }),
    ];
    for (name, document) in documents {
        let size = 1_000;
        let (part, whole) = (document(size), document(size * 8));
        let mut shortest = [Duration::MAX; 2];
        // What takes time by the square takes 64 times as long.
        let is_linear = (0..10).any(|_| {
            shortest = [shortest[0].min(time(&part)), shortest[1].min(time(&whole))];
            shortest[1] < shortest[0].mul_f64(16.0) + Duration::from_millis(1)
        });
        assert!(is_linear, "{name}: {shortest:?}");
    }
}
