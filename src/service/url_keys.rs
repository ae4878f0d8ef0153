//! The keys of signed URLs, shared with whoever signs: the platform, an edge.

use crate::course::Slug;
use crate::service::signing::digits;
use arc_swap::ArcSwap;
use aws_lc_rs::hmac;
use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

/// The keys in effect. Each lies in a file `<name>.key` of one directory, 64 hexadecimal digits;
/// to rotate, add one on every node, reload, sign with it, and delete the old one when the last
/// URL of it has expired.
pub struct UrlKeys {
    dir: PathBuf,
    /// By name.
    keys: ArcSwap<Vec<UrlKey>>,
}

/// One key; its name stands in every URL.
pub(crate) struct UrlKey {
    pub(crate) name: String,
    pub(crate) key: hmac::Key,
}

/// What is wrong with the directory, and how to mend it.
#[derive(Debug, thiserror::Error)]
pub enum UrlKeysError {
    /// The operating system refused.
    #[error("keys of signed URLs: cannot read {path}")]
    Io {
        /// File or directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Somebody else may read a secret.
    #[error("keys of signed URLs: others may read {0}; run: chmod go-rwx {0}")]
    Exposed(PathBuf),
    /// A file that is no key.
    #[error(
        "keys of signed URLs: {0} is no key; write 64 hexadecimal digits into a file \
         <name>.key with a name of a-z, 0-9 and -: openssl rand -hex 32"
    )]
    Malformed(PathBuf),
    /// None, or too many to be meant.
    #[error("keys of signed URLs: {dir} holds {count} files *.key; have 1 to {KEYS_MAX}")]
    Count {
        /// The directory.
        dir: PathBuf,
        /// How many there are.
        count: usize,
    },
}

impl UrlKeys {
    /// No key: no URL is signed.
    pub fn none() -> Arc<Self> {
        Self::of([])
    }

    /// Those of a directory; none if its name is empty. Blocks.
    ///
    /// # Errors
    /// [`UrlKeysError`] names the file and the remedy.
    pub fn open(dir: &Path) -> Result<Arc<Self>, UrlKeysError> {
        let keys = read(dir)?;
        Ok(Arc::new(Self {
            dir: dir.to_owned(),
            keys: ArcSwap::from_pointee(keys),
        }))
    }

    /// Reads the directory again; blocks.
    ///
    /// # Errors
    /// As [`UrlKeys::open`]; the keys then stay as they are.
    pub fn reload(&self) -> Result<(), UrlKeysError> {
        let keys = read(&self.dir)?;
        self.keys.store(Arc::new(keys));
        Ok(())
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.keys.load().is_empty()
    }

    /// The keys now.
    pub(crate) fn all(&self) -> arc_swap::Guard<Arc<Vec<UrlKey>>> {
        self.keys.load()
    }

    /// Keys from memory, by name.
    pub fn of<const N: usize>(keys: [(&str, [u8; 32]); N]) -> Arc<Self> {
        let keys = keys.map(|(name, bytes)| UrlKey::new(name, &bytes));
        Arc::new(Self {
            dir: PathBuf::new(),
            keys: ArcSwap::from_pointee(keys.into()),
        })
    }
}

impl UrlKey {
    fn new(name: &str, bytes: &[u8; 32]) -> Self {
        Self {
            name: name.to_owned(),
            key: hmac::Key::new(hmac::HMAC_SHA256, bytes),
        }
    }
}

fn read(dir: &Path) -> Result<Vec<UrlKey>, UrlKeysError> {
    if dir.as_os_str().is_empty() {
        return Ok(Vec::new());
    }
    let io = |path: &Path| {
        let path = path.to_owned();
        |source| UrlKeysError::Io { path, source }
    };
    let mut keys = Vec::new();
    for entry in fs::read_dir(dir).map_err(io(dir))? {
        let path = entry.map_err(io(dir))?.path();
        if path.extension().is_none_or(|extension| extension != "key") {
            continue;
        }
        let mode = fs::metadata(&path).map_err(io(&path))?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(UrlKeysError::Exposed(path));
        }
        let text = fs::read_to_string(&path).map_err(io(&path))?;
        let name = path.file_stem().and_then(|stem| stem.to_str());
        let name = name
            .and_then(Slug::parse)
            .filter(|n| n.as_str().len() <= 32);
        let Some((name, bytes)) = name.zip(digits(text.trim())) else {
            return Err(UrlKeysError::Malformed(path));
        };
        keys.push(UrlKey::new(name.as_str(), &bytes));
    }
    keys.sort_by(|a, b| a.name.cmp(&b.name));
    if keys.is_empty() || keys.len() > KEYS_MAX {
        let (dir, count) = (dir.to_owned(), keys.len());
        return Err(UrlKeysError::Count { dir, count });
    }
    Ok(keys)
}

/// Two while they rotate, and some to spare.
const KEYS_MAX: usize = 8;

impl fmt::Debug for UrlKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UrlKeys({} keys)", self.keys.load().len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(dir: &Path, name: &str, text: &str, mode: u32) {
        let path = dir.join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_rotation_needs_a_reload_and_no_restart() {
        let dir = tempfile::tempdir().unwrap();
        assert!(matches!(
            UrlKeys::open(dir.path()),
            Err(UrlKeysError::Count { count: 0, .. })
        ));
        write(
            dir.path(),
            "k1.key",
            &format!("{}\n", "ab".repeat(32)),
            0o600,
        );
        write(dir.path(), "notes.txt", "no key", 0o644);
        let keys = UrlKeys::open(dir.path()).unwrap();
        let old = keys.sign(None, "/media/a", 9).unwrap();
        assert!(old.starts_with("k1."));
        write(dir.path(), "k2.key", &"cd".repeat(32), 0o600);
        keys.reload().unwrap();
        let new = keys.sign(None, "/media/a", 9).unwrap();
        assert!(new.starts_with("k2."));
        for token in [&old, &new] {
            assert_eq!(keys.verify(token, "/media/a/b", 8), Ok(9));
        }
        fs::remove_file(dir.path().join("k1.key")).unwrap();
        keys.reload().unwrap();
        assert!(keys.verify(&old, "/media/a/b", 8).is_err());
        assert!(UrlKeys::none().is_empty() && UrlKeys::open(Path::new("")).unwrap().is_empty());
    }

    #[test]
    fn a_bad_key_is_named_and_the_good_ones_stay() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), "k1.key", &"ab".repeat(32), 0o600);
        let keys = UrlKeys::open(dir.path()).unwrap();
        for (name, text, mode, said) in [
            ("k2.key", "ab", 0o600, "k2.key is no key"),
            ("K3.key", &"ab".repeat(32), 0o600, "K3.key is no key"),
            ("k4.key", &"ab".repeat(32), 0o644, "chmod go-rwx"),
        ] {
            write(dir.path(), name, text, mode);
            let error = keys.reload().unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
            fs::remove_file(dir.path().join(name)).unwrap();
            assert!(keys.sign(Some("k1"), "/media/a", 9).is_some());
        }
    }
}
