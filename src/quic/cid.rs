//! Connection ids that name their owner and say nothing to anybody else.
//!
//! An id is 80 bits: version (2), node (14), process generation (12), worker (6) and a serial
//! number (46), under a keyed permutation. So a datagram that the kernel hands to the wrong worker
//! finds its owner, N nodes with one key can be told apart by a balancer that has it, and two ids
//! of one connection cannot be linked from outside (RFC 9000, 5.1; QUIC-LB has the same idea).
//!
//! The permutation is a balanced Feistel network of 8 rounds over two halves of 40 bits; the round
//! function is AES-128 of (round, half), cut to 40 bits. The layout is fixed: nodes of different
//! releases read each other's ids.

use aws_lc_rs::aead::quic::AES_128;
use aws_lc_rs::aead::quic::HeaderProtectionKey;
use quinn_proto::ConnectionId;
use quinn_proto::ConnectionIdGenerator;
use quinn_proto::InvalidCid;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Bytes of a connection id.
pub(in crate::quic) const ID_BYTES: usize = 10;

const LAYOUT_VERSION: u8 = 1;
const ROUNDS: u8 = 8;
const HALF: u64 = (1 << 40) - 1;
const NODE_BITS: u32 = 14;
const GENERATION_BITS: u32 = 12;
const WORKER_BITS: u32 = 6;
const SERIAL_BITS: u32 = 46;
const _: () = assert!(2 + NODE_BITS + GENERATION_BITS + WORKER_BITS + SERIAL_BITS == 80);
const _: () = assert!(crate::base::limits::WORKERS_MAX <= 1 << WORKER_BITS);

/// The key of the permutation, shared by all nodes and all workers.
#[derive(Clone)]
pub struct Cipher(Arc<HeaderProtectionKey>);

/// What an id says to those who hold the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner {
    /// Node number, 0 to 16,383.
    pub node: u16,
    /// Start of the process, modulo 4,096: ids of an earlier process are dead.
    pub generation: u16,
    /// Worker of the process, 0 to 63.
    pub worker: u8,
}

/// Mints the ids of one worker and knows those of its node.
#[derive(Debug, Clone)]
pub struct Mint {
    cipher: Cipher,
    /// Those of masters before a rotation, whose ids are still out there.
    former: Arc<[Cipher]>,
    owner: Owner,
    serial: u64,
}

impl Cipher {
    /// The permutation under `key`.
    pub fn new(key: &[u8; 16]) -> Self {
        #[expect(
            clippy::expect_used,
            reason = "16 bytes are the length of an AES-128 key"
        )]
        let key = HeaderProtectionKey::new(&AES_128, key).expect("an AES-128 key");
        Self(Arc::new(key))
    }

    fn seal(&self, owner: Owner, serial: u64) -> [u8; ID_BYTES] {
        let plain = u128::from(LAYOUT_VERSION) << 78
            | u128::from(owner.node & ((1 << NODE_BITS) - 1)) << 64
            | u128::from(owner.generation & ((1 << GENERATION_BITS) - 1)) << 52
            | u128::from(owner.worker & ((1 << WORKER_BITS) - 1)) << 46
            | u128::from(serial & ((1 << SERIAL_BITS) - 1));
        let (mut left, mut right) = halves(plain);
        for round in 0..ROUNDS {
            (left, right) = (right, left ^ self.round(round, right));
        }
        let mut id = [0; ID_BYTES];
        let sealed = (u128::from(left) << 40 | u128::from(right)).to_be_bytes();
        id.copy_from_slice(sealed.last_chunk::<ID_BYTES>().unwrap_or(&[0; ID_BYTES]));
        id
    }

    /// Whose id it is; `None` if it cannot have been made with this key and layout.
    pub fn open(&self, id: &[u8]) -> Option<Owner> {
        let id: &[u8; ID_BYTES] = id.try_into().ok()?;
        let mut wide = [0; 16];
        wide.last_chunk_mut::<ID_BYTES>()?.copy_from_slice(id);
        let (mut left, mut right) = halves(u128::from_be_bytes(wide));
        for round in (0..ROUNDS).rev() {
            (left, right) = (right ^ self.round(round, left), left);
        }
        let version = u8::try_from(left >> 38).ok()?;
        (version == LAYOUT_VERSION).then_some(())?;
        let low = (u128::from(left) << 40 | u128::from(right)) >> SERIAL_BITS;
        Some(Owner {
            worker: u8::try_from(low & ((1 << WORKER_BITS) - 1)).ok()?,
            generation: u16::try_from(low >> 6 & ((1 << GENERATION_BITS) - 1)).ok()?,
            node: u16::try_from(low >> 18 & ((1 << NODE_BITS) - 1)).ok()?,
        })
    }

    fn round(&self, round: u8, half: u64) -> u64 {
        let mut block = [0; 16];
        block[0] = round;
        block[8..].copy_from_slice(&half.to_be_bytes());
        let mask = self.0.new_mask(&block).unwrap_or_default();
        mask.iter()
            .fold(0, |word, byte| word << 8 | u64::from(*byte))
    }
}

fn halves(word: u128) -> (u64, u64) {
    let low = |w: u128| u64::try_from(w & u128::from(HALF)).unwrap_or(0);
    (low(word >> 40), low(word))
}

impl fmt::Debug for Cipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cipher(..)")
    }
}

impl Mint {
    /// A mint for `owner`; `seed` is random, so that two mints of one generation differ.
    pub fn new(cipher: Cipher, owner: Owner, seed: u64) -> Self {
        Self {
            cipher,
            former: Arc::default(),
            owner,
            serial: seed,
        }
    }

    /// The same mint, which also knows ids made under `former` keys; none is made with them.
    #[must_use]
    pub fn with_former(self, former: Arc<[Cipher]>) -> Self {
        Self { former, ..self }
    }

    /// The worker of this process that owns `id`, if it is an id of this process.
    pub fn worker_of(&self, id: &[u8]) -> Option<usize> {
        let owner = self.cipher.open(id)?;
        let ours = owner.node == self.owner.node && owner.generation == self.owner.generation;
        ours.then_some(usize::from(owner.worker))
    }
}

impl ConnectionIdGenerator for Mint {
    fn generate_cid(&mut self) -> ConnectionId {
        self.serial = self.serial.wrapping_add(1);
        ConnectionId::new(&self.cipher.seal(self.owner, self.serial))
    }

    /// Ids of this node, of any generation: a dead one is answered with a stateless reset.
    fn validate(&self, id: &ConnectionId) -> Result<(), InvalidCid> {
        let ciphers = std::iter::once(&self.cipher).chain(&*self.former);
        let mut owners = ciphers.filter_map(|cipher| cipher.open(id));
        let ours = owners.any(|owner| owner.node == self.owner.node);
        ours.then_some(()).ok_or(InvalidCid)
    }

    fn cid_len(&self) -> usize {
        ID_BYTES
    }

    fn cid_lifetime(&self) -> Option<Duration> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashSet;

    const OWNER: Owner = Owner {
        node: 0x2a51,
        generation: 0xabc,
        worker: 61,
    };

    #[test]
    fn ids_of_one_worker_are_distinct_and_share_no_visible_part() {
        let mut mint = Mint::new(Cipher::new(&[7; 16]), OWNER, 0);
        let ids: Vec<ConnectionId> = (0..2000).map(|_| mint.generate_cid()).collect();
        assert_eq!(ids.iter().collect::<HashSet<_>>().len(), 2000);
        for position in 0..ID_BYTES {
            let values: HashSet<u8> = ids.iter().map(|id| id[position]).collect();
            assert!(values.len() > 200, "byte {position} hardly changes");
        }
    }

    #[test]
    fn foreign_ids_are_not_routed() {
        let mint = Mint::new(Cipher::new(&[7; 16]), OWNER, 0);
        let mut foreign = Mint::new(Cipher::new(&[8; 16]), OWNER, 0);
        let routed = (0..4000).filter(|_| mint.worker_of(&foreign.generate_cid()).is_some());
        assert_eq!(routed.count(), 0);
        let older = Owner {
            generation: 0xabb,
            ..OWNER
        };
        let id = Mint::new(Cipher::new(&[7; 16]), older, 5).generate_cid();
        assert_eq!(
            mint.worker_of(&id),
            None,
            "ids of a dead process stay where they arrive"
        );
        assert!(
            mint.validate(&id).is_ok(),
            "and are answered with a stateless reset"
        );
        assert_eq!(mint.worker_of(&id[..9]), None);
    }

    proptest! {
        #[test]
        fn what_was_sealed_opens(
            key: [u8; 16], node in 0u16..1 << 14, generation in 0u16..1 << 12,
            worker in 0u8..64, serial: u64,
        ) {
            let owner = Owner { node, generation, worker };
            let cipher = Cipher::new(&key);
            prop_assert_eq!(cipher.open(&cipher.seal(owner, serial)), Some(owner));
        }
    }
}
