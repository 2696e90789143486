//! What every provider must pass.

use std::io;

use kubex_core::Options;
use kubex_core::faults::{Conformance, plugin};
use kubex_core::host::SimulatedHost;
use kubex_core::time::rfc3339;
use kubex_exec::REGISTRATION;

fn answer(status: &str) -> String {
    format!(r#"{{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{status}}}"#)
}

/// JSON takes what a token cannot: line ends and control characters travel escaped.
fn quoted(text: &str) -> String {
    let escaped: String = text
        .chars()
        .map(|letter| match letter {
            '"' | '\\' => format!("\\{letter}"),
            letter if letter.is_control() => format!("\\u{:04x}", u32::from(letter)),
            letter => letter.to_string(),
        })
        .collect();
    format!("\"{escaped}\"")
}

fn install(world: &SimulatedHost) {
    world.set_variable("PATH", "/usr/bin");
    world.install_program("/usr/bin/login");
}

fn exec() -> Conformance {
    Conformance::new(&REGISTRATION)
        .options(|_| {
            Options::new()
                .set("server", "https://10.0.0.1")
                .set("command", "login")
        })
        .plants(|world, token| {
            install(world);
            world.run_processes(plugin::prints(answer(&format!(
                "{{\"token\":{}}}",
                quoted(token)
            ))));
        })
        .plants_expiring(|world, token, end| {
            install(world);
            let status = format!(
                "{{\"token\":{},\"expirationTimestamp\":\"{}\"}}",
                quoted(token),
                rfc3339(end)
            );
            world.run_processes(plugin::prints(answer(&status)));
        })
        .breaks("it fails", |world| {
            world.run_processes(plugin::fails(1, "no network"));
        })
        .breaks("it is killed", |world| {
            world.run_processes(plugin::is_killed_by(9));
        })
        .breaks("it says nothing", |world| world.run_processes(plugin::prints("")))
        .breaks("it prints garbage", |world| {
            world.run_processes(plugin::prints("}{"));
        })
        .breaks("it gives nothing", |world| {
            world.run_processes(plugin::prints(answer("{}")));
        })
        .breaks("it prints too much", |world| {
            world.run_processes(plugin::floods());
        })
        .breaks("it hangs", |world| world.run_processes(plugin::hangs()))
        .breaks("it is not there", |world| world.remove("/usr/bin/login"))
        .breaks("it cannot be started", |world| {
            world.run_processes(plugin::is_not_started(io::ErrorKind::PermissionDenied));
        })
        .hangs(|world| world.set_process_time(std::time::Duration::from_secs(86_400)))
}

kubex_core::provider_conformance!(plugins, exec());
