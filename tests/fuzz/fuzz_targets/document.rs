//! Whatever the bytes: the reader of documents does not panic, and its spans are parts of the document.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    kubex_fuzz::assert_spans(bytes);
});
