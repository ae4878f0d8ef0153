//! The content index: what the last reading of the content folder learned, in one file outside it.
//!
//! Form: eight magic bytes, the digest of the maker, then for each course folder the length (four
//! bytes), the digest and the `postcard` encoding of its [`Stand`]. The maker is this very program
//! with its settings: another build, segment target or content folder makes its own, so that
//! nothing is ever read with other eyes than it was written with. Safe to delete; whatever is
//! damaged is read from the folder again. Holds quiz texts: readable by the server's user alone.

use crate::base::digest::Digest;
use crate::base::limits::INDEX_RECORD_BYTES_MAX;
use crate::content::stand::Stand;
use crate::content::sweep::Earlier;
use crate::media::PACKAGING_REVISION;
use std::fs;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::io::BufReader;
use std::io::BufWriter;
use std::io::Read;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

/// The index file.
#[derive(Debug)]
pub(crate) struct Sidecar {
    path: PathBuf,
    maker: Digest,
}

/// What is wrong with an index file.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IndexError {
    #[error("it cannot be read")]
    Io(#[from] io::Error),
    #[error("it was made by another program, for another folder or with other settings")]
    Foreign,
    #[error("it is damaged after {0} courses")]
    Damaged(usize),
}

impl Sidecar {
    /// The index at `path` of the content folder `root`, for segments of that target.
    ///
    /// # Errors
    /// The running program cannot be read.
    pub(crate) fn new(path: PathBuf, root: &Path, target_ms: u32) -> io::Result<Self> {
        let maker = Digest::of(&[
            &program()?.bytes(),
            &PACKAGING_REVISION.to_be_bytes(),
            &target_ms.to_be_bytes(),
            root.as_os_str().as_encoded_bytes(),
        ]);
        Ok(Self { path, maker })
    }

    /// Where it lies.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Adds what it knows to `into`; an absent file knows nothing.
    ///
    /// # Errors
    /// The file is not ours or is damaged; what was read before that is good.
    pub(crate) fn read(&self, into: &mut Earlier) -> Result<(), IndexError> {
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let mut left = file.metadata()?.len();
        let mut reader = BufReader::with_capacity(BUFFER_BYTES, file);
        let mut head = [0; HEAD_BYTES];
        reader
            .read_exact(&mut head)
            .map_err(|_early| IndexError::Foreign)?;
        if head != self.head() {
            return Err(IndexError::Foreign);
        }
        left -= HEAD_BYTES as u64;
        let mut payload = Vec::new();
        while left > 0 {
            let damaged = |_| IndexError::Damaged(into.len());
            let stand = record(&mut reader, &mut left, &mut payload).map_err(damaged)?;
            into.insert(stand.folder.clone(), Arc::new(stand));
        }
        Ok(())
    }

    /// Replaces it with what `stands` know; returns its length in bytes. Atomic: a crash leaves the
    /// former one.
    ///
    /// # Errors
    /// The directory cannot be written.
    pub(crate) fn write(&self, stands: &[Arc<Stand>]) -> io::Result<u64> {
        let temporary = self.path.with_extension("new");
        let options = |file: &mut OpenOptions| {
            file.write(true)
                .create(true)
                .truncate(true)
                .mode(0o600)
                .open(&temporary)
        };
        let mut writer = BufWriter::with_capacity(BUFFER_BYTES, options(&mut OpenOptions::new())?);
        writer.write_all(&self.head())?;
        let mut len = HEAD_BYTES as u64;
        for stand in stands {
            let payload = postcard::to_stdvec(&**stand).map_err(io::Error::other)?;
            if payload.len() > INDEX_RECORD_BYTES_MAX {
                // Read from its folder at every start.
                continue;
            }
            let size = u32::try_from(payload.len()).map_err(io::Error::other)?;
            writer.write_all(&size.to_be_bytes())?;
            writer.write_all(&Digest::of(&[&payload]).bytes())?;
            writer.write_all(&payload)?;
            len += 4 + 16 + u64::from(size);
        }
        let file = writer
            .into_inner()
            .map_err(io::IntoInnerError::into_error)?;
        file.sync_all()?;
        fs::rename(&temporary, &self.path)?;
        Ok(len)
    }

    fn head(&self) -> [u8; HEAD_BYTES] {
        let mut head = [0; HEAD_BYTES];
        let (magic, maker) = head.split_at_mut(MAGIC.len());
        magic.copy_from_slice(MAGIC);
        maker.copy_from_slice(&self.maker.bytes());
        head
    }
}

/// The next record.
fn record(reader: &mut impl Read, left: &mut u64, payload: &mut Vec<u8>) -> io::Result<Stand> {
    let invalid = || io::Error::from(io::ErrorKind::InvalidData);
    let mut head = [0; 20];
    reader.read_exact(&mut head)?;
    let (size, digest) = head.split_first_chunk::<4>().ok_or_else(invalid)?;
    let size = u64::from(u32::from_be_bytes(*size));
    // A claimed length costs no more memory than the file has bytes.
    let rest = left.checked_sub(20).ok_or_else(invalid)?;
    *left = rest.checked_sub(size).ok_or_else(invalid)?;
    payload.clear();
    reader.take(size).read_to_end(payload)?;
    if payload.len() as u64 != size || Digest::of(&[payload]).bytes() != digest {
        return Err(invalid());
    }
    let mut stand: Stand = postcard::from_bytes(payload).map_err(io::Error::other)?;
    stand.share();
    Ok(stand)
}

/// A digest of the running program.
fn program() -> io::Result<Digest> {
    let mut file = File::open("/proc/self/exe")?;
    let (mut digest, mut piece) = (Digest::of(&[]), Vec::new());
    loop {
        piece.clear();
        (&mut file)
            .take(BUFFER_BYTES as u64)
            .read_to_end(&mut piece)?;
        if piece.is_empty() {
            return Ok(digest);
        }
        digest = Digest::of(&[&digest.bytes(), &piece]);
    }
}

const MAGIC: &[u8; 8] = b"lampidx1";
const HEAD_BYTES: usize = 8 + 16;
const BUFFER_BYTES: usize = 1 << 20;
