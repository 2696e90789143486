//! What every provider must pass: with the metadata server, and with the login of a user.

use std::sync::Arc;
use std::time::SystemTime;

use kubex::Host;
use kubex_core::faults::Conformance;
use kubex_core::host::SimulatedHost;
use serde_json::json;

use crate::scene::{METADATA, WELL_KNOWN, options, user};
use crate::stand_in::{Answer, StandIn};

fn says(token: &str, seconds: u64) -> String {
    json!({"access_token": token, "expires_in": seconds}).to_string()
}

/// The seconds from now on, as a server counts them.
fn seconds_until(host: &Host, expiry: SystemTime) -> u64 {
    let left = expiry.duration_since(host.now().wall);
    left.map_or(0, |left| left.as_secs())
}

/// The provider with a token on this path of a stand-in.
fn conformance(
    path: &'static str,
    prepare: impl Fn(&SimulatedHost, &StandIn) + Send + Sync + 'static,
) -> Conformance {
    let google = Arc::new(StandIn::start());
    let breaks = |answer: Answer| {
        let google = Arc::clone(&google);
        move |_: &SimulatedHost| google.answer(path, answer.clone())
    };
    let prepare = Arc::new(prepare);
    let (of_plant, of_expiring) = (Arc::clone(&google), Arc::clone(&google));
    let prepare_expiring = Arc::clone(&prepare);
    Conformance::new(&kubex_gke::REGISTRATION)
        .options(|_| options())
        .plants(move |world, token| {
            prepare(world, &of_plant);
            of_plant.answer(path, Answer::Says(200, says(token, 3599)));
        })
        .plants_expiring(move |world, token, expiry| {
            prepare_expiring(world, &of_expiring);
            let (host, token) = (world.host(), token.to_owned());
            let answer = move || says(&token, seconds_until(&host, expiry));
            of_expiring.answer(path, Answer::Computes(Arc::new(answer)));
        })
        .breaks("refused", breaks(Answer::Says(403, String::new())))
        .breaks("gone", breaks(Answer::Says(404, "not found".to_owned())))
        .breaks("failing", breaks(Answer::Says(503, "<html>".to_owned())))
        .breaks("not JSON", breaks(Answer::Says(200, "<html>".to_owned())))
        .breaks("empty", breaks(Answer::Says(200, String::new())))
        .breaks(
            "redirected",
            breaks(Answer::Redirects("http://127.0.0.1:1/".to_owned())),
        )
        .hangs(breaks(Answer::Hangs))
}

fn of_the_machine() -> Conformance {
    conformance(METADATA, |world, google| {
        world.set_variable("GCE_METADATA_HOST", &google.host);
    })
}

fn of_a_user() -> Conformance {
    let login = format!("/home/jane/{WELL_KNOWN}");
    let files = (login.clone(), login.clone());
    conformance("/token", move |world, google| {
        world.set_variable("HOME", "/home/jane");
        world.write(&login, &user(google).to_string());
    })
    .breaks("half a login", move |world| {
        world.write(&files.0, "{\"type\": \"authorized_u");
    })
    .breaks("an unreadable login", move |world| {
        world.fail(&files.1, std::io::ErrorKind::PermissionDenied);
    })
}

kubex_core::provider_conformance!(machine, of_the_machine());
kubex_core::provider_conformance!(login, of_a_user());
