//! The life of a program, made short: tokens of two seconds under constant load, for 30 seconds or as long as it
//! is told (`--seconds 600`).
//!
//! The embedded API server accepts each token for two seconds. An exec plugin, this very program, gets them from
//! an issuer and fails one time in three. The clock is set forward and back meanwhile, for the program and for
//! the issuer alike. It ends with an error when a request failed while there was a valid credential, when the
//! plugin ran more often than once a lifetime, or when the memory grew.

use std::error::Error;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use kubex::reqwest::StatusCode;
use kubex::time::rfc3339;
use kubex::{Chain, ErrorKind, Host, Options, Source};
use kubex_core::faults::SettableClock;
use kubex_tests::api_server::{ApiServer, User};

const HOUR: Duration = Duration::from_secs(3600);
const LIFETIME: Duration = Duration::from_secs(2);
const CALLERS: usize = 8;
/// The first quarter of the time is for what is allocated once.
const WARM_UP: f64 = 0.25;
const MOST_GROWTH_KIB: i64 = 4096;

type Outcome = Result<(), Box<dyn Error>>;

fn main() -> Outcome {
    let mut arguments = std::env::args().skip(1);
    match (arguments.next().as_deref(), arguments.next()) {
        (Some("plugin"), Some(address)) => plugin(&address),
        (Some("--seconds"), Some(seconds)) => run(Duration::from_secs(seconds.parse()?)),
        (None, None) => run(Duration::from_secs(30)),
        _ => Err("usage: long_run [--seconds <number>]".into()),
    }
}

/// What the plugin is: it asks the issuer, prints what that says, and fails when it is told nothing.
fn plugin(address: &str) -> Outcome {
    let mut answer = String::new();
    TcpStream::connect(address)?.read_to_string(&mut answer)?;
    if answer.is_empty() {
        return Err("the issuer is away".into());
    }
    std::io::stdout().write_all(answer.as_bytes())?;
    Ok(())
}

/// What issues the tokens.
struct Issuer {
    server: Arc<ApiServer>,
    clock: Host,
    asked: AtomicUsize,
    issued: AtomicUsize,
    /// Until when the newest token is good.
    valid_until: Mutex<Instant>,
}

impl Issuer {
    /// Whether there is a token at this moment that the server accepts.
    fn has_a_valid_one(&self) -> bool {
        Instant::now() < *self.valid_until.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers one plugin after the other; every third time not at all.
    fn serve(&self, listener: &TcpListener) {
        for connection in listener.incoming() {
            let Ok(mut connection) = connection else { return };
            if (self.asked.fetch_add(1, Ordering::SeqCst) + 1).is_multiple_of(3) {
                continue;
            }
            let number = self.issued.fetch_add(1, Ordering::SeqCst) + 1;
            let token = format!("token-{number}");
            let end = rfc3339(self.clock.now().wall + LIFETIME);
            let until = Instant::now() + LIFETIME;
            *self.valid_until.lock().unwrap_or_else(PoisonError::into_inner) = until;
            self.server.accept_token_until(&token, User::new("worker"), until);
            // A plugin that went away is one that failed.
            let _ = write!(
                connection,
                r#"{{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{{"token":"{token}","expirationTimestamp":"{end}"}}}}"#
            );
        }
    }
}

#[derive(Default)]
struct Count {
    good: AtomicUsize,
    /// Requests that failed although there was a valid credential.
    failed: AtomicUsize,
    /// Requests that were not sent, because there was no valid credential.
    without: AtomicUsize,
    /// Requests whose token expired on the way, while the plugin failed to bring another.
    at_the_edge: AtomicUsize,
}

fn run(time: Duration) -> Outcome {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    runtime.block_on(live(time))
}

async fn live(time: Duration) -> Outcome {
    let server = Arc::new(ApiServer::builder().start().await?);
    let (host, clock) = SettableClock::on(Host::real());
    let issuer = Arc::new(Issuer {
        server: Arc::clone(&server),
        clock: host.clone(),
        asked: AtomicUsize::new(0),
        issued: AtomicUsize::new(0),
        valid_until: Mutex::new(Instant::now()),
    });
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let address = listener.local_addr()?.to_string();
    std::thread::spawn({
        let issuer = Arc::clone(&issuer);
        move || issuer.serve(&listener)
    });

    let options = Options::new()
        .set("server", server.url())
        .set("certificate-authority-data", server.ca_pem())
        .set("command", std::env::current_exe()?.to_string_lossy().into_owned())
        .set(
            "args",
            vec!["plugin".into(), kubex::options::ValueKind::from(address)],
        );
    let chain = Chain::builder(kubex::registry()?)
        .host(host.clone())
        .source(Source::new("issuer").provider("exec").options(options))
        .build()?;
    let configuration = chain.resolve().await?;
    let client = kubex::reqwest::Client::new(&configuration)?;
    let mut changes = configuration.credentials().changes();
    let (count, is_over) = (Arc::new(Count::default()), Arc::new(AtomicBool::new(false)));

    let begun = Instant::now();
    let callers: Vec<_> = (0..CALLERS)
        .map(|_| {
            let (client, count, is_over) = (client.clone(), Arc::clone(&count), Arc::clone(&is_over));
            let issuer = Arc::clone(&issuer);
            tokio::spawn(async move {
                while !is_over.load(Ordering::Relaxed) {
                    request(&client, &count, &issuer).await;
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            })
        })
        .collect();

    // The wall clock, in hours ahead of the real one.
    let mut offsets = [1, 0, 12, 0].into_iter().cycle();
    let mut stepped = 0_usize;
    let (mut warm, mut generations) = (None, 0_usize);
    let mut last_step = begun;
    while begun.elapsed() < time {
        tokio::time::sleep(Duration::from_millis(100)).await;
        server.forget_requests();
        if changes.latest().number() > generations as u64 {
            generations = usize::try_from(changes.next().await.number())?;
        }
        if warm.is_none() && begun.elapsed().as_secs_f64() > time.as_secs_f64() * WARM_UP {
            warm = Some(resident_kib()?);
        }
        if last_step.elapsed() > Duration::from_secs(5) {
            last_step = Instant::now();
            let ahead = HOUR * offsets.next().unwrap_or_default();
            clock.set(Host::real().now().wall + ahead);
            stepped += 1;
        }
    }
    is_over.store(true, Ordering::Relaxed);
    for caller in callers {
        caller.await?;
    }
    let took = begun.elapsed();
    let grown = resident_kib()? - warm.unwrap_or_default();
    server.shutdown().await;
    judge(&count, &issuer, took, stepped, grown)
}

async fn request(client: &kubex::reqwest::Client, count: &Count, issuer: &Issuer) {
    let sent = match client.get("/version") {
        Ok(request) => request.send().await,
        Err(error) => Err(error),
    };
    let counter = match sent {
        Ok(answer) if answer.status().is_success() => &count.good,
        // What the source said: the request was not sent.
        Err(error) if matches!(error.kind(), ErrorKind::PluginFailed | ErrorKind::Expired) => &count.without,
        Ok(answer) if answer.status() == StatusCode::UNAUTHORIZED && !issuer.has_a_valid_one() => {
            &count.at_the_edge
        }
        Ok(answer) => {
            say(&format!("a request failed: {}", answer.status()));
            &count.failed
        }
        Err(error) => {
            say(&format!("a request failed: {error}"));
            &count.failed
        }
    };
    counter.fetch_add(1, Ordering::Relaxed);
}

fn judge(count: &Count, issuer: &Issuer, took: Duration, stepped: usize, grown: i64) -> Outcome {
    let of = |counter: &AtomicUsize| counter.load(Ordering::SeqCst);
    let (runs, tokens) = (of(&issuer.asked), of(&issuer.issued));
    // A token is renewed after half of its life at the earliest, less a tenth of that; each step of the clock
    // may cost one run more.
    let shortest = LIFETIME.as_secs_f64() / 2.0;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a small positive number"
    )]
    let most = (took.as_secs_f64() / shortest) as usize + stepped + 2;
    say(&format!(
        "{:.1} s: {} requests good, {} failed while there was a valid credential, {} not sent because there was \
         none, {} whose token expired on the way while there was no other",
        took.as_secs_f64(),
        of(&count.good),
        of(&count.failed),
        of(&count.without),
        of(&count.at_the_edge),
    ));
    say(&format!(
        "{runs} runs of the plugin, {} of them failed on purpose, {tokens} tokens, at most {most} allowed; {stepped} \
         steps of the clock; memory grew by {grown} KiB after the first quarter",
        runs - tokens,
    ));
    if of(&count.failed) > 0 {
        return Err("a request failed while there was a valid credential".into());
    }
    if of(&count.good) < 100 || tokens < 5 {
        return Err("hardly anything happened".into());
    }
    if tokens > most {
        return Err("the plugin ran more often than once a lifetime".into());
    }
    if grown > MOST_GROWTH_KIB {
        return Err("the memory grew".into());
    }
    Ok(())
}

/// The memory that this process holds; none where the system does not tell it in this way.
fn resident_kib() -> Result<i64, Box<dyn Error>> {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else {
        return Ok(0);
    };
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    Ok(number.unwrap_or("0").parse()?)
}

fn say(text: &str) {
    println!("{text}");
}
