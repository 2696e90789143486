//! What every provider must pass.

use std::io;

use kubex_core::Options;
use kubex_core::faults::Conformance;
use kubex_static::REGISTRATION;

kubex_core::provider_conformance!(
    token,
    Conformance::new(&REGISTRATION).options(|token| Options::new()
        .set("server", "https://10.0.0.1")
        .set("token", token))
);

/// A token beside a certificate whose files break.
fn with_files() -> Conformance {
    Conformance::new(&REGISTRATION).options(|token| {
        Options::new()
            .set("server", "https://10.0.0.1")
            .set("token", token)
            .set("client-certificate", "/pki/client.crt")
            .set("client-key", "/pki/client.key")
    })
}

#[test]
fn certificate_files_that_break_are_typed_errors() {
    let certificate = include_str!("../../../kubex-core/src/credential/fixtures/curve.certificate.pem");
    let key = include_str!("../../../kubex-core/src/credential/fixtures/curve.sec1.pem");
    with_files()
        .plants(move |world, _| {
            world.write("/pki/client.crt", certificate);
            world.write("/pki/client.key", key);
        })
        .breaks("no certificate", |world| world.remove("/pki/client.crt"))
        .breaks("half a certificate", move |world| {
            world.write("/pki/client.crt", &certificate[..80]);
        })
        .breaks("no key", |world| {
            world.fail("/pki/client.key", io::ErrorKind::PermissionDenied);
        })
        .breaks("an empty key", |world| world.write("/pki/client.key", ""))
        .breaks("another key", |world| {
            let other = include_str!("../../../kubex-core/src/credential/fixtures/rsa.pkcs8.pem");
            world.write("/pki/client.key", other);
        })
        .survives_failures();
}
