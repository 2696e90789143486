//! What is told of a document, the selective reader and the parser tell alike.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    if let Some([selective, whole]) = kubex_kubeconfig::told(text) {
        assert_eq!(selective, whole, "\n{text}");
    }
});
