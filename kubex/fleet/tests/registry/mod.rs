//! The providers that the members of these suites use.

use kubex_core::Registry;

pub(crate) fn registry() -> Registry {
    Registry::from_registrations([
        &kubex_static::REGISTRATION,
        &kubex_token_file::REGISTRATION,
        &kubex_exec::REGISTRATION,
    ])
    .unwrap()
}
