//! What every provider must pass: with a managed identity, a workload identity, and the Azure CLI.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use http::StatusCode;
use kubex_core::faults::{Conformance, plugin};
use kubex_core::host::SimulatedHost;
use kubex_tests::issuer::{Issuer, IssuerAnswer};
use serde_json::json;

use crate::scene::{TOKEN_PATH, application, issued, options};
use crate::stand_in::{StandIn, issued_until};

fn of_the_machine() -> Conformance {
    let metadata = Arc::new(StandIn::start(404, String::new()));
    let breaks = |status: u16, body: &'static str| {
        let metadata = Arc::clone(&metadata);
        move |_: &SimulatedHost| metadata.answer(status, body.to_owned())
    };
    let plants = |metadata: Arc<StandIn>| {
        move |world: &SimulatedHost, token: &str, expiry: SystemTime| {
            world.set_variable("AZURE_POD_IDENTITY_AUTHORITY_HOST", &metadata.address);
            metadata.answer(200, issued_until(token, expiry));
        }
    };
    let (plant, plant_expiring) = (plants(Arc::clone(&metadata)), plants(Arc::clone(&metadata)));
    Conformance::new(&kubex_aks::REGISTRATION)
        .options(|_| options("msi"))
        .plants(move |world, token| plant(world, token, world.host().now().wall + Duration::from_hours(1)))
        .plants_expiring(plant_expiring)
        .breaks("refused", breaks(400, "{}"))
        .breaks("forbidden", breaks(403, "<html>"))
        .breaks("not JSON", breaks(200, "<html>"))
        .breaks("empty", breaks(200, ""))
        .breaks("another document", breaks(200, "{}"))
        .hangs(breaks(0, ""))
}

kubex_core::provider_conformance!(machine, of_the_machine());

/// The runtime of the stand-in of Microsoft Entra, which lives as long as the process: the suite has runtimes of its own.
fn start() -> &'static Issuer {
    static RUNTIME: OnceLock<tokio::runtime::Runtime> = OnceLock::new();
    let runtime = RUNTIME.get_or_init(|| tokio::runtime::Runtime::new().unwrap());
    Box::leak(Box::new(runtime.block_on(Issuer::start()).unwrap()))
}

fn of_a_pod() -> Conformance {
    let entra = start();
    let breaks = |answer: IssuerAnswer| move |_: &SimulatedHost| entra.answer(TOKEN_PATH, answer.clone());
    let raw = |status: StatusCode, body: &'static str| IssuerAnswer::Raw(status, body.into());
    Conformance::new(&kubex_aks::REGISTRATION)
        .options(|_| application("workloadidentity", entra).set("federated-token-file", "/token"))
        .plants(|world, token| {
            world.write("/token", "assertion");
            entra.answer(TOKEN_PATH, issued(token, 3600));
        })
        .breaks(
            "refused",
            breaks(IssuerAnswer::Json(
                StatusCode::UNAUTHORIZED,
                json!({"error_codes": [1]}),
            )),
        )
        .breaks("failing", breaks(raw(StatusCode::SERVICE_UNAVAILABLE, "<html>")))
        .breaks("not JSON", breaks(raw(StatusCode::OK, "<html>")))
        .breaks("empty", breaks(raw(StatusCode::OK, "")))
        .breaks(
            "redirected",
            breaks(IssuerAnswer::Redirect(
                StatusCode::FOUND,
                "https://127.0.0.1:1/".to_owned(),
            )),
        )
        .breaks("no token file", |world| world.remove("/token"))
        .breaks("an empty token file", |world| world.write("/token", "\n"))
        .breaks("an unreadable token file", |world| {
            world.fail("/token", std::io::ErrorKind::PermissionDenied);
        })
        .hangs(breaks(IssuerAnswer::Silence))
}

/// Its expiry is a lifetime, which counts from the answer on: `applications` checks it.
#[test]
fn a_workload_identity_passes_what_every_provider_must_but_an_expiry_time() {
    let pod = of_a_pod();
    pod.registers_itself_well();
    pod.returns_the_planted_token();
    pod.sends_no_line_end();
    pod.refuses_invalid_tokens();
    pod.shows_no_secret();
    pod.survives_failures();
    pod.fetches_again_after_a_rejection();
    pod.survives_dropped_callers();
    pod.ends_by_its_deadline();
}

/// The answer of the Azure CLI. JSON takes what a token cannot: line ends and control characters travel escaped.
fn printed(token: &str, expiry: SystemTime) -> String {
    let expiry = expiry.duration_since(SystemTime::UNIX_EPOCH).unwrap();
    json!({"accessToken": token, "expires_on": expiry.as_secs(), "tokenType": "Bearer"}).to_string()
}

fn of_the_cli() -> Conformance {
    let plant = |world: &SimulatedHost, token: &str, expiry: SystemTime| {
        world.set_variable("PATH", "/usr/bin");
        world.install_program("/usr/bin/az");
        world.run_processes(plugin::prints(printed(token, expiry)));
    };
    let exec = kubex::registry().unwrap().get("exec").unwrap();
    Conformance::new(&kubex_aks::REGISTRATION)
        .with(exec)
        .options(|_| options("azurecli"))
        .plants(move |world, token| plant(world, token, world.host().now().wall + Duration::from_hours(1)))
        .plants_expiring(plant)
        .breaks("no login", |world| {
            world.run_processes(plugin::fails(1, "ERROR: Please run 'az login' to setup account."));
        })
        .breaks("it is killed", |world| {
            world.run_processes(plugin::is_killed_by(9));
        })
        .breaks("it says nothing", |world| world.run_processes(plugin::prints("")))
        .breaks("it prints garbage", |world| {
            world.run_processes(plugin::prints("}{"));
        })
        .breaks("it prints another document", |world| {
            world.run_processes(plugin::prints("{}"));
        })
        .breaks("it prints too much", |world| {
            world.run_processes(plugin::floods());
        })
        .breaks("it hangs", |world| world.run_processes(plugin::hangs()))
        .breaks("it is not there", |world| world.remove("/usr/bin/az"))
        .breaks("it cannot be started", |world| {
            world.run_processes(plugin::is_not_started(std::io::ErrorKind::PermissionDenied));
        })
        .hangs(|world| world.set_process_time(Duration::from_hours(24)))
}

kubex_core::provider_conformance!(azure_cli, of_the_cli());
