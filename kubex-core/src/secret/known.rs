//! The secrets that this process holds, as fingerprints, so that a text can be searched for them.
//!
//! A fingerprint consists of keyed hashes (SipHash with a random key of this process) of pieces of the secret; no part of
//! the secret can be read from it. It exists for as long as a [`Listing`] of the secret does.
//!
//! | secret | pieces |
//! |---|---|
//! | any | the whole secret |
//! | 32 bytes or more | also up to 16 pieces of 16 bytes, so that a long part of a token is found too |
//! | a private key in PEM | pieces of each line of its body, so that a single line is found |
//!
//! Each piece is found by the hash of its first eight bytes. The time to search a text does not depend on the number of
//! secrets: the hash of the eight bytes at each place of the text is looked up once.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, BuildHasherDefault, Hasher, RandomState};
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{LazyLock, PoisonError, RwLock};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use zeroize::Zeroizing;

use super::spelling;

/// Shorter secrets have no fingerprint, because masking every `abc` would make messages unreadable.
const MIN_LENGTH: usize = 8;

/// A longer text is a document and not a secret. Tokens are at most 512 KiB.
const MAX_LENGTH: usize = 512 * 1024;

/// The bytes whose hash finds a piece.
const WINDOW: usize = 8;

/// The length of a piece of a long secret. Shorter ones would occur in names by chance.
const PIECE: usize = 16;

/// The length from which on a secret has pieces.
const MIN_LENGTH_WITH_PIECES: usize = 32;

/// The number of pieces of a secret that is not a private key.
const PIECES: usize = 16;

/// The distance between the pieces of a line of PEM, which has 64 characters.
const PIECE_DISTANCE_IN_KEYS: usize = 32;

/// Words that a person may use as a password and that Kubex's own messages contain. Masking them there would reveal them.
const WORDS_OF_MESSAGES: &[&str] = &[
    "anonymous",
    "certificate",
    "in-cluster",
    "kubeconfig",
    "kubernetes",
    "kubernetes-admin",
    "localhost",
    "password",
    "passwords",
    "token-file",
    "username",
];

/// Keeps the fingerprint of one secret in the table. It holds no part of the secret: its owner passes the secret again to
/// remove it.
#[derive(Debug, Default)]
pub(super) struct Listing(Option<u64>);

impl Listing {
    /// Adds the secret to the table.
    pub(super) fn new(secret: &[u8]) -> Self {
        let Some(secret) = Secret::new(secret) else {
            return Self(None);
        };
        let id = KEY.hash_one(&*secret.bytes);
        let mut table = write();
        let uses = table.uses.entry(id).or_insert(0);
        *uses += 1;
        if *uses == 1 {
            secret.pieces(|place, piece| table.insert(place, piece));
            COUNT.store(table.uses.len(), Ordering::Release);
        }
        Self(Some(id))
    }

    /// A second listing of the same secret.
    pub(super) fn again(&self) -> Self {
        if let Some(id) = self.0 {
            *write().uses.entry(id).or_insert(0) += 1;
        }
        Self(self.0)
    }

    /// Removes the secret from the table, unless it is listed elsewhere too.
    pub(super) fn remove(&mut self, secret: &[u8]) {
        let Some(id) = self.0.take() else { return };
        let mut table = write();
        let Some(uses) = table.uses.get_mut(&id) else {
            return;
        };
        *uses -= 1;
        if *uses == 0 {
            table.uses.remove(&id);
            if let Some(secret) = Secret::new(secret) {
                secret.pieces(|place, piece| table.remove(place, &piece));
            }
            COUNT.store(table.uses.len(), Ordering::Release);
        }
    }
}

/// The parts of a text that are known secrets, in any of the usual spellings. They may overlap.
pub(crate) fn find(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    if COUNT.load(Ordering::Acquire) > 0 && text.len() >= MIN_LENGTH {
        spelling::each(text, &mut |bytes, locate| {
            let table = TABLE.read().unwrap_or_else(PoisonError::into_inner);
            table.search(bytes, &mut |range, is_whole| {
                found.extend(locate(range, is_whole));
            });
        });
    }
    found
}

/// A secret without what surrounds it.
struct Secret<'a> {
    bytes: Bytes<'a>,
    is_private_key: bool,
}

enum Bytes<'a> {
    Borrowed(&'a [u8]),
    Decoded(Zeroizing<Vec<u8>>),
}

impl std::ops::Deref for Bytes<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Borrowed(bytes) => bytes,
            Self::Decoded(bytes) => bytes,
        }
    }
}

impl<'a> Secret<'a> {
    /// `None` for a value that is not secret although its type is: a certificate, the URL of a proxy without a password, a word
    /// that messages need, or a text that is too short or too long.
    fn new(secret: &'a [u8]) -> Option<Self> {
        let secret = secret.trim_ascii();
        if !(MIN_LENGTH..=MAX_LENGTH).contains(&secret.len()) {
            return None;
        }
        let mut bytes = Bytes::Borrowed(secret);
        // The base64 of `-----BEGIN`: the data fields of a kubeconfig.
        if secret.starts_with(b"LS0tLS1CRUdJTi")
            && let Ok(decoded) = BASE64_STANDARD.decode(secret)
        {
            bytes = Bytes::Decoded(decoded.into());
        }
        if bytes.starts_with(b"-----BEGIN ") || contains(&bytes, b"\n-----BEGIN ") {
            let is_private_key = contains(&bytes, b"PRIVATE KEY-----");
            return is_private_key.then_some(Self {
                bytes,
                is_private_key,
            });
        }
        if let Some(password) = password_of_url(secret) {
            let bytes = spelling::without_escapes(password).map_or(Bytes::Borrowed(password), Bytes::Decoded);
            return (bytes.len() >= MIN_LENGTH).then_some(Self {
                bytes,
                is_private_key: false,
            });
        }
        let is_url = contains(secret, b"://") && !secret.contains(&b'\n');
        let is_word = WORDS_OF_MESSAGES.iter().any(|word| word.as_bytes() == secret);
        (!is_url && !is_word).then_some(Self {
            bytes,
            is_private_key: false,
        })
    }

    fn pieces(&self, mut each: impl FnMut(u64, Piece)) {
        let bytes: &[u8] = &self.bytes;
        if self.is_private_key {
            let mut is_body = false;
            for line in bytes.split(|byte| *byte == b'\n') {
                let line = line.trim_ascii();
                if line.starts_with(b"-----") {
                    is_body = contains(line, b"-----BEGIN ") && contains(line, b"PRIVATE KEY");
                } else if is_body {
                    for piece in line.windows(PIECE).step_by(PIECE_DISTANCE_IN_KEYS) {
                        add(piece, 0, false, &mut each);
                    }
                }
            }
            return;
        }
        // The last bytes find the whole secret: many tokens begin alike.
        add(bytes, bytes.len() - WINDOW, is_name(bytes), &mut each);
        if bytes.len() >= MIN_LENGTH_WITH_PIECES {
            let distance = (bytes.len() / PIECES).max(WINDOW);
            for piece in bytes.windows(PIECE).step_by(distance) {
                add(piece, 0, false, &mut each);
            }
        }
    }
}

fn add(piece: &[u8], offset: usize, is_name: bool, each: &mut impl FnMut(u64, Piece)) {
    let Some(window) = piece.get(offset..offset + WINDOW) else {
        return;
    };
    each(
        KEY.hash_one(window),
        Piece {
            hash: KEY.hash_one(piece),
            offset,
            length: piece.len(),
            is_name,
            uses: 1,
        },
    );
}

/// Whether the secret could be a name: letters and dashes only. It is then hidden as a whole word, and not within a
/// longer name.
fn is_name(secret: &[u8]) -> bool {
    secret
        .iter()
        .all(|byte| byte.is_ascii_lowercase() || matches!(byte, b'-' | b'.'))
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// The password in a URL such as `http://jane:password@proxy`.
fn password_of_url(text: &[u8]) -> Option<&[u8]> {
    let scheme = text.windows(3).position(|window| window == b"://")?;
    let user_end = text.iter().rposition(|byte| *byte == b'@')?;
    let user = text.get(scheme + 3..user_end)?;
    let colon = user.iter().position(|byte| *byte == b':')?;
    user.get(colon + 1..)
}

/// A part of a secret, or a whole one.
struct Piece {
    hash: u64,
    /// The offset in the piece of the eight bytes that find it.
    offset: usize,
    length: usize,
    is_name: bool,
    /// How many secrets contain this piece.
    uses: usize,
}

/// The pieces that the same eight bytes find: nearly always one.
enum Pieces {
    One(Piece),
    Several(Vec<Piece>),
}

impl Pieces {
    fn as_mut_slice(&mut self) -> &mut [Piece] {
        match self {
            Self::One(piece) => std::slice::from_mut(piece),
            Self::Several(pieces) => pieces,
        }
    }

    fn as_slice(&self) -> &[Piece] {
        match self {
            Self::One(piece) => std::slice::from_ref(piece),
            Self::Several(pieces) => pieces,
        }
    }
}

#[derive(Default)]
struct Table {
    /// By the hash of eight bytes.
    pieces: HashMap<u64, Pieces, BuildHasherDefault<AlreadyHashed>>,
    /// How often each secret is listed, by its hash.
    uses: HashMap<u64, usize, BuildHasherDefault<AlreadyHashed>>,
}

impl Table {
    fn insert(&mut self, place: u64, piece: Piece) {
        use std::collections::hash_map::Entry;
        match self.pieces.entry(place) {
            Entry::Vacant(entry) => {
                entry.insert(Pieces::One(piece));
            }
            Entry::Occupied(mut entry) => {
                let same = entry
                    .get_mut()
                    .as_mut_slice()
                    .iter_mut()
                    .find(|it| it.is_same(&piece));
                if let Some(same) = same {
                    same.uses += 1;
                    return;
                }
                match entry.get_mut() {
                    Pieces::Several(pieces) => pieces.push(piece),
                    one @ Pieces::One(_) => {
                        if let Pieces::One(first) = std::mem::replace(one, Pieces::Several(Vec::new())) {
                            *one = Pieces::Several(vec![first, piece]);
                        }
                    }
                }
            }
        }
    }

    fn remove(&mut self, place: u64, piece: &Piece) {
        let Some(pieces) = self.pieces.get_mut(&place) else {
            return;
        };
        let Some(index) = pieces.as_slice().iter().position(|it| it.is_same(piece)) else {
            return;
        };
        if let Some(same) = pieces.as_mut_slice().get_mut(index) {
            same.uses -= 1;
            if same.uses > 0 {
                return;
            }
        }
        match pieces {
            Pieces::Several(several) if several.len() > 1 => {
                several.swap_remove(index);
            }
            _ => {
                self.pieces.remove(&place);
            }
        }
    }

    /// Passes the place of each piece in the bytes, and whether the piece is a whole secret.
    fn search(&self, bytes: &[u8], found: &mut impl FnMut(Range<usize>, bool)) {
        for (at, window) in bytes.windows(WINDOW).enumerate() {
            let Some(pieces) = self.pieces.get(&KEY.hash_one(window)) else {
                continue;
            };
            for piece in pieces.as_slice() {
                let Some(start) = at.checked_sub(piece.offset) else {
                    continue;
                };
                let range = start..start + piece.length;
                let Some(candidate) = bytes.get(range.clone()) else {
                    continue;
                };
                if KEY.hash_one(candidate) == piece.hash && !(piece.is_name && is_within_word(bytes, &range))
                {
                    found(range, piece.offset > 0 || piece.length < PIECE);
                }
            }
        }
    }
}

impl Piece {
    fn is_same(&self, other: &Self) -> bool {
        (self.hash, self.offset, self.length) == (other.hash, other.offset, other.length)
    }
}

/// Whether a range of a text is a part of a longer word.
fn is_within_word(bytes: &[u8], range: &Range<usize>) -> bool {
    let is_word = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'-');
    let before = range.start.checked_sub(1).and_then(|before| bytes.get(before));
    is_word(before) || is_word(bytes.get(range.end))
}

/// The keys of the table are hashes already.
#[derive(Default)]
struct AlreadyHashed(u64);

impl Hasher for AlreadyHashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

/// The random key of the hashes.
static KEY: LazyLock<RandomState> = LazyLock::new(RandomState::new);

static TABLE: LazyLock<RwLock<Table>> = LazyLock::new(RwLock::default);

/// The number of secrets in the table, so that a process without secrets searches nothing.
static COUNT: AtomicUsize = AtomicUsize::new(0);

/// A panic cannot leave the table half changed in a way that matters: at worst a text is hidden for too long.
fn write() -> std::sync::RwLockWriteGuard<'static, Table> {
    TABLE.write().unwrap_or_else(PoisonError::into_inner)
}
