//! Receipts: proof for a learner that an answer was accepted, which anyone can check without us.
//!
//! Each commit is a Merkle tree (RFC 6962, 2.1) over its answers; its root is signed once with
//! Ed25519 (RFC 8032). A receipt is the way from the answer to the root, and the signature.
//! docs/receipts.md says every byte, with an example.

use crate::base::id::AttemptId;
use crate::base::id::DeviceId;
use crate::base::id::LearnerId;
use crate::store::Durable;
use aws_lc_rs::digest;
use aws_lc_rs::error::KeyRejected;
use aws_lc_rs::signature;
use aws_lc_rs::signature::Ed25519KeyPair;
use aws_lc_rs::signature::KeyPair as _;
use aws_lc_rs::signature::UnparsedPublicKey;
use data_encoding::BASE64URL_NOPAD;

const VERSION: u8 = 1;
/// Version, key, commit, index, count, time.
const HEAD_BYTES: usize = 1 + 4 + 8 + 4 + 4 + 8;
const HASH_BYTES: usize = 32;
const SIGNATURE_BYTES: usize = 64;
/// A tree of 2^32 leaves has as many levels.
const SIBLINGS_MAX: usize = 32;
const CHARS_MAX: usize = (HEAD_BYTES + SIBLINGS_MAX * HASH_BYTES + SIGNATURE_BYTES) * 4 / 3 + 2;

type Hash = [u8; HASH_BYTES];

/// What a receipt is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answered<'a> {
    /// Whose answer.
    pub learner: LearnerId,
    /// In which attempt.
    pub attempt: AttemptId,
    /// To which item, by its id in the quiz.
    pub item: &'a str,
    /// Its number on its device.
    pub seq: u32,
    /// The device.
    pub device: DeviceId,
    /// SHA-256 of the answer in canonical form.
    pub body_sha256: Hash,
    /// When the server accepted it, unix milliseconds.
    pub at_ms: u64,
}

/// A receipt taken apart; its signature is not checked yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Which key signed.
    pub key_id: u32,
    /// Which commit.
    pub commit: u64,
    /// When the server accepted the answer, unix milliseconds.
    pub at_ms: u64,
    index: u32,
    count: u32,
    siblings: Vec<Hash>,
    signature: [u8; SIGNATURE_BYTES],
}

/// Signs roots.
#[derive(Debug)]
pub struct Signer {
    id: u32,
    key: Ed25519KeyPair,
}

/// The tree of one commit and its signature, made when the first receipt is asked for.
#[derive(Debug)]
pub(super) struct Tree {
    /// From the leaves up to the root.
    levels: Vec<Vec<Hash>>,
    key_id: u32,
    signature: [u8; SIGNATURE_BYTES],
}

/// Why a receipt proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// Not a receipt.
    #[error("this is not a receipt: {0}")]
    Malformed(&'static str),
    /// The public key is not 32 bytes.
    #[error("the public key is not 32 bytes")]
    Key,
    /// Forged, changed, of another answer, or checked with another key.
    #[error("the signature does not fit: another answer, another key, or a forgery")]
    Signature,
}

impl Answered<'_> {
    /// The leaf of the answer in its commit's tree.
    pub fn leaf(&self) -> Hash {
        sha256(&[
            &[0],
            b"lamplight answer 1\0",
            &self.learner.0,
            &self.attempt.0,
            &self.seq.to_be_bytes(),
            &self.device.0,
            &self.at_ms.to_be_bytes(),
            &self.body_sha256,
            self.item.as_bytes(),
        ])
    }
}

impl Signer {
    /// The signer of this key number and seed.
    ///
    /// # Errors
    /// Does not happen with 32 bytes; the library's signature allows for it.
    pub fn new(id: u32, seed: &[u8; 32]) -> Result<Self, KeyRejected> {
        let key = Ed25519KeyPair::from_seed_unchecked(seed)?;
        Ok(Self { id, key })
    }

    /// The key's number.
    pub const fn id(&self) -> u32 {
        self.id
    }

    /// The public key, to be published.
    pub fn public_key(&self) -> &[u8] {
        self.key.public_key().as_ref()
    }
}

impl Tree {
    pub(super) fn new(leaves: &[Hash], commit: u64, signer: &Signer) -> Self {
        let mut levels = vec![leaves.to_vec()];
        while let Some(below) = levels.last().filter(|below| below.len() > 1) {
            let pairs = below.chunks(2).map(|pair| match pair {
                [left, right] => node(left, right),
                // RFC 6962 splits at the largest power of two, so the odd one is carried up.
                [odd] => *odd,
                _ => [0; HASH_BYTES],
            });
            let level = pairs.collect();
            levels.push(level);
        }
        let root = levels
            .last()
            .and_then(|top| top.first())
            .copied()
            .unwrap_or_default();
        let count = u32::try_from(leaves.len()).unwrap_or(u32::MAX);
        let signed = signer.key.sign(&message(signer.id, commit, count, &root));
        Self {
            levels,
            key_id: signer.id,
            signature: signed
                .as_ref()
                .first_chunk()
                .copied()
                .unwrap_or([0; SIGNATURE_BYTES]),
        }
    }

    fn siblings(&self, index: u32) -> impl Iterator<Item = Hash> {
        let levels = self.levels.iter().take(self.levels.len().saturating_sub(1));
        let beside = move |(up, level): (usize, &Vec<Hash>)| {
            let at = (index as usize >> up) ^ 1;
            level.get(at).copied()
        };
        levels.enumerate().filter_map(beside)
    }
}

impl Durable {
    /// The receipt of the answer that was appended with [`Append::with_leaf`], accepted at `at_ms`;
    /// `None` if none was asked for.
    ///
    /// [`Append::with_leaf`]: crate::store::Append::with_leaf
    pub fn receipt(&self, signer: &Signer, at_ms: u64) -> Option<String> {
        let (index, tree, count) = self.leaf(signer)?;
        let mut bytes = Vec::with_capacity(256);
        bytes.push(VERSION);
        bytes.extend_from_slice(&tree.key_id.to_be_bytes());
        bytes.extend_from_slice(&self.commit().number.to_be_bytes());
        bytes.extend_from_slice(&index.to_be_bytes());
        bytes.extend_from_slice(&count.to_be_bytes());
        bytes.extend_from_slice(&at_ms.to_be_bytes());
        tree.siblings(index)
            .for_each(|hash| bytes.extend_from_slice(&hash));
        bytes.extend_from_slice(&tree.signature);
        Some(BASE64URL_NOPAD.encode(&bytes))
    }
}

impl Receipt {
    /// Takes a receipt apart.
    ///
    /// # Errors
    /// [`ReceiptError::Malformed`].
    pub fn parse(text: &str) -> Result<Self, ReceiptError> {
        if text.len() > CHARS_MAX {
            return Err(ReceiptError::Malformed("it is too long"));
        }
        let decoded = BASE64URL_NOPAD.decode(text.as_bytes());
        let bytes = decoded.map_err(|_position| ReceiptError::Malformed("it is not base64url"))?;
        Self::read(&bytes).ok_or(ReceiptError::Malformed("its parts do not add up"))
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (version, rest) = bytes.split_first_chunk::<1>()?;
        let (key_id, rest) = rest.split_first_chunk()?;
        let (commit, rest) = rest.split_first_chunk()?;
        let (index, rest) = rest.split_first_chunk()?;
        let (count, rest) = rest.split_first_chunk()?;
        let (at_ms, rest) = rest.split_first_chunk()?;
        let (siblings, signature) = rest.split_last_chunk()?;
        let (siblings, odd) = siblings.as_chunks::<HASH_BYTES>();
        let (index, count) = (u32::from_be_bytes(*index), u32::from_be_bytes(*count));
        let whole = *version == [VERSION] && odd.is_empty() && index < count;
        (whole && siblings.len() == steps(index, count).flatten().count()).then(|| Self {
            key_id: u32::from_be_bytes(*key_id),
            commit: u64::from_be_bytes(*commit),
            at_ms: u64::from_be_bytes(*at_ms),
            index,
            count,
            siblings: siblings.to_vec(),
            signature: *signature,
        })
    }

    /// Checks that the receipt is of `answered` and signed with `public_key`. The time in
    /// `answered` must be the receipt's.
    ///
    /// # Errors
    /// [`ReceiptError`].
    pub fn verify(&self, answered: &Answered<'_>, public_key: &[u8]) -> Result<(), ReceiptError> {
        if public_key.len() != HASH_BYTES {
            return Err(ReceiptError::Key);
        }
        let mut siblings = self.siblings.iter();
        let root =
            steps(self.index, self.count)
                .flatten()
                .fold(answered.leaf(), |hash, side| {
                    match (side, siblings.next()) {
                        (Side::Left, Some(sibling)) => node(sibling, &hash),
                        (Side::Right, Some(sibling)) => node(&hash, sibling),
                        (_, None) => hash,
                    }
                });
        let message = message(self.key_id, self.commit, self.count, &root);
        let key = UnparsedPublicKey::new(&signature::ED25519, public_key);
        let checked = key.verify(&message, &self.signature);
        checked.map_err(|_unspecified| ReceiptError::Signature)
    }
}

/// On which side of the way a sibling stands.
#[derive(Clone, Copy)]
enum Side {
    Left,
    Right,
}

/// From the leaf up: the side of the sibling, or nothing where the node is carried up.
fn steps(index: u32, count: u32) -> impl Iterator<Item = Option<Side>> {
    let mut level = (index, count);
    std::iter::from_fn(move || {
        let (index, count) = level;
        if count <= 1 {
            return None;
        }
        level = (index / 2, count.div_ceil(2));
        Some(match (index % 2, index + 1 < count) {
            (1, _) => Some(Side::Left),
            (_, true) => Some(Side::Right),
            (_, false) => None,
        })
    })
}

fn node(left: &Hash, right: &Hash) -> Hash {
    sha256(&[&[1], left, right])
}

/// What is signed.
fn message(key_id: u32, commit: u64, count: u32, root: &Hash) -> Vec<u8> {
    let mut message = b"lamplight commit 1\0".to_vec();
    message.extend_from_slice(&key_id.to_be_bytes());
    message.extend_from_slice(&commit.to_be_bytes());
    message.extend_from_slice(&count.to_be_bytes());
    message.extend_from_slice(root);
    message
}

fn sha256(parts: &[&[u8]]) -> Hash {
    let mut context = digest::Context::new(&digest::SHA256);
    parts.iter().for_each(|part| context.update(part));
    context
        .finish()
        .as_ref()
        .first_chunk()
        .copied()
        .unwrap_or_default()
}
