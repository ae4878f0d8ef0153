//! Our own sessions: a learner, verified once, carries a sealed token that every node opens.
//!
//! Token = version (1) ‖ key id (4) ‖ nonce (12) ‖ AES-256-GCM-SIV(session (49)) ‖ tag (16), in
//! base64url: 110 characters. GCM-SIV (RFC 8452) forgives a nonce used twice, so random nonces of
//! many nodes never add up to a broken key. Version and key id are authenticated.

use crate::base::id::DeviceId;
use crate::base::id::LearnerId;
use crate::identity::Claims;
use crate::identity::Level;
use crate::identity::Verified;
use arc_swap::ArcSwap;
use aws_lc_rs::aead::AES_256_GCM_SIV;
use aws_lc_rs::aead::Aad;
use aws_lc_rs::aead::LessSafeKey;
use aws_lc_rs::aead::Nonce;
use aws_lc_rs::aead::UnboundKey;
use data_encoding::BASE64URL_NOPAD;
use std::fmt;
use std::sync::Arc;

const VERSION: u8 = 1;
/// Version and key id: sent openly, authenticated.
const OPEN_BYTES: usize = 5;
const NONCE_BYTES: usize = 12;
const SESSION_BYTES: usize = 16 + 16 + 4 * 4 + 1;
const TAG_BYTES: usize = 16;
const TOKEN_BYTES: usize = OPEN_BYTES + NONCE_BYTES + SESSION_BYTES + TAG_BYTES;
/// Characters of a token.
const TOKEN_CHARS: usize = (TOKEN_BYTES * 4).div_ceil(3);
/// Seconds by which clocks of two nodes may differ.
const LEEWAY_S: u32 = 60;

/// What a session's token says. Times are unix seconds and end in the year 2106.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Session {
    /// Whose it is.
    pub learner: LearnerId,
    /// The device it was started on; a token that turns up with another one was copied.
    pub device: DeviceId,
    /// How sure the issuer was of the person.
    pub level: Level,
    /// When the person last proved who they are; 0 if the issuer did not say.
    pub authenticated_s: u32,
    /// When the session was started; renewals keep it.
    pub started_s: u32,
    /// From then on the token is refused.
    pub expires_s: u32,
    /// The learner's epoch then; logging out everywhere raises it, and older tokens are dead.
    pub epoch: u32,
}

/// Keys that seal and open sessions' tokens; replaced as a whole when the keyring rotates.
pub struct SessionKeys {
    ring: ArcSwap<Ring>,
}

/// Keys by id, never empty: the first seals, all open.
type Ring = Vec<(u32, LessSafeKey)>;

/// Why a token opens no session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SessionFault {
    /// Not one of our tokens at all.
    #[error("this is no session token")]
    Malformed,
    /// Sealed with a key that was retired, or by a node with another keyring.
    #[error("the session was sealed with key {0}, which this node does not have any more")]
    UnknownKey(u32),
    /// Sealed with a key above all of this node's: in a rotation another node was sooner.
    #[error("the session was sealed with key {0}, which this node does not have yet")]
    NewerKey(u32),
    /// Changed or made up.
    #[error("the session token is forged or damaged")]
    Forged,
    /// Too old.
    #[error("the session expired {since_s} s ago")]
    Expired {
        /// Seconds since then.
        since_s: u32,
    },
    /// Started in the future: a node's clock is wrong.
    #[error("the session begins {ahead_s} s from now; is a clock wrong?")]
    Ahead {
        /// Seconds until then.
        ahead_s: u32,
    },
    /// Renewed often enough; the issuer has to be asked again.
    #[error("the session was renewed for as long as it may be; sign in again")]
    TooOld,
}

impl SessionFault {
    /// Every word that [`reason`](Self::reason) gives.
    pub const REASONS: [&'static str; 7] = [
        "malformed",
        "unknown_key",
        "newer_key",
        "forged",
        "expired",
        "ahead",
        "too_old",
    ];

    /// A word for counters and logs.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::UnknownKey(_) => "unknown_key",
            Self::NewerKey(_) => "newer_key",
            Self::Forged => "forged",
            Self::Expired { .. } => "expired",
            Self::Ahead { .. } => "ahead",
            Self::TooOld => "too_old",
        }
    }
}

impl Session {
    /// The session of a learner who was just verified, for `lifetime_s` seconds; `epoch` is the
    /// learner's present one.
    pub fn start(
        claims: &Verified<Claims>,
        device: DeviceId,
        epoch: u32,
        now_s: u32,
        lifetime_s: u32,
    ) -> Self {
        let authenticated = claims.authenticated_s.unwrap_or(0);
        Self {
            learner: claims.learner,
            device,
            level: claims.level,
            authenticated_s: u32::try_from(authenticated).unwrap_or(u32::MAX),
            started_s: now_s,
            expires_s: now_s.saturating_add(lifetime_s),
            epoch,
        }
    }

    /// The same session for another `lifetime_s` seconds from now, never beyond `age_max_s` after
    /// its start, and never shorter than it was.
    ///
    /// # Errors
    /// [`SessionFault::TooOld`] when nothing can be added any more.
    pub fn renewed(
        self,
        now_s: u32,
        lifetime_s: u32,
        age_max_s: u32,
    ) -> Result<Self, SessionFault> {
        let end = self.started_s.saturating_add(age_max_s);
        let expires_s = now_s.saturating_add(lifetime_s).min(end);
        if expires_s <= self.expires_s && end <= self.expires_s {
            return Err(SessionFault::TooOld);
        }
        let expires_s = expires_s.max(self.expires_s);
        Ok(Self { expires_s, ..self })
    }

    fn bytes(&self) -> [u8; SESSION_BYTES] {
        let mut bytes = [0; SESSION_BYTES];
        let times = [
            self.authenticated_s,
            self.started_s,
            self.expires_s,
            self.epoch,
        ];
        let times = times.into_iter().flat_map(u32::to_be_bytes);
        let ids = self.learner.0.into_iter().chain(self.device.0);
        let all = ids.chain(times).chain([self.level.number()]);
        for (to, from) in bytes.iter_mut().zip(all) {
            *to = from;
        }
        bytes
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (learner, rest) = bytes.split_first_chunk()?;
        let (device, rest) = rest.split_first_chunk()?;
        let (times, rest) = rest.split_first_chunk::<16>()?;
        let [level] = rest else {
            return None;
        };
        let ([authenticated, started, expires, epoch], _) = times.as_chunks::<4>() else {
            return None;
        };
        Some(Self {
            learner: LearnerId(*learner),
            device: DeviceId(*device),
            level: Level::new(*level)?,
            authenticated_s: u32::from_be_bytes(*authenticated),
            started_s: u32::from_be_bytes(*started),
            expires_s: u32::from_be_bytes(*expires),
            epoch: u32::from_be_bytes(*epoch),
        })
    }
}

impl SessionKeys {
    /// The keys with their ids, the sealing one first; `None` if there are none.
    pub fn new(keys: impl IntoIterator<Item = (u32, [u8; 32])>) -> Option<Self> {
        let ring = ArcSwap::from_pointee(ring(keys)?);
        Some(Self { ring })
    }

    /// Takes these keys instead, the sealing one first. Without any, the former stay and the answer
    /// is false.
    pub fn replace(&self, keys: impl IntoIterator<Item = (u32, [u8; 32])>) -> bool {
        let fresh = ring(keys).map(|ring| self.ring.store(Arc::new(ring)));
        fresh.is_some()
    }

    /// The token of `session`; `nonce` must be random.
    #[expect(
        clippy::expect_used,
        reason = "neither keys nor lengths can be wrong here"
    )]
    pub fn seal(&self, session: &Session, nonce: [u8; NONCE_BYTES]) -> String {
        let ring = self.ring.load();
        let (id, key) = ring.first().expect("an empty ring is refused");
        let open = open_part(*id);
        let mut sealed = session.bytes();
        let unique = Nonce::assume_unique_for_key(nonce);
        let tag = key.seal_in_place_separate_tag(unique, Aad::from(open), &mut sealed);
        let tag = tag.expect("49 bytes can be sealed");
        let parts = [open.as_slice(), &nonce, &sealed, tag.as_ref()];
        BASE64URL_NOPAD.encode(&parts.concat())
    }

    /// The session that `token` carries, if it is ours and good at `now_s`. Whether its epoch still
    /// is the learner's is for who knows the learner.
    ///
    /// # Errors
    /// [`SessionFault`]; all but `Expired` are worth counting as somebody's mistake or attack.
    pub fn open(&self, token: &str, now_s: u32) -> Result<Session, SessionFault> {
        let session = self.unsealed(token)?;
        if session.expires_s <= now_s {
            let since_s = now_s - session.expires_s;
            return Err(SessionFault::Expired { since_s });
        }
        let ahead_s = session.started_s.saturating_sub(now_s);
        if ahead_s > LEEWAY_S {
            return Err(SessionFault::Ahead { ahead_s });
        }
        Ok(session)
    }

    fn unsealed(&self, token: &str) -> Result<Session, SessionFault> {
        let mut bytes = [0; TOKEN_BYTES];
        if token.len() != TOKEN_CHARS {
            return Err(SessionFault::Malformed);
        }
        let decoded = BASE64URL_NOPAD.decode_mut(token.as_bytes(), &mut bytes);
        decoded.map_err(|_position| SessionFault::Malformed)?;
        let (open, rest) = bytes.split_at_mut(OPEN_BYTES);
        let [VERSION, id @ ..] = &*open else {
            return Err(SessionFault::Malformed);
        };
        let id = u32::from_be_bytes(id.try_into().unwrap_or_default());
        let (nonce, sealed) = rest.split_at_mut(NONCE_BYTES);
        let nonce = Nonce::try_assume_unique_for_key(nonce);
        let nonce = nonce.map_err(|_unspecified| SessionFault::Malformed)?;
        let ring = self.ring.load();
        let key = ring.iter().find(|(known, _)| *known == id);
        let (_, key) = key.ok_or_else(|| {
            let newer = ring.iter().all(|(known, _)| *known < id);
            if newer {
                SessionFault::NewerKey(id)
            } else {
                SessionFault::UnknownKey(id)
            }
        })?;
        let opened = key.open_in_place(nonce, Aad::from(open_part(id)), sealed);
        let opened = opened.map_err(|_unspecified| SessionFault::Forged)?;
        Session::read(opened).ok_or(SessionFault::Forged)
    }
}

impl fmt::Debug for SessionKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ring = self.ring.load();
        let ids = ring.iter().map(|(id, _)| id);
        f.debug_list().entries(ids).finish()
    }
}

fn ring(keys: impl IntoIterator<Item = (u32, [u8; 32])>) -> Option<Ring> {
    let keys = keys.into_iter().map(|(id, bytes)| {
        let unbound = UnboundKey::new(&AES_256_GCM_SIV, &bytes).ok()?;
        Some((id, LessSafeKey::new(unbound)))
    });
    let ring = keys.collect::<Option<Ring>>()?;
    (!ring.is_empty()).then_some(ring)
}

const fn open_part(id: u32) -> [u8; OPEN_BYTES] {
    let [a, b, c, d] = id.to_be_bytes();
    [VERSION, a, b, c, d]
}
