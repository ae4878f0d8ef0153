//! The last good key set of a URL, in the data directory: a node that starts while the issuer is
//! away still knows its people.

use crate::base::digest::Digest;
use crate::base::limits::KEY_SET_BYTES_MAX;
use crate::identity::KeySet;
use std::fs;
use std::io;
use std::io::Read as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::path::PathBuf;

/// Where one set is kept. Whoever may write there could also write the keyring beside it.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    path: PathBuf,
}

impl Kept {
    pub(super) fn of(data: &Path, url: &str) -> Self {
        let name = format!("{}.json", Digest::of(&[url.as_bytes()]));
        Self {
            path: data.join("key-sets").join(name),
        }
    }

    /// The set, if one is kept that can be used; blocking.
    pub(super) fn read(&self) -> Option<KeySet> {
        let bytes = match bounded(&self.path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => {
                let path = self.path.display();
                tracing::warn!(%path, %error, "a kept key set cannot be read; it is fetched anew");
                return None;
            }
        };
        let parsed = KeySet::parse(&bytes);
        let told = parsed.inspect_err(|error| {
            let path = self.path.display();
            tracing::warn!(%path, %error, "a kept key set is damaged; it is fetched anew");
        });
        told.ok()
    }

    /// Keeps these bytes instead, whole or not at all; blocking.
    pub(super) fn write(&self, bytes: &[u8]) -> io::Result<()> {
        if bounded(&self.path).is_ok_and(|kept| kept == bytes) {
            return Ok(());
        }
        if let Some(dir) = self.path.parent() {
            fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(dir)?;
        }
        let aside = self.path.with_extension("new");
        fs::write(&aside, bytes)?;
        fs::rename(&aside, &self.path)
    }
}

/// A file's bytes, no more than a key set may have and one.
pub(super) fn bounded(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = fs::File::open(path)?;
    file.take(KEY_SET_BYTES_MAX as u64 + 1)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}
