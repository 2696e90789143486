//! The reader of simple YAML and that of all YAML agree: nodes, spans, styles.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    if let Some([simple, full]) = kubex_document::both_ways(text) {
        assert_eq!(simple, full, "\n{text}");
    }
});
