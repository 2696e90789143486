//! No planted secret is shown, whatever becomes of the kubeconfig around it.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    kubex_fuzz::assert_shows_no_secret(&String::from_utf8_lossy(bytes));
});
