//! A position is that of the value, of what is around it, or none.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    kubex_fuzz::assert_positions(&String::from_utf8_lossy(bytes));
});
