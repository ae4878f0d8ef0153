//! The content index: what the last reading of the content folder learned, in one file outside it.
//!
//! Form: eight magic bytes, the digest of the terms, then records: length (four bytes), digest and
//! `postcard` encoding of an [`Entry`], one a course folder and one a lesson or quiz that was
//! replaced and is still fetchable. The terms are this form's revision, the packaging revision, the
//! segment target and the content folder: with others nothing of it is used. Another build of the
//! program uses it, so that it serves at once, and reads the courses again behind that, some a
//! look ([`Stand::read_by`]). Safe to delete; whatever is damaged is read from the folder again.
//! Holds quiz texts: readable by the server's user alone.

use crate::base::digest::Digest;
use crate::base::limits::INDEX_RECORD_BYTES_MAX;
use crate::content::past::Relic;
use crate::content::stand::Stand;
use crate::content::sweep::Earlier;
use crate::media::PACKAGING_REVISION;
use crate::runtime;
use serde::Deserialize;
use serde::Serialize;
use std::fs;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::io::BufWriter;
use std::io::Read as _;
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::OnceLock;

/// The index file.
#[derive(Debug)]
pub(crate) struct Sidecar {
    path: PathBuf,
    terms: Digest,
}

/// What a record holds.
#[derive(Serialize, Deserialize)]
enum Entry<S, R> {
    Stand(S),
    Relic(R),
}

/// What an index file told.
#[derive(Debug, Default)]
pub(crate) struct Told {
    /// Course folders as they were read.
    pub(crate) stands: Earlier,
    /// What was replaced before.
    pub(crate) relics: Vec<Relic>,
}

/// What is wrong with an index file.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IndexError {
    #[error("it cannot be read")]
    Io(#[from] io::Error),
    #[error("it has another form, is of another folder or was made with other settings")]
    Foreign,
    #[error("it is damaged; {0} records of it are good")]
    Damaged(usize),
}

impl Sidecar {
    /// The index at `path` of the content folder `root`, for segments of that target.
    pub(crate) fn new(path: PathBuf, root: &Path, target_ms: u32) -> Self {
        let terms = Digest::of(&[
            &INDEX_REVISION.to_be_bytes(),
            &PACKAGING_REVISION.to_be_bytes(),
            &target_ms.to_be_bytes(),
            root.as_os_str().as_encoded_bytes(),
        ]);
        Self { path, terms }
    }

    /// Where it lies.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Adds what it knows to `into`; an absent file knows nothing. Decodes on up to `threads`
    /// threads.
    ///
    /// # Errors
    /// The file is not ours or is damaged; what is good of it is added nevertheless.
    pub(crate) fn read(&self, into: &mut Told, threads: usize) -> Result<(), IndexError> {
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let mut head = [0; HEAD_BYTES];
        file.read_exact_at(&mut head, 0)
            .map_err(|_early| IndexError::Foreign)?;
        if head != self.head() {
            return Err(IndexError::Foreign);
        }
        let (records, whole) = records(&file)?;
        let entries = runtime::in_parallel(threads, records.len(), |at| {
            let record = records.get(at)?;
            entry(&file, record).ok()
        });
        let read = entries.iter().flatten().count();
        for entry in entries.into_iter().flatten() {
            match entry {
                Entry::Stand(stand) => {
                    into.stands.insert(stand.folder.clone(), Arc::new(stand));
                }
                Entry::Relic(relic) => into.relics.push(relic),
            }
        }
        if whole && read == records.len() {
            Ok(())
        } else {
            Err(IndexError::Damaged(read))
        }
    }

    /// Replaces it with what `stands` and `relics` know; returns its length in bytes. Atomic: a
    /// crash leaves the former one.
    ///
    /// # Errors
    /// The directory cannot be written.
    pub(crate) fn write(&self, stands: &[Arc<Stand>], relics: &[Relic]) -> io::Result<u64> {
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
        let stands = stands.iter().map(|stand| Entry::Stand(&**stand));
        for entry in stands.chain(relics.iter().map(Entry::Relic)) {
            let payload = postcard::to_stdvec(&entry).map_err(io::Error::other)?;
            if payload.len() > INDEX_RECORD_BYTES_MAX {
                // Read from its folder at every start.
                continue;
            }
            let size = u32::try_from(payload.len()).map_err(io::Error::other)?;
            writer.write_all(&size.to_be_bytes())?;
            writer.write_all(&Digest::of(&[&payload]).bytes())?;
            writer.write_all(&payload)?;
            len += RECORD_HEAD_BYTES as u64 + u64::from(size);
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
        let (magic, terms) = head.split_at_mut(MAGIC.len());
        magic.copy_from_slice(MAGIC);
        terms.copy_from_slice(&self.terms.bytes());
        head
    }
}

/// Where a record's encoding lies, and its digest.
struct Record {
    at: u64,
    len: u64,
    digest: [u8; 16],
}

/// The records of the file, and whether they fill it.
fn records(file: &File) -> io::Result<(Vec<Record>, bool)> {
    let end = file.metadata()?.len();
    let (mut records, mut at) = (Vec::new(), HEAD_BYTES as u64);
    while at < end {
        let mut head = [0; RECORD_HEAD_BYTES];
        if file.read_exact_at(&mut head, at).is_err() {
            return Ok((records, false));
        }
        let (size, digest) = head.split_at(4);
        let size = size.first_chunk().copied().map_or(0, u32::from_be_bytes);
        let len = u64::from(size);
        at += RECORD_HEAD_BYTES as u64;
        // A claimed length costs no more memory than the file has bytes.
        if len > end.saturating_sub(at) || len > INDEX_RECORD_BYTES_MAX as u64 {
            return Ok((records, false));
        }
        let digest = digest.first_chunk().copied().unwrap_or_default();
        records.push(Record { at, len, digest });
        at += len;
    }
    Ok((records, true))
}

fn entry(file: &File, record: &Record) -> io::Result<Entry<Stand, Relic>> {
    let mut payload = vec![0; usize::try_from(record.len).map_err(io::Error::other)?];
    file.read_exact_at(&mut payload, record.at)?;
    if Digest::of(&[&payload]).bytes() != record.digest {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut entry = postcard::from_bytes(&payload).map_err(io::Error::other)?;
    if let Entry::Stand(stand) = &mut entry {
        Stand::share(stand);
    }
    Ok(entry)
}

/// A digest of the running program, taken once.
///
/// # Errors
/// The program's file cannot be read.
pub(crate) fn program() -> io::Result<Digest> {
    static TAKEN: OnceLock<Digest> = OnceLock::new();
    if let Some(digest) = TAKEN.get() {
        return Ok(*digest);
    }
    let mut file = File::open("/proc/self/exe")?;
    let (mut digest, mut piece) = (Digest::of(&[]), Vec::new());
    loop {
        piece.clear();
        (&mut file)
            .take(BUFFER_BYTES as u64)
            .read_to_end(&mut piece)?;
        if piece.is_empty() {
            return Ok(*TAKEN.get_or_init(|| digest));
        }
        digest = Digest::of(&[&digest.bytes(), &piece]);
    }
}

/// Raised with every change of what a record holds or means; `content::tests::index` notices.
pub(crate) const INDEX_REVISION: u32 = 2;
const MAGIC: &[u8; 8] = b"lampidx2";
const HEAD_BYTES: usize = 8 + 16;
const RECORD_HEAD_BYTES: usize = 4 + 16;
const BUFFER_BYTES: usize = 1 << 20;
