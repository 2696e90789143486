//! No excerpt of the command shows a planted secret or a control character.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    kubex_fuzz::assert_snippets_show_no_secret(bytes);
});
