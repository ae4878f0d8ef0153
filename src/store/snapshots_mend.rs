//! The end of the database's log after a power cut.
//!
//! A save that was under way when the machine stopped leaves a batch of which some blocks are on
//! the disk and some are zeros. The library takes most of these for the end of its log, but if the
//! batch's own end is there it takes them for damage and does not open. Each batch was synced
//! before the next began, so only the last one can be torn: it alone is cut off, and only if the
//! database opens then. What it held was never said to be saved; if it was (a flipped bit, not a
//! power cut), the mark goes back with it and the journal is asked for the rest.

use std::fs;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::path::PathBuf;

/// The library's end of a batch: tag, checksum (8), these bytes.
const END: &[u8] = b"FJL\x03";
const END_TAG: u8 = 3;
const END_BYTES: usize = 1 + 8 + 4;
/// Bytes of a log that are looked at: it is written out long before.
const LOG_BYTES_MAX: u64 = 1 << 30;

/// What was cut off.
pub(super) struct Cut {
    log: PathBuf,
    pub(super) at: u64,
    tail: Vec<u8>,
}

/// Cuts the last batch off the newest log in `dir`; `None` if there are not two.
pub(super) fn cut_last_batch(dir: &Path) -> io::Result<Option<Cut>> {
    let Some(log) = newest_log(dir)? else {
        return Ok(None);
    };
    if fs::metadata(&log)?.len() > LOG_BYTES_MAX {
        return Ok(None);
    }
    let mut bytes = fs::read(&log)?;
    let mut ends = ends(&bytes).rev();
    let (Some(_last), Some(before)) = (ends.next(), ends.next()) else {
        return Ok(None);
    };
    drop(ends);
    let tail = bytes.split_off(before);
    let at = before as u64;
    let file = File::options().write(true).open(&log)?;
    file.set_len(at)?;
    file.sync_all()?;
    Ok(Some(Cut { log, at, tail }))
}

impl Cut {
    /// Puts it back.
    pub(super) fn undo(&self) -> io::Result<()> {
        let file = File::options().write(true).open(&self.log)?;
        file.write_all_at(&self.tail, self.at)?;
        file.sync_all()
    }
}

/// The log that was written to last.
fn newest_log(dir: &Path) -> io::Result<Option<PathBuf>> {
    let mut newest: Option<(u64, PathBuf)> = None;
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        let number = name.and_then(|name| name.strip_suffix(".jnl")?.parse().ok());
        if let Some(number) = number
            && newest.as_ref().is_none_or(|(known, _)| *known < number)
        {
            newest = Some((number, path));
        }
    }
    Ok(newest.map(|(_, path)| path))
}

/// Where batches end, in order.
fn ends(log: &[u8]) -> impl DoubleEndedIterator<Item = usize> {
    let windows = log.windows(END_BYTES).enumerate();
    windows.filter_map(|(at, window)| {
        let (tag, rest) = window.split_first()?;
        (*tag == END_TAG && rest.ends_with(END)).then_some(at + END_BYTES)
    })
}
