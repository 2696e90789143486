use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use kubex_core::{Credential, Error, ErrorKind, ExposeSecret as _};

use super::*;
use crate::client::Client;
use crate::location::KeyPlace;
use crate::slot::{Access, Begun};

const HOUR: Duration = Duration::from_secs(3600);

fn new() -> (tempfile::TempDir, Store) {
    let parent = tempfile::tempdir().unwrap();
    let store = Store::open(&Location::new(parent.path().join("store"), KeyPlace::File)).unwrap();
    (parent, store)
}

fn aws() -> StoreIdentity {
    StoreIdentity::new("exec", "exec plugin aws").with("program", "/usr/bin/aws")
}

fn token(text: &str, lifetime: Duration) -> Credential {
    let expires_at = SystemTime::now() + lifetime;
    Credential::bearer(text.into())
        .unwrap()
        .with_expiry(Some(expires_at))
}

fn access() -> Access {
    Access::new(Duration::from_secs(20))
}

fn fetch(slot: &Slot, access: &Access, text: &str) {
    match slot.begin(access) {
        Begun::Fetch(flight) => assert_eq!(flight.succeed(token(text, HOUR), "exec plugin aws").1, None),
        other => panic!("{other:?}"),
    }
}

fn hit(begun: Begun) -> String {
    match begun {
        Begun::Hit(stored) => stored.credential().token().unwrap().expose_secret().to_owned(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn many_fetch_once() {
    let (_parent, store) = new();
    let fetches = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| match store.slot(&aws()).begin(&access()) {
                Begun::Fetch(flight) => {
                    fetches.fetch_add(1, Ordering::SeqCst);
                    thread::sleep(Duration::from_millis(200));
                    flight.succeed(token("abc", HOUR), "exec plugin aws");
                }
                begun => assert_eq!(hit(begun), "abc"),
            });
        }
    });
    assert_eq!(fetches.into_inner(), 1);
}

#[test]
fn another_identity_and_another_store_have_another_credential() {
    let (_parent, store) = new();
    fetch(&store.slot(&aws()), &access(), "abc");
    assert_eq!(hit(store.slot(&aws()).begin(&access())), "abc");
    let other = StoreIdentity::new("exec", "exec plugin aws").with("program", "/opt/aws");
    assert!(matches!(store.slot(&other).begin(&access()), Begun::Fetch(_)));
    let (_elsewhere, elsewhere) = new();
    assert!(matches!(elsewhere.slot(&aws()).begin(&access()), Begun::Fetch(_)));
}

#[test]
fn a_client_that_asks_again_was_rejected_and_others_get_the_new_credential() {
    let (_parent, store) = new();
    let slot = store.slot(&aws());
    let early = access().for_client(Client::new(17, 100, "prod"));
    let other = access().for_client(Client::new(17, 101, "prod"));
    fetch(&slot, &early, "first");
    let stored = slot.read(&early).unwrap().unwrap();
    thread::sleep(Duration::from_millis(2));
    slot.record_served(&stored, &Client::new(17, 100, "prod"))
        .unwrap();
    // A question that came before the answer to another one.
    assert!(slot.read(&early).unwrap().is_some());
    thread::sleep(Duration::from_millis(2));
    let kubectl = access().for_client(Client::new(17, 100, "prod"));
    assert!(slot.read(&kubectl).unwrap().is_none());
    assert_eq!(hit(slot.begin(&other)), "first");
    fetch(&slot, &kubectl, "second");
    assert_eq!(hit(slot.begin(&other)), "second");
    assert_eq!(hit(slot.begin(&kubectl)), "second");
    // A caller that knows which credential was rejected.
    let rejecting = access().rejecting(&slot.read(&other).unwrap().unwrap());
    fetch(&slot, &rejecting, "third");
    assert_eq!(hit(slot.begin(&rejecting)), "third");
}

#[test]
fn a_failure_is_shared_with_those_that_wait_and_with_nothing_after() {
    let (_parent, store) = new();
    let slot = store.slot(&aws());
    let Begun::Fetch(flight) = slot.begin(&access()) else {
        panic!()
    };
    thread::scope(|scope| {
        let waiting: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| store.slot(&aws()).begin(&access())))
            .collect();
        thread::sleep(Duration::from_millis(200));
        flight.fail(&Error::new(ErrorKind::PluginFailed, "the session has expired").with_help("log in"));
        for waiting in waiting {
            match waiting.join().unwrap() {
                Begun::Failed(error) => {
                    assert!(error.to_string().contains("the session has expired"), "{error}");
                }
                other => panic!("{other:?}"),
            }
        }
    });
    assert!(matches!(slot.begin(&access()), Begun::Fetch(_)));
}

#[test]
fn a_login_that_was_not_completed_is_not_started_again_before_the_store_is_cleared() {
    let (_parent, store) = new();
    let slot = store.slot(&aws());
    let Begun::Fetch(flight) = slot.begin(&access()) else {
        panic!()
    };
    flight.fail(&Error::new(ErrorKind::TimedOut, "late"));
    for _ in 0..3 {
        match slot.begin(&access()) {
            Begun::Failed(error) => assert!(error.to_string().contains("kubex cache clear"), "{error}"),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(store.clear(), Ok(1));
    assert!(matches!(slot.begin(&access()), Begun::Fetch(_)));
}

#[test]
fn who_waits_has_a_limit_of_its_own() {
    let (_parent, store) = new();
    let slot = store.slot(&aws());
    let Begun::Fetch(_held) = slot.begin(&access()) else {
        panic!()
    };
    let began = Instant::now();
    match store.slot(&aws()).begin(&Access::new(Duration::from_millis(300))) {
        Begun::Failed(error) => assert_eq!(error.kind(), ErrorKind::TimedOut),
        other => panic!("{other:?}"),
    }
    assert!(began.elapsed() >= Duration::from_millis(300));
}

#[test]
fn an_early_refresh_delays_and_breaks_nothing() {
    let (_parent, store) = new();
    let slot = store.slot(&aws());
    let Begun::Fetch(flight) = slot.begin(&access()) else {
        panic!()
    };
    // Of 8 s, the second half is early and the last quarter is not served.
    flight.succeed(token("old", Duration::from_secs(8)), "exec plugin aws");
    thread::sleep(Duration::from_millis(4200));
    let Begun::Fetch(flight) = slot.begin(&access()) else {
        panic!()
    };
    assert_eq!(hit(store.slot(&aws()).begin(&access())), "old");
    let early = flight
        .fail(&Error::new(ErrorKind::Unavailable, "no network"))
        .unwrap();
    assert_eq!(early.credential().token().unwrap().expose_secret(), "old");
}

#[test]
fn a_damaged_file_is_a_miss() {
    let (_parent, store) = new();
    let slot = store.slot(&aws());
    fetch(&slot, &access(), "abc");
    let path = store.directory().path().join(slot.file(CREDENTIAL));
    let whole = fs::read(&path).unwrap();
    for broken in [
        &[][..],
        &whole[..10],
        &whole[..whole.len() - 1],
        b"{\"token\":\"evil\"}",
    ] {
        fs::write(&path, broken).unwrap();
        assert!(slot.read(&access()).unwrap().is_none());
    }
    fetch(&slot, &access(), "def");
    assert_eq!(hit(slot.begin(&access())), "def");
}

#[test]
fn a_file_of_another_slot_is_a_miss() {
    let (_parent, store) = new();
    let (jane, john) = (aws().with("user", "jane"), aws().with("user", "john"));
    fetch(&store.slot(&jane), &access(), "abc");
    let path = |identity| {
        store
            .directory()
            .path()
            .join(store.slot(identity).file(CREDENTIAL))
    };
    fs::copy(path(&jane), path(&john)).unwrap();
    assert!(store.slot(&john).read(&access()).unwrap().is_none());
}

#[test]
fn another_key_is_a_miss_and_not_an_error() {
    let (parent, store) = new();
    fetch(&store.slot(&aws()), &access(), "abc");
    fs::remove_file(store.directory().path().join("key")).unwrap();
    let again = Store::open(&Location::new(parent.path().join("store"), KeyPlace::File)).unwrap();
    assert!(again.slot(&aws()).read(&access()).unwrap().is_none());
    assert!(again.list().unwrap().is_empty());
}

#[test]
fn a_list_shows_no_secret_and_clearing_leaves_only_locks() {
    let (_parent, store) = new();
    fetch(&store.slot(&aws()), &access(), "s3cret-token");
    let list = store.list().unwrap();
    assert_eq!(list.len(), 1);
    assert!(!format!("{list:?}").contains("s3cret"));
    assert_eq!(
        (list[0].description.as_str(), list[0].kind),
        ("exec plugin aws", "bearer token")
    );
    assert!(list[0].is_valid);
    assert_eq!(list[0].slot, store.slot(&aws()).id());
    assert_eq!(
        store.clear_one(&aws().with("user", "jane")),
        Ok(Cleared::default())
    );
    assert_eq!(store.list().unwrap().len(), 1);
    let cleared = store.clear_one(&aws()).unwrap();
    assert!(cleared.credential && !cleared.refresh_token && !cleared.back_off);
    assert!(store.list().unwrap().is_empty());
    for file in store.directory().files().unwrap() {
        let (_, kind) = file.split_once('.').unwrap_or((&file, "key"));
        assert!(kind == "key" || kind == "lock", "{file}");
    }
}

#[test]
fn no_file_name_and_no_content_shows_the_identity_or_the_secret() {
    let (_parent, store) = new();
    let identity = aws().with("variable", "s3cret-marker");
    fetch(&store.slot(&identity), &access(), "s3cret-marker-token");
    let Begun::Fetch(flight) = store.slot(&aws()).begin(&access()) else {
        panic!()
    };
    flight.fail(&Error::new(ErrorKind::PluginFailed, "s3cret-marker"));
    for file in store.directory().files().unwrap() {
        let content = fs::read(store.directory().path().join(&file)).unwrap();
        assert!(!file.contains("s3cret") && !file.contains("aws"), "{file}");
        for word in [&b"s3cret"[..], b"aws"] {
            assert!(
                !content.windows(word.len()).any(|window| window == word),
                "{file}"
            );
        }
    }
}

#[test]
fn a_panicking_or_dropped_fetch_lets_the_next_one_begin() {
    let (_parent, store) = new();
    let slot = store.slot(&aws());
    let Begun::Fetch(flight) = slot.begin(&access()) else {
        panic!()
    };
    drop(flight);
    assert!(matches!(slot.begin(&access()), Begun::Fetch(_)));
}
