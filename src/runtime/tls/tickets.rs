//! Stateless TLS session tickets (RFC 8446, 4.6.1) from keys of the keyring.
//!
//! A ticket is `master number ‖ epoch ‖ nonce ‖ AES-256-GCM(state)`. The sealing key is derived
//! from the master and the epoch, so it changes by itself every [`EPOCH_S`], on all nodes at once
//! and without a word between them, and no key seals more tickets than random nonces allow. A
//! ticket is accepted in its own epoch and the next: 12 to 24 hours, across restarts and nodes.

use crate::runtime;
use crate::runtime::keyring::Key;
use crate::runtime::keyring::derive;
use crate::runtime::random;
use arc_swap::ArcSwap;
use aws_lc_rs::aead;
use rustls::server::ProducesTickets;
use std::fmt;
use std::sync::Arc;

/// Seconds a sealing key is used.
const EPOCH_S: u32 = 12 * 3600;
const HEADER_LEN: usize = 8;
const NONCE_LEN: usize = 12;
/// A ticket is attacker-controlled input; the TLS stack's own are far smaller.
const TICKET_BYTES_MAX: usize = 16 * 1024;

/// Makes and opens tickets; one value serves all workers.
pub struct Tickets {
    keys: ArcSwap<Vec<Key>>,
    /// Sealing keys in use: at most masters × 3 epochs, replaced as a whole.
    sealing: ArcSwap<Vec<Arc<Sealing>>>,
    now_s: fn() -> u64,
}

struct Sealing {
    master: u32,
    epoch: u32,
    key: aead::LessSafeKey,
}

impl Tickets {
    /// Tickets under `keys`, the current one first (see `Keyring::accepted`).
    pub fn new(keys: impl IntoIterator<Item = Key>) -> Self {
        Self::at(keys, || runtime::unix_ms() / 1000)
    }

    fn at(keys: impl IntoIterator<Item = Key>, now_s: fn() -> u64) -> Self {
        Self {
            keys: ArcSwap::from_pointee(keys.into_iter().collect()),
            sealing: ArcSwap::from_pointee(Vec::new()),
            now_s,
        }
    }

    /// Takes over reloaded keys; tickets of masters that stayed are still accepted.
    pub fn replace(&self, keys: impl IntoIterator<Item = Key>) {
        self.keys.store(Arc::new(keys.into_iter().collect()));
        self.sealing.store(Arc::new(Vec::new()));
    }

    fn epoch_now(&self) -> u32 {
        u32::try_from((self.now_s)() / u64::from(EPOCH_S)).unwrap_or(u32::MAX)
    }

    /// The sealing key of a master and an epoch, derived on first use.
    fn sealing(&self, master: u32, epoch: u32) -> Option<Arc<Sealing>> {
        let known = self.sealing.load();
        if let Some(found) = known
            .iter()
            .find(|s| (s.master, s.epoch) == (master, epoch))
        {
            return Some(Arc::clone(found));
        }
        let keys = self.keys.load();
        let secret = keys.iter().find(|key| key.id == master)?;
        let bytes = derive(&secret.bytes, "epoch", &epoch.to_be_bytes());
        let key = aead::UnboundKey::new(&aead::AES_256_GCM, &bytes).ok()?;
        let key = aead::LessSafeKey::new(key);
        let made = Arc::new(Sealing { master, epoch, key });
        let recent = |s: &&Arc<Sealing>| s.epoch.abs_diff(self.epoch_now()) <= 1;
        let mut list: Vec<_> = known.iter().filter(recent).cloned().collect();
        list.push(Arc::clone(&made));
        // Two workers may derive at once: one entry is lost and derived again, no harm.
        self.sealing.store(Arc::new(list));
        Some(made)
    }
}

impl ProducesTickets for Tickets {
    fn enabled(&self) -> bool {
        true
    }

    fn lifetime(&self) -> u32 {
        EPOCH_S
    }

    fn encrypt(&self, plain: &[u8]) -> Option<Vec<u8>> {
        let master = self.keys.load().first()?.id;
        let epoch = self.epoch_now();
        let sealing = self.sealing(master, epoch)?;
        let nonce: [u8; NONCE_LEN] = random::bytes();
        let mut ticket = Vec::with_capacity(HEADER_LEN + NONCE_LEN + plain.len() + 16);
        ticket.extend_from_slice(&master.to_be_bytes());
        ticket.extend_from_slice(&epoch.to_be_bytes());
        let header = aead::Aad::from(<[u8; HEADER_LEN]>::try_from(ticket.as_slice()).ok()?);
        ticket.extend_from_slice(&nonce);
        let mut sealed = plain.to_vec();
        let nonce = aead::Nonce::assume_unique_for_key(nonce);
        sealing
            .key
            .seal_in_place_append_tag(nonce, header, &mut sealed)
            .ok()?;
        ticket.extend_from_slice(&sealed);
        Some(ticket)
    }

    fn decrypt(&self, ticket: &[u8]) -> Option<Vec<u8>> {
        if ticket.len() > TICKET_BYTES_MAX {
            return None;
        }
        let (master, rest) = ticket.split_first_chunk::<4>()?;
        let (epoch, rest) = rest.split_first_chunk::<4>()?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE_LEN>()?;
        let header: [u8; HEADER_LEN] = ticket.get(..HEADER_LEN)?.try_into().ok()?;
        let (master, epoch) = (u32::from_be_bytes(*master), u32::from_be_bytes(*epoch));
        // The nodes' clocks may differ a little around the change of an epoch.
        let now = self.epoch_now();
        if !(now.saturating_sub(1)..=now.saturating_add(1)).contains(&epoch) {
            return None;
        }
        let sealing = self.sealing(master, epoch)?;
        let nonce = aead::Nonce::assume_unique_for_key(*nonce);
        let mut plain = sealed.to_vec();
        let opened = sealing
            .key
            .open_in_place(nonce, aead::Aad::from(header), &mut plain);
        let length = opened.ok()?.len();
        plain.truncate(length);
        Some(plain)
    }
}

impl fmt::Debug for Tickets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tickets")
            .field("keys", &self.keys.load())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T0: u64 = 1_700_000_000;

    fn key(id: u32) -> Key {
        Key { id, bytes: [7; 32] }
    }

    #[test]
    fn a_ticket_of_one_node_resumes_on_another_and_after_a_restart() {
        let ticket = Tickets::at([key(1)], || T0).encrypt(b"state").unwrap();
        let other = Tickets::at([key(2), key(1)], || T0 + u64::from(EPOCH_S));
        assert_eq!(other.decrypt(&ticket).as_deref(), Some(&b"state"[..]));
        let later = Tickets::at([key(1)], || T0 + 3 * u64::from(EPOCH_S));
        assert_eq!(later.decrypt(&ticket), None);
    }

    #[test]
    fn a_forged_cut_or_foreign_ticket_means_a_full_handshake_and_no_more() {
        let tickets = Tickets::at([key(1)], || T0);
        let ticket = tickets.encrypt(b"state").unwrap();
        for at in 0..ticket.len() {
            let mut forged = ticket.clone();
            forged[at] ^= 1;
            assert_eq!(tickets.decrypt(&forged), None, "byte {at}");
            assert_eq!(tickets.decrypt(&ticket[..at]), None);
        }
        assert_eq!(tickets.decrypt(&vec![0; TICKET_BYTES_MAX + 1]), None);
        tickets.replace([key(2)]);
        assert_eq!(tickets.decrypt(&ticket), None);
    }

    #[test]
    fn unknown_epochs_and_masters_do_not_grow_the_list_of_keys() {
        let tickets = Tickets::at([key(1)], || T0);
        for n in 0..1000_u32 {
            let mut junk = vec![0; 64];
            junk[..4].copy_from_slice(&(n % 3).to_be_bytes());
            junk[4..8].copy_from_slice(&n.wrapping_mul(39).to_be_bytes());
            assert_eq!(tickets.decrypt(&junk), None);
        }
        assert!(tickets.sealing.load().len() <= 3);
    }
}
