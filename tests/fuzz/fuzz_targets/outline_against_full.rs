//! Outline and full reading agree: results, errors, warnings, positions.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    if let Some([outlined, whole]) = kubex_kubeconfig::both_ways(text) {
        assert_eq!(outlined, whole, "\n{text}");
    }
});
