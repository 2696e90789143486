//! Whatever becomes of a kubeconfig, nothing panics, and nothing that is told has a secret in it.

use std::cell::Cell;
use std::sync::Arc;

use kubex_core::{Chain, ClientConfiguration, Host, Result, Source};
use kubex_kubeconfig::KubeconfigProvider;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::edits::Edits;
use crate::scene::{home, real};
use crate::shown::{MARKER, is_made_a_name, shown};
use crate::written::Choices;
use crate::{check, kubeconfigs, now};

/// A kubeconfig as the user's own file, or where it is not text, as bytes that are trusted.
fn resolve(content: &[u8]) -> Result<ClientConfiguration> {
    let provider = KubeconfigProvider::from_bytes("bytes", content.to_vec().into()).trusted(true);
    let chain = |host: Host| Chain::builder(real()).host(host);
    let chain = match std::str::from_utf8(content) {
        Ok(text) => chain(home(text).host()).source(Source::new("kubeconfig")),
        Err(_) => chain(home("").host()).source(Source::from_provider("kubeconfig", Arc::new(provider))),
    };
    now(chain.build()?.resolve())
}

#[test]
fn no_random_edit_brings_a_secret_out() {
    let (refused, accepted, exempt) = (Cell::new(0), Cell::new(0), Cell::new(0));
    let add = |count: &Cell<u32>| count.set(count.get() + 1);
    check(
        &(kubeconfigs::planted(), Choices::any(), Edits::any()),
        |(tree, choices, edits)| {
            let yaml = tree.yaml(&choices);
            for content in [
                yaml.as_bytes(),
                tree.json().to_string().as_bytes(),
                &edits.apply(yaml.as_bytes()),
                &edits.apply(tree.json().to_string().as_bytes()),
            ] {
                let resolved = resolve(content);
                add(if resolved.is_ok() { &accepted } else { &refused });
                let shown = shown(&resolved);
                if !shown.contains(MARKER) {
                    continue;
                }
                let text = String::from_utf8_lossy(content);
                add(&exempt);
                prop_assert_eq!(is_made_a_name(&text), Some(true), "{}\n{}", shown, text);
            }
            Ok(())
        },
    );
    let all = accepted.get() + refused.get();
    assert!(
        accepted.get() > 50 && refused.get() > 50 && exempt.get() * 10 < all,
        "{accepted:?} {refused:?} {exempt:?}"
    );
}

#[test]
fn nothing_panics_whatever_the_bytes() {
    let pieces = prop_oneof![
        "[-a-z:{}\\[\\],&*!|>'\"#%@?~<= \n\t]{1,10}".prop_map(String::into_bytes),
        "(users|contexts|clusters|name|user|context|cluster|current-context|<<):? ?\n?"
            .prop_map(String::into_bytes),
        vec(any::<u8>(), 1..6),
        Just(b"\xff\xfe".to_vec()),
        Just(b"\xfe\xff".to_vec()),
        Just("\u{feff}".into()),
    ];
    check(&vec(pieces, 0..30), |pieces| {
        let _ = shown(&resolve(&pieces.concat()));
        Ok(())
    });
    check(
        &(kubeconfigs::kubeconfig(), Choices::any(), Edits::any()),
        |(tree, choices, edits)| {
            for content in [tree.yaml(&choices), tree.json().to_string()] {
                let _ = shown(&resolve(&edits.apply(content.as_bytes())));
            }
            Ok(())
        },
    );
}
