//! The keys that sign receipts, and the public ones to check them with.
//!
//! A receipt is good for years, its key for as long as an operator leaves the master key in the
//! keyring. So public keys are written to a folder of their own, a file `<number>-<begin>.pub`
//! each, and published on when the secret is long gone.

use crate::store::Signer;
use arc_swap::ArcSwap;
use aws_lc_rs::error::KeyRejected;
use data_encoding::BASE64URL_NOPAD;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// Files of public keys that are read; a key a week for twenty years.
const FILES_MAX: usize = 1024;

/// Signers of all master keys, the one in use first. Replaced as a whole when the keyring is read
/// again; receipts of the others are still good.
#[derive(Debug)]
pub struct ReceiptKeys {
    signers: ArcSwap<Vec<Arc<Signer>>>,
    /// What the folder has.
    written: ArcSwap<Vec<(u32, [u8; 32])>>,
}

impl ReceiptKeys {
    /// The signers of these key numbers and seeds, the one in use first; `None` if there are none.
    ///
    /// # Errors
    /// Does not happen with 32 bytes; the library's signature allows for it.
    pub fn new(
        keys: impl IntoIterator<Item = (u32, [u8; 32])>,
    ) -> Result<Option<Self>, KeyRejected> {
        let signers = signers(keys)?;
        Ok((!signers.is_empty()).then(|| Self {
            signers: ArcSwap::from_pointee(signers),
            written: ArcSwap::default(),
        }))
    }

    /// Goes on with these; an empty list changes nothing.
    ///
    /// # Errors
    /// As [`ReceiptKeys::new`]; then nothing changes.
    pub fn replace(
        &self,
        keys: impl IntoIterator<Item = (u32, [u8; 32])>,
    ) -> Result<(), KeyRejected> {
        let signers = signers(keys)?;
        if !signers.is_empty() {
            self.signers.store(Arc::new(signers));
        }
        Ok(())
    }

    /// The one in use.
    #[expect(
        clippy::expect_used,
        reason = "neither `new` nor `replace` takes an empty list"
    )]
    pub fn signer(&self) -> Arc<Signer> {
        let signers = self.signers.load();
        Arc::clone(signers.first().expect("there is a signer"))
    }

    /// Public keys with their numbers, the one in use first; those whose secrets are gone too.
    pub fn public(&self) -> Vec<(u32, [u8; 32])> {
        let signers = self.signers.load();
        let mut keys: Vec<_> = signers.iter().map(|signer| public_of(signer)).collect();
        for key in self.written.load().iter() {
            if !keys.contains(key) {
                keys.push(*key);
            }
        }
        keys
    }

    /// Writes the public keys to the folder `dir`, and reads those that were written before;
    /// blocks.
    ///
    /// # Errors
    /// The folder cannot be written or read; then what was known before is published.
    pub fn remember(&self, dir: &Path) -> io::Result<()> {
        fs::create_dir_all(dir)?;
        for signer in self.signers.load().iter() {
            let (id, key) = public_of(signer);
            let text = BASE64URL_NOPAD.encode(&key);
            let begin: String = key.iter().take(4).map(|b| format!("{b:02x}")).collect();
            let path = dir.join(format!("{id}-{begin}.pub"));
            if !path.exists() {
                fs::write(path, format!("{text}\n"))?;
            }
        }
        let mut keys = Vec::new();
        for entry in fs::read_dir(dir)?.take(FILES_MAX) {
            keys.extend(read(&entry?.path())?);
        }
        keys.sort_unstable();
        self.written.store(Arc::new(keys));
        Ok(())
    }
}

fn public_of(signer: &Signer) -> (u32, [u8; 32]) {
    let key = signer.public_key().try_into();
    (signer.id(), key.unwrap_or_default())
}

/// The key in a file; `None` of one that is no public key.
fn read(path: &Path) -> io::Result<Option<(u32, [u8; 32])>> {
    let name = path.file_name().and_then(|name| name.to_str());
    let name = name.and_then(|name| name.strip_suffix(".pub")?.split_once('-'));
    let Some(id) = name.and_then(|(id, _)| id.parse().ok()) else {
        return Ok(None);
    };
    let text = fs::read(path)?;
    let key = BASE64URL_NOPAD.decode(text.trim_ascii()).ok();
    Ok(key.and_then(|key| Some((id, key.try_into().ok()?))))
}

fn signers(
    keys: impl IntoIterator<Item = (u32, [u8; 32])>,
) -> Result<Vec<Arc<Signer>>, KeyRejected> {
    let signers = keys
        .into_iter()
        .map(|(id, seed)| Signer::new(id, &seed).map(Arc::new));
    signers.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receipt_can_be_checked_when_its_secret_key_is_long_gone() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().join("receipt-keys");
        let old = ReceiptKeys::new([(1, [1; 32])]).unwrap().unwrap();
        old.remember(&dir).unwrap();
        let first = old.public();
        old.replace([(2, [2; 32]), (1, [1; 32])]).unwrap();
        old.remember(&dir).unwrap();
        assert_eq!(old.signer().id(), 2);
        fs::write(dir.join("notes.txt"), "mine").unwrap();
        fs::write(dir.join("3-x.pub"), "no key").unwrap();
        let fresh = ReceiptKeys::new([(2, [2; 32])]).unwrap().unwrap();
        assert_eq!(fresh.public().len(), 1);
        fresh.remember(&dir).unwrap();
        let all = fresh.public();
        assert_eq!((all[0].0, &all[1..]), (2, &first[..]));
        // The same number in another ring is another key.
        let other = ReceiptKeys::new([(2, [9; 32])]).unwrap().unwrap();
        other.remember(&dir).unwrap();
        assert_eq!(other.public().len(), 3);
        assert!(ReceiptKeys::new([]).unwrap().is_none());
    }
}
