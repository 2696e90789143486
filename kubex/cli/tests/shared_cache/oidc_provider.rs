//! The same login at an issuer that is not of this project: the npm package `oidc-provider`, which ends a login if one of its
//! refresh tokens comes twice.
//!
//! `KUBEX_OIDC_PROVIDER` names a directory in which the package is installed: `npm install --prefix DIRECTORY oidc-provider`.

use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use kubex_tests::certificates::{Key, Profile, certificate_pem};
use kubex_tests::machine::{has_tool, not_tested};

use crate::oidc::{kill_a_worker, printed, refresh_in_twenty_processes, worker};
use crate::world::{Ended, World};

const WHAT: &str = "an OIDC login at the issuer oidc-provider";

/// The issuer's process.
struct Issuer {
    process: Child,
    questions: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Issuer {
    /// Its next line.
    fn answer(&mut self) -> String {
        let mut lines = self.answers.by_ref().map(Result::unwrap);
        let line = lines.find_map(|line| Some(line.strip_prefix("issuer: ")?.to_owned()));
        line.unwrap()
    }

    fn ask(&mut self, question: &str) -> String {
        writeln!(self.questions, "{question}").unwrap();
        self.answer()
    }

    /// How many refreshes it answered, and how many it refused.
    fn refreshes(&mut self) -> (usize, usize) {
        let counts = self.ask("count");
        let (answered, refused) = counts.split_once(' ').unwrap();
        (answered.parse().unwrap(), refused.parse().unwrap())
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A world that is logged in at the issuer.
struct Login {
    world: World,
    issuer: Issuer,
}

impl Login {
    /// Returns nothing where the package is not installed, and prints that.
    fn new() -> Option<Self> {
        let Some(directory) = std::env::var_os("KUBEX_OIDC_PROVIDER") else {
            not_tested(
                WHAT,
                "KUBEX_OIDC_PROVIDER does not name a directory with the package",
            );
            return None;
        };
        if !has_tool(&["node", "--version"], WHAT) {
            return None;
        }
        let world = World::new();
        let key = Key::generate("issuer", &rcgen::PKCS_ECDSA_P256_SHA256);
        world.write("ca", &certificate_pem(&Profile::new("issuer").self_signed(&key)));
        world.write("key", &key.pem);
        world.write("client-secret", "s3cret-of-the-client");
        let mut process = Command::new("node")
            .args([
                "--input-type=module",
                "--eval",
                include_str!("oidc_provider.mjs"),
                "--",
            ])
            .args([world.path("ca"), world.path("key")])
            .current_dir(directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut issuer = Issuer {
            questions: process.stdin.take().unwrap(),
            answers: BufReader::new(process.stdout.take().unwrap()).lines(),
            process,
        };
        world.write("issuer", &issuer.answer());
        let mut login = Self { world, issuer };
        login.log_in();
        Some(login)
    }

    /// The user logs in: the configuration has a new refresh token.
    fn log_in(&mut self) {
        let refresh_token = self.issuer.ask("login");
        self.world.write("refresh-token", &refresh_token);
    }
}

#[test]
fn twenty_processes_use_each_refresh_token_once() {
    let Some(Login { world, mut issuer }) = Login::new() else {
        return;
    };
    let (answered, refused) = refresh_in_twenty_processes(&world, || issuer.refreshes());
    assert!(
        answered >= 500 && refused == 0,
        "{answered} answered, {refused} refused"
    );
}

#[test]
fn a_process_that_is_killed_loses_no_login_but_between_the_answer_and_the_write() {
    let Some(mut login) = Login::new() else { return };
    let mut lost = 0;
    let mut is_new_login = true;
    for round in 0..50 {
        let (before, _) = login.issuer.refreshes();
        let fetches = kill_a_worker(&login.world);
        // The first fetch gets what the store has, if it has something.
        let saved = fetches - usize::from(!is_new_login);
        let next = Ended::from(worker(&login.world, "twice").wait_with_output().unwrap());
        let lines = printed(&next);
        if lines == ["refreshed", "refreshed"] {
            is_new_login = false;
            continue;
        }
        // The one moment: the issuer has used up the token, and the worker has not saved the next one.
        lost += 1;
        assert!(lines[1].contains("invalid_grant"), "round {round}: {next:?}");
        let (after, _) = login.issuer.refreshes();
        assert_eq!(after, before + saved + 1, "round {round}: {next:?}");
        login.log_in();
        is_new_login = true;
    }
    let (answered, refused) = login.issuer.refreshes();
    println!(
        "50 processes killed: {lost} logins lost between the answer of oidc-provider and the write, 0 at other moments, \
         {answered} refreshes"
    );
    assert!(refused == lost && answered >= 100, "{lost} {refused} {answered}");
}
