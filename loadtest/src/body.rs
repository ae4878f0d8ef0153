//! Every body is checked: against the first one seen of its resource, byte for byte, and against
//! the length and SHA-256 that the plan gives.
//!
//! The first body of each resource is kept (comparing is several times cheaper than hashing);
//! beyond [`KEPT_BYTES_MAX`] only its digest is, and later bodies are hashed.

use crate::plan::Resource;
use aws_lc_rs::digest;
use std::collections::HashMap;
use std::fmt;

/// Bytes of first bodies kept by one thread.
const KEPT_BYTES_MAX: usize = 256 * 1024 * 1024;
/// A body may be at most this long.
const BODY_BYTES_MAX: usize = 1024 * 1024 * 1024;
/// Bytes of a wrong body kept to find out whose body it is.
const WRONG_BYTES_MAX: usize = 64 * 1024;

type Digest = [u8; 32];

/// What is wrong with a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum BodyFault {
    /// Not the bytes seen first (or not of that digest), and no other resource's either.
    Wrong,
    /// The body of another resource.
    Swapped {
        /// Index of the resource it belongs to.
        belongs_to: usize,
    },
    /// Right bytes, but not all of them, or more.
    Length {
        /// Bytes that came.
        got: u64,
        /// Bytes that were expected.
        expected: u64,
    },
    /// The first body is not of the digest that the plan gives.
    NotAsGiven,
    /// Not the status of a body.
    Status(u16),
}

impl fmt::Display for BodyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wrong => f.write_str("wrong bytes"),
            Self::Swapped { .. } => f.write_str("the body of another URL"),
            Self::Length { got, expected } if got < expected => f.write_str("body too short"),
            Self::Length { .. } => f.write_str("body too long"),
            Self::NotAsGiven => f.write_str("not the given SHA-256"),
            Self::Status(status) => write!(f, "status {status}"),
        }
    }
}

/// A body on its way in.
pub(crate) struct Incoming {
    len: usize,
    check: Check,
}

enum Check {
    /// Nothing to compare with yet.
    Collect(Vec<u8>),
    /// Equal to the first body so far.
    Equal,
    /// Differed; what came is kept up to a bound to find its owner.
    Wrong(Vec<u8>),
    /// Only the first body's digest is kept.
    Hash(Box<digest::Context>),
}

#[derive(Debug)]
struct First {
    bytes: Option<Vec<u8>>,
    len: usize,
    digest: Digest,
}

/// First bodies by resource.
#[derive(Debug)]
pub(crate) struct References {
    given: Vec<(Option<u64>, Option<Digest>)>,
    first: Vec<Option<First>>,
    owners: HashMap<Digest, usize>,
    kept: usize,
    kept_max: usize,
}

impl References {
    /// Nothing seen yet.
    pub(crate) fn new(resources: &[Resource]) -> Self {
        Self {
            given: resources.iter().map(|r| (r.length, r.sha256)).collect(),
            first: resources.iter().map(|_| None).collect(),
            owners: HashMap::new(),
            kept: 0,
            kept_max: KEPT_BYTES_MAX,
        }
    }

    /// A body of that resource begins.
    pub(crate) fn begin(&self, resource: usize) -> Incoming {
        let check = match self.first(resource) {
            None => Check::Collect(Vec::new()),
            Some(First { bytes: Some(_), .. }) => Check::Equal,
            Some(First { bytes: None, .. }) => {
                Check::Hash(Box::new(digest::Context::new(&digest::SHA256)))
            }
        };
        Incoming { len: 0, check }
    }

    /// The next bytes of a body.
    pub(crate) fn feed(&self, resource: usize, body: &mut Incoming, bytes: &[u8]) {
        let first = self.first(resource).and_then(|f| f.bytes.as_deref());
        match &mut body.check {
            Check::Collect(all) if all.len() < BODY_BYTES_MAX => all.extend_from_slice(bytes),
            Check::Collect(_) => {}
            Check::Equal => {
                let expected = first.unwrap_or_default();
                let rest = expected.get(body.len..).unwrap_or_default();
                if !rest.starts_with(bytes) {
                    let mut wrong = expected.get(..body.len).unwrap_or_default().to_vec();
                    keep(&mut wrong, bytes);
                    body.check = Check::Wrong(wrong);
                }
            }
            Check::Wrong(wrong) => keep(wrong, bytes),
            Check::Hash(context) => context.update(bytes),
        }
        body.len += bytes.len();
    }

    /// The body is whole: was it right? The answer is its length.
    pub(crate) fn finish(&mut self, resource: usize, body: Incoming) -> Result<u64, BodyFault> {
        let got = body.len as u64;
        let (length, _) = self.given.get(resource).copied().unwrap_or_default();
        let seen = self.first(resource).map(|f| f.len as u64);
        let expected = length.or(seen).unwrap_or(got);
        match body.check {
            Check::Collect(bytes) if expected == got => self.settle(resource, bytes)?,
            Check::Equal if expected == got => {}
            Check::Hash(context) if expected == got => {
                let digest = fixed(&context.finish());
                if self.first(resource).is_some_and(|f| f.digest != digest) {
                    return Err(self.blame(resource, &digest));
                }
            }
            Check::Wrong(wrong) => return Err(self.blame_bytes(resource, &wrong, body.len)),
            Check::Collect(_) | Check::Equal | Check::Hash(_) => {
                return Err(BodyFault::Length { got, expected });
            }
        }
        Ok(got)
    }

    /// Digest of the first body of a resource, to compare threads with each other.
    pub(crate) fn digest(&self, resource: usize) -> Option<&Digest> {
        self.first(resource).map(|f| &f.digest)
    }

    fn first(&self, resource: usize) -> Option<&First> {
        self.first.get(resource).and_then(Option::as_ref)
    }

    /// A body collected while none was known: it becomes the first, or is compared with the one
    /// that was quicker.
    fn settle(&mut self, resource: usize, bytes: Vec<u8>) -> Result<(), BodyFault> {
        let digest = sha256(&bytes);
        let (_, given) = self.given.get(resource).copied().unwrap_or_default();
        if given.is_some_and(|g| g != digest) {
            let owner = self.owner(resource, &digest);
            let swapped = owner.map(|belongs_to| BodyFault::Swapped { belongs_to });
            return Err(swapped.unwrap_or(BodyFault::NotAsGiven));
        }
        if let Some(first) = self.first(resource) {
            return match first.digest == digest {
                true => Ok(()),
                false => Err(self.blame(resource, &digest)),
            };
        }
        let len = bytes.len();
        let room = self.kept + len <= self.kept_max;
        self.kept += if room { len } else { 0 };
        self.owners.insert(digest, resource);
        if let Some(slot) = self.first.get_mut(resource) {
            *slot = Some(First {
                bytes: room.then_some(bytes),
                len,
                digest,
            });
        }
        Ok(())
    }

    fn blame_bytes(&self, resource: usize, wrong: &[u8], len: usize) -> BodyFault {
        if wrong.len() == len
            && let Some(belongs_to) = self.owner(resource, &sha256(wrong))
        {
            return BodyFault::Swapped { belongs_to };
        }
        if self.is_longer(resource, wrong) {
            return BodyFault::Length {
                got: len as u64,
                expected: self.first(resource).map_or(0, |f| f.len as u64),
            };
        }
        BodyFault::Wrong
    }

    fn is_longer(&self, resource: usize, wrong: &[u8]) -> bool {
        let first = self.first(resource).and_then(|f| f.bytes.as_deref());
        first.is_some_and(|f| f.len() < wrong.len() && wrong.starts_with(f))
    }

    fn blame(&self, resource: usize, digest: &Digest) -> BodyFault {
        match self.owner(resource, digest) {
            Some(belongs_to) => BodyFault::Swapped { belongs_to },
            None => BodyFault::Wrong,
        }
    }

    /// The other resource that has this body.
    fn owner(&self, resource: usize, digest: &Digest) -> Option<usize> {
        let owner = self.owners.get(digest).copied();
        owner.filter(|owner| *owner != resource)
    }
}

fn keep(wrong: &mut Vec<u8>, bytes: &[u8]) {
    let room = WRONG_BYTES_MAX.saturating_sub(wrong.len());
    wrong.extend_from_slice(bytes.get(..room.min(bytes.len())).unwrap_or_default());
}

fn sha256(bytes: &[u8]) -> Digest {
    fixed(&digest::digest(&digest::SHA256, bytes))
}

fn fixed(digest: &digest::Digest) -> Digest {
    let mut out = [0; 32];
    for (to, from) in out.iter_mut().zip(digest.as_ref()) {
        *to = *from;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn references(kept_max: usize) -> References {
        let resource = |path: &str| Resource {
            path: path.into(),
            length: None,
            sha256: None,
        };
        let mut all = References::new(&[resource("/a"), resource("/b"), resource("/c")]);
        all.kept_max = kept_max;
        all
    }

    fn take(all: &mut References, resource: usize, parts: &[&[u8]]) -> Result<u64, BodyFault> {
        let mut body = all.begin(resource);
        for part in parts {
            all.feed(resource, &mut body, part);
        }
        all.finish(resource, body)
    }

    #[test]
    fn a_lie_about_one_byte_is_seen_however_the_body_is_cut() {
        for kept_max in [0, KEPT_BYTES_MAX] {
            let mut all = references(kept_max);
            assert_eq!(take(&mut all, 0, &[b"hello ", b"world"]), Ok(11));
            assert_eq!(take(&mut all, 0, &[b"h", b"ello world"]), Ok(11));
            assert_eq!(
                take(&mut all, 0, &[b"hello", b" wOrld"]),
                Err(BodyFault::Wrong)
            );
            assert_eq!(take(&mut all, 0, &[b"hello world"]), Ok(11));
        }
    }

    #[test]
    fn short_and_long_bodies_are_told_from_wrong_ones() {
        let mut all = references(KEPT_BYTES_MAX);
        take(&mut all, 0, &[b"hello"]).unwrap();
        let length = |got| Err(BodyFault::Length { got, expected: 5 });
        assert_eq!(take(&mut all, 0, &[b"hell"]), length(4));
        assert_eq!(take(&mut all, 0, &[b"hello", b"!"]), length(6));
        assert_eq!(take(&mut all, 0, &[]), length(0));
    }

    #[test]
    fn swapped_bodies_name_their_owner() {
        for kept_max in [0, KEPT_BYTES_MAX] {
            let mut all = references(kept_max);
            take(&mut all, 0, &[b"alpha"]).unwrap();
            take(&mut all, 1, &[b"gamma"]).unwrap();
            let swapped = take(&mut all, 0, &[b"ga", b"mma"]);
            assert_eq!(swapped, Err(BodyFault::Swapped { belongs_to: 1 }));
        }
    }

    #[test]
    fn two_first_bodies_at_once_must_agree() {
        let mut all = references(KEPT_BYTES_MAX);
        let (mut one, mut two) = (all.begin(2), all.begin(2));
        all.feed(2, &mut one, b"x");
        all.feed(2, &mut two, b"y");
        assert_eq!(all.finish(2, one), Ok(1));
        assert_eq!(all.finish(2, two), Err(BodyFault::Wrong));
    }

    #[test]
    fn a_first_body_that_is_not_as_given_never_becomes_the_measure() {
        let mut all = references(KEPT_BYTES_MAX);
        all.given = vec![(None, Some(sha256(b"right")))];
        assert_eq!(take(&mut all, 0, &[b"wrong"]), Err(BodyFault::NotAsGiven));
        assert_eq!(take(&mut all, 0, &[b"right"]), Ok(5));
        assert_eq!(take(&mut all, 0, &[b"wrong"]), Err(BodyFault::Wrong));
    }
}
