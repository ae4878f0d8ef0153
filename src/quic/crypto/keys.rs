//! Packet protection keys that take 16 or 32 bytes while their connection is quiet.
//!
//! An expanded AES-GCM key is 600 bytes and more, an expanded header key 250. Here a connection
//! keeps the raw keys and IV; expanded keys live in tables of the thread, direct-mapped by the
//! key's serial number, and are overwritten by whoever needs the slot. A busy connection finds its
//! keys expanded, an idle one costs nothing, and there is no lock: the tables belong to the
//! worker's thread.

use aws_lc_rs::aead;
use aws_lc_rs::aead::quic::HeaderProtectionKey;
use aws_lc_rs::error::Unspecified;
use rustls::Error;
use rustls::crypto::cipher::AeadKey;
use rustls::crypto::cipher::Iv;
use rustls::crypto::cipher::NONCE_LEN;
use rustls::crypto::cipher::Nonce;
use rustls::quic;
use std::cell::RefCell;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

/// Slots of a thread's tables of expanded keys, about a kilobyte each; a power of two.
const EXPANDED_MAX: usize = 2048;

/// What distinguishes the suites of TLS 1.3 in packet protection (RFC 9001, 5.3, 5.4, 6.6).
pub(super) struct Algorithm {
    pub(super) packet: &'static aead::Algorithm,
    pub(super) header: &'static aead::quic::Algorithm,
    pub(super) confidentiality_limit: u64,
    pub(super) integrity_limit: u64,
}

/// AES-128-GCM with the limits of RFC 9001, appendix B.1.
pub(super) static AES_128_GCM: Algorithm = Algorithm {
    packet: &aead::AES_128_GCM,
    header: &aead::quic::AES_128,
    confidentiality_limit: 1 << 23,
    integrity_limit: 1 << 52,
};

/// AES-256-GCM with the limits of RFC 9001, appendix B.1.
pub(super) static AES_256_GCM: Algorithm = Algorithm {
    packet: &aead::AES_256_GCM,
    header: &aead::quic::AES_256,
    confidentiality_limit: 1 << 23,
    integrity_limit: 1 << 52,
};

/// ChaCha20-Poly1305 with the limits of RFC 9001, 6.6.
pub(super) static CHACHA20_POLY1305: Algorithm = Algorithm {
    packet: &aead::CHACHA20_POLY1305,
    header: &aead::quic::CHACHA20,
    confidentiality_limit: u64::MAX,
    integrity_limit: 1 << 36,
};

impl quic::Algorithm for Algorithm {
    fn packet_key(&self, key: AeadKey, iv: Iv) -> Box<dyn quic::PacketKey> {
        let nonce_of_zero = Nonce::new(&iv, 0).0;
        match key.as_ref().try_into() {
            Ok(raw) => Box::new(PacketKey::<16>::new(self.shared(), raw, nonce_of_zero)),
            Err(_) => Box::new(PacketKey::<32>::new(
                self.shared(),
                padded(key.as_ref()),
                nonce_of_zero,
            )),
        }
    }

    fn header_protection_key(&self, key: AeadKey) -> Box<dyn quic::HeaderProtectionKey> {
        match key.as_ref().try_into() {
            Ok(raw) => Box::new(HeaderKey::<16>::new(self.shared(), raw)),
            Err(_) => Box::new(HeaderKey::<32>::new(self.shared(), padded(key.as_ref()))),
        }
    }

    fn aead_key_len(&self) -> usize {
        self.packet.key_len()
    }
}

impl Algorithm {
    /// The static this value is: there are only three.
    fn shared(&self) -> &'static Self {
        let all = [&AES_128_GCM, &AES_256_GCM, &CHACHA20_POLY1305];
        let same = |other: &&&'static Self| std::ptr::eq(**other, self);
        all.iter().find(same).copied().unwrap_or(&AES_128_GCM)
    }
}

fn padded(key: &[u8]) -> [u8; 32] {
    let mut raw = [0; 32];
    for (to, from) in raw.iter_mut().zip(key) {
        *to = *from;
    }
    raw
}

/// A packet key of `N` bytes, folded.
struct PacketKey<const N: usize> {
    suite: &'static Algorithm,
    serial: u64,
    iv: [u8; NONCE_LEN],
    raw: [u8; N],
}

/// A header key of `N` bytes, folded.
struct HeaderKey<const N: usize> {
    suite: &'static Algorithm,
    serial: u64,
    raw: [u8; N],
}

/// Expanded keys by serial number; allocated with the first.
struct Table<K> {
    slots: Vec<Option<(u64, K)>>,
    /// Per slot, the key that was last looked for in vain.
    missed: Vec<u64>,
}

thread_local! {
    static PACKETS: RefCell<Table<aead::LessSafeKey>> = const { RefCell::new(Table::new()) };
    static HEADERS: RefCell<Table<HeaderProtectionKey>> = const { RefCell::new(Table::new()) };
}

impl<K> Table<K> {
    const fn new() -> Self {
        Self {
            slots: Vec::new(),
            missed: Vec::new(),
        }
    }

    /// Works with the expanded key of `serial`. It is kept from its second use in a row on: a key
    /// of a connection that says a word an hour would only push out one that is in use.
    fn with<T>(
        &mut self,
        serial: u64,
        expand: impl FnOnce() -> Result<K, Unspecified>,
        work: impl FnOnce(&K) -> Result<T, Unspecified>,
    ) -> Result<T, Unspecified> {
        if self.slots.is_empty() {
            self.slots.resize_with(EXPANDED_MAX, || None);
            self.missed.resize(EXPANDED_MAX, u64::MAX);
        }
        let place = usize::try_from(serial).unwrap_or(0) & (EXPANDED_MAX - 1);
        let slot = self.slots.get_mut(place).ok_or(Unspecified)?;
        if let Some((held, key)) = slot
            && *held == serial
        {
            return work(key);
        }
        let key = expand()?;
        let missed = self.missed.get_mut(place).ok_or(Unspecified)?;
        let done = work(&key);
        if std::mem::replace(missed, serial) == serial {
            *slot = Some((serial, key));
        }
        done
    }
}

/// Names keys for the tables; never reused.
static SERIAL: AtomicU64 = AtomicU64::new(0);

impl<const N: usize> PacketKey<N> {
    fn new(suite: &'static Algorithm, raw: [u8; N], iv: [u8; NONCE_LEN]) -> Self {
        Self {
            suite,
            serial: SERIAL.fetch_add(1, Relaxed),
            iv,
            raw,
        }
    }

    fn with<T>(
        &self,
        failed: Error,
        work: impl FnOnce(&aead::LessSafeKey) -> Result<T, Unspecified>,
    ) -> Result<T, Error> {
        let expand = || {
            let key = aead::UnboundKey::new(self.suite.packet, &self.raw)?;
            Ok(aead::LessSafeKey::new(key))
        };
        PACKETS.with_borrow_mut(|table| {
            let done = table.with(self.serial, expand, work);
            done.map_err(|Unspecified| failed)
        })
    }

    /// The IV with the packet number added to its end (RFC 9001, 5.3).
    fn nonce(&self, packet_number: u64) -> aead::Nonce {
        let mut nonce = self.iv;
        let number = packet_number.to_be_bytes();
        for (byte, n) in nonce.iter_mut().skip(NONCE_LEN - 8).zip(number) {
            *byte ^= n;
        }
        aead::Nonce::assume_unique_for_key(nonce)
    }
}

impl<const N: usize> quic::PacketKey for PacketKey<N> {
    fn encrypt_in_place(
        &self,
        packet_number: u64,
        header: &[u8],
        payload: &mut [u8],
    ) -> Result<quic::Tag, Error> {
        self.with(Error::EncryptError, |key| {
            let nonce = self.nonce(packet_number);
            let tag = key.seal_in_place_separate_tag(nonce, aead::Aad::from(header), payload)?;
            Ok(quic::Tag::from(tag.as_ref()))
        })
    }

    fn decrypt_in_place<'a>(
        &self,
        packet_number: u64,
        header: &[u8],
        payload: &'a mut [u8],
    ) -> Result<&'a [u8], Error> {
        self.with(Error::DecryptError, |key| {
            let nonce = self.nonce(packet_number);
            Ok(&*key.open_in_place(nonce, aead::Aad::from(header), payload)?)
        })
    }

    fn tag_len(&self) -> usize {
        self.suite.packet.tag_len()
    }

    fn confidentiality_limit(&self) -> u64 {
        self.suite.confidentiality_limit
    }

    fn integrity_limit(&self) -> u64 {
        self.suite.integrity_limit
    }
}

impl<const N: usize> HeaderKey<N> {
    fn new(suite: &'static Algorithm, raw: [u8; N]) -> Self {
        let serial = SERIAL.fetch_add(1, Relaxed);
        Self { suite, serial, raw }
    }

    /// Header protection (RFC 9001, 5.4.1): the mask covers the low bits of the first byte and the
    /// packet number, whose length is known only without the mask.
    fn mask(
        &self,
        sample: &[u8],
        first: &mut u8,
        number: &mut [u8],
        length_bits: impl Fn(u8, u8) -> u8,
    ) -> Result<(), Error> {
        let expand = || HeaderProtectionKey::new(self.suite.header, &self.raw);
        let mask = HEADERS
            .with_borrow_mut(|table| table.with(self.serial, expand, |key| key.new_mask(sample)));
        let wrong = || Error::General("header protection sample of a wrong length".into());
        let [mask_of_first, mask @ ..] = mask.map_err(|Unspecified| wrong())?;
        if number.len() > mask.len() {
            return Err(Error::General(
                "packet number longer than four bytes".into(),
            ));
        }
        let long_header = *first & 0x80 != 0;
        let masked = *first ^ (mask_of_first & if long_header { 0x0f } else { 0x1f });
        let length = usize::from(length_bits(*first, masked) & 0x03) + 1;
        *first = masked;
        for (byte, m) in number.iter_mut().zip(mask).take(length) {
            *byte ^= m;
        }
        Ok(())
    }
}

impl<const N: usize> quic::HeaderProtectionKey for HeaderKey<N> {
    fn encrypt_in_place(
        &self,
        sample: &[u8],
        first: &mut u8,
        packet_number: &mut [u8],
    ) -> Result<(), Error> {
        self.mask(sample, first, packet_number, |plain, _masked| plain)
    }

    fn decrypt_in_place(
        &self,
        sample: &[u8],
        first: &mut u8,
        packet_number: &mut [u8],
    ) -> Result<(), Error> {
        self.mask(sample, first, packet_number, |_masked, plain| plain)
    }

    fn sample_len(&self) -> usize {
        self.suite.header.sample_len()
    }
}
