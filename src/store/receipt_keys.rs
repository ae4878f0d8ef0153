//! The keys that sign receipts, and the public ones to check them with.

use crate::store::Signer;
use arc_swap::ArcSwap;
use aws_lc_rs::error::KeyRejected;
use std::sync::Arc;

/// Signers of all master keys, the one in use first. Replaced as a whole when the keyring is read
/// again; receipts of the others are still good.
#[derive(Debug)]
pub struct ReceiptKeys(ArcSwap<Vec<Arc<Signer>>>);

impl ReceiptKeys {
    /// The signers of these key numbers and seeds, the one in use first; `None` if there are none.
    ///
    /// # Errors
    /// Does not happen with 32 bytes; the library's signature allows for it.
    pub fn new(
        keys: impl IntoIterator<Item = (u32, [u8; 32])>,
    ) -> Result<Option<Self>, KeyRejected> {
        let signers = signers(keys)?;
        Ok((!signers.is_empty()).then(|| Self(ArcSwap::from_pointee(signers))))
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
            self.0.store(Arc::new(signers));
        }
        Ok(())
    }

    /// The one in use.
    #[expect(
        clippy::expect_used,
        reason = "neither `new` nor `replace` takes an empty list"
    )]
    pub fn signer(&self) -> Arc<Signer> {
        let signers = self.0.load();
        Arc::clone(signers.first().expect("there is a signer"))
    }

    /// All signers, the one in use first.
    pub fn all(&self) -> Arc<Vec<Arc<Signer>>> {
        self.0.load_full()
    }
}

fn signers(
    keys: impl IntoIterator<Item = (u32, [u8; 32])>,
) -> Result<Vec<Arc<Signer>>, KeyRejected> {
    let signers = keys
        .into_iter()
        .map(|(id, seed)| Signer::new(id, &seed).map(Arc::new));
    signers.collect()
}
