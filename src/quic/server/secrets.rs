//! The engine's secrets: what is made now uses the newest master's, what an earlier process made
//! under a former one is still understood (connection ids, reset tokens, Retry tokens).

use crate::quic::cid::Cipher;
use crate::quic::cid::Mint;
use crate::quic::cid::Owner;
use crate::runtime;
use crate::runtime::keyring::Keyring;
use crate::runtime::keyring::Purpose;
use aws_lc_rs::hkdf;
use aws_lc_rs::hmac;
use quinn_proto::crypto::AeadKey;
use quinn_proto::crypto::CryptoError;
use quinn_proto::crypto::HandshakeTokenKey;
use quinn_proto::crypto::HmacKey;
use std::fmt;
use std::sync::Arc;

/// Masters whose ids and tokens are understood: whoever sends garbage costs a try under each.
const MASTERS_MAX: usize = 4;

/// Secrets of one master.
#[derive(Clone)]
struct Secrets {
    /// The permutation of connection ids (AES-128).
    ids: [u8; 16],
    /// Stateless reset tokens (RFC 9000, 10.3).
    reset: [u8; 32],
    /// Retry tokens (RFC 9000, 8.1.2).
    address: [u8; 32],
}

/// Secrets of the engine, the same on all workers and nodes and after a restart.
#[derive(Clone)]
pub struct Keys {
    newest: Secrets,
    former: Vec<Secrets>,
}

impl Keys {
    /// Those of the ring's newest master, and of the three before it for what is out there.
    pub fn of(ring: &Keyring) -> Self {
        let derived = |purpose| ring.accepted(purpose).map(|key| key.bytes);
        let ids = derived(Purpose::ConnectionId);
        let tokens = derived(Purpose::StatelessReset).zip(derived(Purpose::AddressToken));
        let all = ids.zip(tokens).map(|(ids, (reset, address))| Secrets {
            ids: half(&ids),
            reset,
            address,
        });
        let newest = Secrets {
            ids: half(&ring.current(Purpose::ConnectionId).bytes),
            reset: ring.current(Purpose::StatelessReset).bytes,
            address: ring.current(Purpose::AddressToken).bytes,
        };
        let former = all.skip(1).take(MASTERS_MAX - 1).collect();
        Self { newest, former }
    }

    /// The mint of `owner`, with a random first serial number.
    pub(super) fn mint(&self, owner: Owner) -> Mint {
        let former = self.former.iter().map(|s| Cipher::new(&s.ids)).collect();
        let cipher = Cipher::new(&self.newest.ids);
        Mint::new(cipher, owner, runtime::random::number()).with_former(former)
    }

    /// What makes reset tokens: the token of an id is that of the master it was made with.
    pub(super) fn reset(&self, node: u16) -> Arc<dyn HmacKey> {
        let key = |secrets: &Secrets| hmac::Key::new(hmac::HMAC_SHA256, &secrets.reset);
        if self.former.is_empty() {
            return Arc::new(key(&self.newest));
        }
        let former = self.former.iter();
        Arc::new(Reset {
            node,
            cipher: Cipher::new(&self.newest.ids),
            newest: key(&self.newest),
            former: former.map(|s| (Cipher::new(&s.ids), key(s))).collect(),
        })
    }

    /// What seals Retry tokens, and opens those under former masters too.
    pub(super) fn address(&self) -> Arc<dyn HandshakeTokenKey> {
        let key =
            |secrets: &Secrets| hkdf::Salt::new(hkdf::HKDF_SHA256, &[]).extract(&secrets.address);
        if self.former.is_empty() {
            return Arc::new(key(&self.newest));
        }
        let former = self.former.iter().map(key).collect();
        Arc::new(Tokens {
            newest: key(&self.newest),
            former,
        })
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys(..)")
    }
}

fn half(key: &[u8; 32]) -> [u8; 16] {
    let mut half = [0; 16];
    half.copy_from_slice(key.split_at(16).0);
    half
}

/// Reset keys of more than one master.
struct Reset {
    node: u16,
    cipher: Cipher,
    newest: hmac::Key,
    former: Vec<(Cipher, hmac::Key)>,
}

impl Reset {
    /// The key of the master that `id` was made with; the newest's if no other fits.
    fn of(&self, id: &[u8]) -> &hmac::Key {
        let opens = |cipher: &Cipher| cipher.open(id).is_some_and(|o| o.node == self.node);
        if opens(&self.cipher) {
            return &self.newest;
        }
        let former = self.former.iter().find(|(cipher, _)| opens(cipher));
        former.map_or(&self.newest, |(_, key)| key)
    }
}

impl HmacKey for Reset {
    fn sign(&self, data: &[u8], signature_out: &mut [u8]) {
        HmacKey::sign(self.of(data), data, signature_out);
    }

    fn signature_len(&self) -> usize {
        HmacKey::signature_len(&self.newest)
    }

    fn verify(&self, data: &[u8], signature: &[u8]) -> Result<(), CryptoError> {
        HmacKey::verify(self.of(data), data, signature)
    }
}

/// Token keys of more than one master.
struct Tokens {
    newest: hkdf::Prk,
    former: Arc<[hkdf::Prk]>,
}

impl HandshakeTokenKey for Tokens {
    fn aead_from_hkdf(&self, random_bytes: &[u8]) -> Box<dyn AeadKey> {
        Box::new(Token {
            newest: self.newest.aead_from_hkdf(random_bytes),
            former: Arc::clone(&self.former),
            nonce: random_bytes.to_vec(),
        })
    }
}

/// The key of one token.
struct Token {
    newest: Box<dyn AeadKey>,
    former: Arc<[hkdf::Prk]>,
    nonce: Vec<u8>,
}

impl AeadKey for Token {
    fn seal(&self, data: &mut Vec<u8>, additional_data: &[u8]) -> Result<(), CryptoError> {
        self.newest.seal(data, additional_data)
    }

    fn open<'a>(
        &self,
        data: &'a mut [u8],
        additional_data: &[u8],
    ) -> Result<&'a mut [u8], CryptoError> {
        // A key that does not fit leaves the data unusable for the next.
        let sealed = data.to_vec();
        let opened = self
            .newest
            .open(data, additional_data)
            .map(|plain| plain.len());
        let mut len = opened.ok();
        for key in &*self.former {
            if len.is_some() {
                break;
            }
            data.copy_from_slice(&sealed);
            let key = key.aead_from_hkdf(&self.nonce);
            len = key
                .open(data, additional_data)
                .ok()
                .map(|plain| plain.len());
        }
        let plain = len.and_then(|len| data.get_mut(..len));
        plain.ok_or(CryptoError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quinn_proto::ConnectionIdGenerator as _;

    const OWNER: Owner = Owner {
        node: 9,
        generation: 4,
        worker: 1,
    };

    fn secrets(n: u8) -> Secrets {
        Secrets {
            ids: [n; 16],
            reset: [n; 32],
            address: [n; 32],
        }
    }

    /// Of masters made from these numbers, the newest first.
    fn keys(newest: u8, former: &[u8]) -> Keys {
        Keys {
            newest: secrets(newest),
            former: former.iter().map(|n| secrets(*n)).collect(),
        }
    }

    fn token(keys: &Keys, id: &[u8]) -> [u8; 32] {
        let mut token = [0; 32];
        keys.reset(OWNER.node).sign(id, &mut token);
        token
    }

    #[test]
    fn after_a_rotation_the_ids_of_before_keep_their_reset_tokens() {
        let (before, after) = (keys(1, &[]), keys(3, &[2, 1]));
        let mut old = before.mint(OWNER);
        for _ in 0..200 {
            let id = old.generate_cid();
            assert!(after.mint(OWNER).validate(&id).is_ok());
            assert_eq!(token(&before, &id), token(&after, &id));
            let fresh = after.mint(OWNER).generate_cid();
            assert_eq!(token(&after, &fresh), token(&keys(3, &[]), &fresh));
        }
        let forgotten = keys(3, &[2]);
        let unknown = (0..200).filter(|_| {
            let id = old.generate_cid();
            forgotten.mint(OWNER).validate(&id).is_err()
        });
        assert!(unknown.count() > 190, "a master that is gone is forgotten");
    }

    #[test]
    fn after_a_rotation_the_retry_tokens_of_before_open() {
        let (before, after) = (keys(1, &[]).address(), keys(3, &[2, 1]).address());
        for (made, opened, ok) in [
            (&before, &after, true),
            (&after, &after, true),
            (&after, &before, false),
        ] {
            let mut data = b"an address".to_vec();
            made.aead_from_hkdf(&[7; 32]).seal(&mut data, b"").unwrap();
            let key = opened.aead_from_hkdf(&[7; 32]);
            let plain = key.open(&mut data, b"").ok().map(|plain| plain.to_vec());
            assert_eq!(plain.is_some_and(|plain| plain == b"an address"), ok);
        }
    }

    #[test]
    fn a_ring_of_many_masters_costs_garbage_a_bounded_number_of_tries() {
        use std::os::unix::fs::PermissionsExt as _;
        let temp = tempfile::tempdir().unwrap();
        let dir = temp.path().join("keys");
        assert!(Keys::of(&Keyring::open(&dir).unwrap()).former.is_empty());
        for n in 2..9 {
            let path = dir.join(format!("master-{n}.key"));
            std::fs::write(&path, format!("{n}f").repeat(32)).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        }
        let ring = Keyring::open(&dir).unwrap();
        let keys = Keys::of(&ring);
        assert_eq!(keys.former.len(), MASTERS_MAX - 1);
        assert_eq!(
            keys.newest.reset,
            ring.current(Purpose::StatelessReset).bytes
        );
        let second = ring.accepted(Purpose::StatelessReset).nth(1).unwrap();
        assert_eq!(keys.former[0].reset, second.bytes);
        assert_eq!(format!("{keys:?}"), "Keys(..)");
    }
}
