//! What every provider must pass.

use std::io;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use kubex_core::Options;
use kubex_core::faults::Conformance;
use kubex_core::time::unix_seconds;
use kubex_token_file::REGISTRATION;

const FILE: &str = "/var/run/secrets/token";

kubex_core::provider_conformance!(
    token_file,
    Conformance::new(&REGISTRATION)
        .options(|_| Options::new()
            .set("server", "https://10.0.0.1")
            .set("token-file", FILE))
        .plants(|world, token| world.write(FILE, token))
        .breaks("no file", |world| world.remove(FILE))
        .breaks("a file without read permission", |world| world
            .fail(FILE, io::ErrorKind::PermissionDenied))
        .breaks("an empty file", |world| world.write(FILE, ""))
        .breaks("white space", |world| world.write(FILE, " \r\n\t"))
        .breaks("no text", |world| world.write_bytes(FILE, b"\xff\xfe\x00t"))
        .breaks("a device", |world| world.put_device(FILE))
        .breaks("a circle of links", |world| world.link(FILE, FILE))
        .breaks("a gigantic file", |world| world.write(FILE, &"x".repeat(1 << 20)))
        .hangs(|world| world.hang(FILE))
);

#[test]
fn the_expiry_is_the_tokens_own() {
    let claims = |seconds: i64| BASE64_URL_SAFE_NO_PAD.encode(format!("{{\"exp\":{seconds}}}"));
    Conformance::new(&REGISTRATION)
        .options(|_| {
            Options::new()
                .set("server", "https://10.0.0.1")
                .set("token-file", FILE)
        })
        .plants_expiring(move |world, _, end| {
            world.write(
                FILE,
                &format!("eyJhbGciOiJub25lIn0.{}.x", claims(unix_seconds(end))),
            );
        })
        .respects_the_expiry();
}
