//! What every provider must pass, with the token in the kubeconfig and with it in a file.

use kubex_core::faults::Conformance;
use kubex_core::host::SimulatedHost;
use kubex_kubeconfig::REGISTRATION;

const CONFIG: &str = "/home/jane/.kube/config";
const TOKEN: &str = "/home/jane/token";

fn write(world: &SimulatedHost, user: &str) {
    world.set_variable("HOME", "/home/jane");
    world.write(
        CONFIG,
        &format!(
            "current-context: prod\n\
             clusters: [{{name: prod, cluster: {{server: 'https://10.0.0.1'}}}}]\n\
             contexts: [{{name: prod, context: {{cluster: prod, user: jane}}}}]\n\
             users: [{{name: jane, user: {{{user}}}}}]\n"
        ),
    );
}

fn of_a_file() -> Conformance {
    Conformance::new(&REGISTRATION)
        .with(&kubex_token_file::REGISTRATION)
        .with(&kubex_static::REGISTRATION)
        .plants(|world, token| {
            write(world, &format!("tokenFile: {TOKEN}"));
            world.write(TOKEN, token);
        })
        .breaks("no token file", |world| world.remove(TOKEN))
        .breaks("an empty token file", |world| world.write(TOKEN, ""))
        .breaks("a device", |world| world.put_device(TOKEN))
        .hangs(|world| world.hang(TOKEN))
}

kubex_core::provider_conformance!(token_file, of_a_file());

#[test]
fn a_kubeconfig_that_breaks_is_a_typed_error_and_the_snapshot_in_use_stays_whole() {
    Conformance::new(&REGISTRATION)
        .with(&kubex_static::REGISTRATION)
        .plants(|world, token| write(world, &format!("token: {token}")))
        .breaks("half of it", |world| {
            world.write(CONFIG, "current-context: prod\nclusters: [{name:");
        })
        .breaks("no user", |world| {
            world.write(CONFIG, "current-context: prod\nclusters: [{name: prod}]");
        })
        .breaks("a device", |world| world.put_device(CONFIG))
        .survives_failures();
}

#[test]
fn a_token_that_is_written_into_the_kubeconfig_shows_nowhere() {
    let inline = Conformance::new(&REGISTRATION)
        .with(&kubex_static::REGISTRATION)
        .plants(|world, token| write(world, &format!("token: {token}")));
    inline.returns_the_planted_token();
    inline.shows_no_secret();
}
