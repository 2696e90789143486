//! What every provider must pass.

use std::io;

use kubex_core::Options;
use kubex_core::faults::Conformance;
use kubex_core::host::SimulatedHost;
use kubex_in_cluster::REGISTRATION;

const ROOT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

fn pod(world: &SimulatedHost, token: &str) {
    world.set_variable("KUBERNETES_SERVICE_HOST", "10.0.0.1");
    world.set_variable("KUBERNETES_SERVICE_PORT", "443");
    world.link(format!("{ROOT}/..data"), "..2030");
    world.link(format!("{ROOT}/token"), "..data/token");
    world.write(format!("{ROOT}/..2030/token"), token);
}

fn in_cluster() -> Conformance {
    let token = || format!("{ROOT}/..2030/token");
    Conformance::new(&REGISTRATION)
        .with(&kubex_token_file::REGISTRATION)
        .options(|_| Options::new())
        .plants(pod)
        .breaks("an empty token", move |world| world.write(token(), "\n"))
        .breaks("a token without read permission", move |world| {
            world.fail(token(), io::ErrorKind::PermissionDenied);
        })
        .breaks("a device", move |world| world.put_device(token()))
        .hangs(move |world| world.hang(token()))
}

kubex_core::provider_conformance!(mounted, in_cluster());
