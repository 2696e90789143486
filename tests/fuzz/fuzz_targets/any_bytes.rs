//! Whatever the bytes: no panic, no hang. `U+0001` separates files that are merged.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    kubex_fuzz::load(bytes);
    let text = String::from_utf8_lossy(bytes);
    let files: Vec<&str> = text.split('\u{1}').take(4).collect();
    let _ = kubex_fuzz::shown(&kubex_fuzz::resolve(&files));
});
