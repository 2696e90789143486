//! Whatever the bytes of a kubeconfig: no panic, up to the headers of a request.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    kubex_fuzz::assert_never_panics(bytes);
});
