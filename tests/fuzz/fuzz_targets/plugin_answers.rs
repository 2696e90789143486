//! Whatever a plugin prints on both streams: no panic, and nothing that it knew is shown.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    kubex_fuzz::assert_hides_what_the_plugin_knew(bytes);
});
