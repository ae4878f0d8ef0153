//! The keyring: every long-lived secret of the process, in one directory that N nodes share by
//! copying or mounting it.
//!
//! Two kinds of files, each one line of 64 hexadecimal digits and a check line:
//! - `master-<number>.key` (one or more). What is made now uses the highest number; what was made
//!   with a lower one is accepted as long as its file is there. To rotate, write the next number
//!   on every node (`openssl rand -hex 32`), reload, and delete the old file once the longest
//!   lifetime (a session's) has passed.
//! - `permanent.key` (exactly one, **never rotated**): ids of learners and attempts are computed
//!   with it, so a new one would make strangers of all learners. Losing it is an error, never a
//!   reason to make one.
//!
//! Each [`Purpose`] uses a key of its own, derived by HKDF-SHA-256 (RFC 5869).

use crate::runtime::random;
use aws_lc_rs::digest;
use aws_lc_rs::hkdf;
use std::fmt;
use std::fs;
use std::io;
use std::io::Write as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::path::PathBuf;

/// Master keys in one ring; each costs a derivation per purpose at start.
const MASTERS_MAX: usize = 32;
const PERMANENT: &str = "permanent.key";

/// What a key is for; no two purposes share one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Sessions' tokens.
    Session,
    /// Seed of the key that signs receipts.
    Receipt,
    /// The permutation of QUIC connection ids.
    ConnectionId,
    /// QUIC stateless reset tokens (RFC 9000, 10.3).
    StatelessReset,
    /// QUIC Retry and address validation tokens (RFC 9000, 8.1).
    AddressToken,
    /// TLS session tickets over QUIC.
    QuicTicket,
    /// TLS session tickets over TCP.
    TcpTicket,
    /// What nodes say to each other.
    Node,
}

/// A key and the number of the master it comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// The master's number, from the file's name.
    pub id: u32,
    /// The secret.
    pub bytes: [u8; 32],
}

/// The secrets as they were when the directory was read.
pub struct Keyring {
    /// Highest number first; never empty.
    masters: Vec<Key>,
    permanent: [u8; 32],
}

/// What is wrong with the directory, and how to mend it.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// The operating system refused.
    #[error("keyring: cannot {verb} {path}")]
    Io {
        /// What was tried.
        verb: &'static str,
        /// On which file.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// Somebody else may read a secret.
    #[error("keyring: others may read {path} (mode {mode:04o}); run: chmod go-rwx {path}")]
    Exposed {
        /// The file or directory.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// A file that is no key.
    #[error("keyring: {path} is damaged: {what}; restore it from another node or a backup")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What about it is wrong.
        what: &'static str,
    },
    /// The set of files is not a keyring.
    #[error("keyring: {path}: {what}")]
    Incomplete {
        /// The directory.
        path: PathBuf,
        /// What is missing and what to do.
        what: &'static str,
    },
}

impl Keyring {
    /// Reads the ring in `dir`; makes one there if the directory is absent or empty.
    ///
    /// # Errors
    /// [`KeyringError`] says which file is wrong and how to mend it. Nothing is ever overwritten.
    pub fn open(dir: &Path) -> Result<Self, KeyringError> {
        if is_absent_or_empty(dir)? {
            make(dir)?;
        }
        private(dir)?;
        let mut masters = Vec::new();
        let mut permanent = None;
        for entry in fs::read_dir(dir).map_err(io_error("read", dir))? {
            let path = entry.map_err(io_error("read", dir))?.path();
            let name = path
                .file_name()
                .and_then(|name| name.to_str())
                .unwrap_or_default();
            if name == PERMANENT {
                permanent = Some(read(&path)?);
            } else if let Some(id) = master_id(name) {
                masters.push(Key {
                    id,
                    bytes: read(&path)?,
                });
            }
        }
        let incomplete = |what| KeyringError::Incomplete {
            path: dir.to_owned(),
            what,
        };
        if masters.is_empty() || masters.len() > MASTERS_MAX {
            return Err(incomplete("needs 1 to 32 files named master-<number>.key"));
        }
        masters.sort_unstable_by_key(|key| std::cmp::Reverse(key.id));
        if masters
            .windows(2)
            .any(|pair| matches!(pair, [a, b] if a.id == b.id))
        {
            return Err(incomplete(
                "two master files have the same number; remove one",
            ));
        }
        let permanent = permanent.ok_or_else(|| {
            incomplete("permanent.key is missing; restore it, learner ids depend on it")
        })?;
        Ok(Self { masters, permanent })
    }

    /// A ring that lives only in memory: for tests and tools.
    pub fn ephemeral() -> Self {
        let masters = vec![Key {
            id: 1,
            bytes: random::bytes(),
        }];
        Self {
            masters,
            permanent: random::bytes(),
        }
    }

    /// The key to make new things with.
    #[expect(clippy::expect_used, reason = "`open` refuses a ring without masters")]
    pub fn current(&self, purpose: Purpose) -> Key {
        self.accepted(purpose).next().expect("a ring has a master")
    }

    /// The keys whose work is still accepted, the current one first.
    pub fn accepted(&self, purpose: Purpose) -> impl Iterator<Item = Key> {
        let label = purpose.label();
        let derived = move |key: &Key| Key {
            id: key.id,
            bytes: derive(&key.bytes, label, &[]),
        };
        self.masters.iter().map(derived)
    }

    /// The key of learner ids; the same for the platform's whole life.
    pub fn learners(&self) -> [u8; 32] {
        derive(&self.permanent, "learner id", &[])
    }

    /// The key of attempts' ids and seeds; the same for the platform's whole life, since receipts
    /// name attempts for years and an open attempt must be found under its id after a rotation.
    pub fn attempts(&self) -> [u8; 32] {
        derive(&self.permanent, "attempt id", &[])
    }
}

impl Purpose {
    /// Part of the derivation: changing one changes that key on every node.
    const fn label(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Receipt => "receipt",
            Self::ConnectionId => "quic connection id",
            Self::StatelessReset => "quic stateless reset",
            Self::AddressToken => "quic address token",
            Self::QuicTicket => "tls ticket quic",
            Self::TcpTicket => "tls ticket tcp",
            Self::Node => "node",
        }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.id)
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Keyring").field(&self.masters).finish()
    }
}

/// HKDF-SHA-256 of `secret` for `label` and `context` (RFC 5869, salt "lamplight keyring 1").
#[expect(clippy::expect_used, reason = "32 bytes are within HKDF's 8160")]
pub fn derive(secret: &[u8; 32], label: &str, context: &[u8]) -> [u8; 32] {
    let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, b"lamplight keyring 1");
    let prk = salt.extract(secret);
    let info = [label.as_bytes(), &[0], context];
    let mut key = [0; 32];
    let output = prk.expand(&info, hkdf::HKDF_SHA256);
    output
        .and_then(|okm| okm.fill(&mut key))
        .expect("32 bytes of HKDF output");
    key
}

fn is_absent_or_empty(dir: &Path) -> Result<bool, KeyringError> {
    match fs::read_dir(dir) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(io_error("read", dir)(error)),
    }
}

/// Makes a ring beside `dir` and renames it into place: whole or not at all, and of two processes
/// that start together one wins and the other reads the winner's.
fn make(dir: &Path) -> Result<(), KeyringError> {
    let mut name = dir.file_name().unwrap_or_default().to_owned();
    name.push(format!(".new-{:016x}", random::number()));
    let fresh = dir.with_file_name(name);
    let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty());
    if let Some(parent) = parent {
        let mut builder = fs::DirBuilder::new();
        let made = builder.recursive(true).mode(0o700).create(parent);
        made.map_err(io_error("make", parent))?;
    }
    let made = fs::DirBuilder::new().mode(0o700).create(&fresh);
    made.map_err(io_error("make", &fresh))?;
    write(&fresh.join("master-1.key"), &random::bytes())?;
    write(&fresh.join(PERMANENT), &random::bytes())?;
    sync(&fresh)?;
    match fs::rename(&fresh, dir) {
        Ok(()) => sync(parent.unwrap_or_else(|| Path::new("."))),
        Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => {
            fs::remove_dir_all(&fresh).map_err(io_error("remove", &fresh))
        }
        Err(error) => Err(io_error("make", dir)(error)),
    }
}

fn write(path: &Path, secret: &[u8; 32]) -> Result<(), KeyringError> {
    let mut options = fs::OpenOptions::new();
    let opened = options.write(true).create_new(true).mode(0o600).open(path);
    let mut file = opened.map_err(io_error("make", path))?;
    let text = format!("{}\ncheck {}\n", hex(secret), hex(&check(secret)));
    let written = file
        .write_all(text.as_bytes())
        .and_then(|()| file.sync_all());
    written.map_err(io_error("write", path))
}

fn read(path: &Path) -> Result<[u8; 32], KeyringError> {
    private(path)?;
    let text = fs::read_to_string(path).map_err(io_error("read", path))?;
    let damaged = |what| KeyringError::Damaged {
        path: path.to_owned(),
        what,
    };
    let mut lines = text.lines();
    let secret = lines.next().and_then(unhex);
    let secret = secret.ok_or_else(|| damaged("the first line is not 64 hexadecimal digits"))?;
    match lines.next().map(|line| line.strip_prefix("check ")) {
        None => Ok(secret),
        Some(Some(sum)) if sum == hex(&check(&secret)) => Ok(secret),
        Some(_) => Err(damaged("the check line does not fit the key")),
    }
}

/// Refuses what group or others may touch.
fn private(path: &Path) -> Result<(), KeyringError> {
    let metadata = fs::metadata(path).map_err(io_error("read", path))?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(KeyringError::Exposed {
            path: path.to_owned(),
            mode,
        });
    }
    Ok(())
}

fn sync(dir: &Path) -> Result<(), KeyringError> {
    let synced = fs::File::open(dir).and_then(|file| file.sync_all());
    synced.map_err(io_error("sync", dir))
}

fn master_id(name: &str) -> Option<u32> {
    name.strip_prefix("master-")?
        .strip_suffix(".key")?
        .parse()
        .ok()
}

/// Eight bytes that tell a damaged key from a whole one, and nothing about the key.
fn check(secret: &[u8; 32]) -> [u8; 8] {
    let derived = derive(secret, "check", &[]);
    let sum = digest::digest(&digest::SHA256, &derived);
    std::array::from_fn(|at| sum.as_ref().get(at).copied().unwrap_or_default())
}

/// Lowercase hexadecimal digits of `bytes`.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let digits = text.as_bytes();
    if digits.len() != 64 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let mut secret = [0; 32];
    for (byte, at) in secret.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(text.get(at..at + 2)?, 16).ok()?;
    }
    Some(secret)
}

fn io_error(verb: &'static str, path: &Path) -> impl FnOnce(io::Error) -> KeyringError {
    move |source| KeyringError::Io {
        verb,
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    fn refused(dir: &Path) -> String {
        Keyring::open(dir).unwrap_err().to_string()
    }

    #[test]
    fn keys_survive_a_restart_and_nobody_else_may_read_them() {
        let temp = tempfile::tempdir().unwrap();
        let dir = temp.path().join("data/keys");
        let first = Keyring::open(&dir).unwrap();
        let again = Keyring::open(&dir).unwrap();
        assert_eq!(
            first.current(Purpose::Session),
            again.current(Purpose::Session)
        );
        assert_eq!(first.learners(), again.learners());
        assert_eq!(first.attempts(), again.attempts());
        assert_ne!(first.attempts(), first.learners());
        assert_eq!(
            (mode(&dir), mode(&dir.join("master-1.key"))),
            (0o700, 0o600)
        );
        assert_eq!(fs::read_dir(temp.path().join("data")).unwrap().count(), 1);
    }

    #[test]
    fn a_leaked_key_of_one_purpose_opens_nothing_else() {
        let ring = Keyring::ephemeral();
        let reset = ring.current(Purpose::StatelessReset);
        assert_ne!(reset.bytes, ring.current(Purpose::AddressToken).bytes);
        assert_ne!(reset.bytes, ring.learners());
    }

    #[test]
    fn rotation_makes_with_the_new_key_and_still_accepts_the_old() {
        let temp = tempfile::tempdir().unwrap();
        let dir = temp.path().join("keys");
        let old = Keyring::open(&dir).unwrap().current(Purpose::Session);
        let path = dir.join("master-2.key");
        fs::write(&path, "ab".repeat(32)).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let ring = Keyring::open(&dir).unwrap();
        assert_eq!(ring.current(Purpose::Session).id, 2);
        assert_eq!(ring.accepted(Purpose::Session).nth(1), Some(old));
    }

    #[test]
    fn exposed_damaged_and_missing_files_are_refused_with_the_remedy() {
        let temp = tempfile::tempdir().unwrap();
        let dir = temp.path().join("keys");
        Keyring::open(&dir).unwrap();
        let master = dir.join("master-1.key");
        fs::set_permissions(&master, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(refused(&dir).contains("chmod go-rwx"), "{}", refused(&dir));
        fs::set_permissions(&master, fs::Permissions::from_mode(0o600)).unwrap();

        let text = fs::read_to_string(&master).unwrap();
        let flipped = if text.starts_with('0') { "1" } else { "0" };
        fs::write(&master, format!("{flipped}{}", text.get(1..).unwrap())).unwrap();
        assert!(refused(&dir).contains("check line"), "{}", refused(&dir));
        fs::write(&master, "short\n").unwrap();
        assert!(
            refused(&dir).contains("64 hexadecimal"),
            "{}",
            refused(&dir)
        );
        fs::write(&master, text).unwrap();

        fs::remove_file(dir.join(PERMANENT)).unwrap();
        assert!(
            refused(&dir).contains("permanent.key is missing"),
            "{}",
            refused(&dir)
        );
    }

    #[test]
    fn logs_never_show_a_secret() {
        let ring = Keyring::ephemeral();
        let secret = hex(&ring.current(Purpose::Node).bytes);
        let shown = format!("{ring:?} {:?}", ring.current(Purpose::Node));
        assert_eq!(shown, "Keyring([Key(1)]) Key(1)");
        assert!(!shown.contains(&secret));
    }
}
