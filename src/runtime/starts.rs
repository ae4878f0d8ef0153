//! How often this node has started: what tells ids of this process from those of an earlier one.

use std::fs;
use std::io;
use std::path::Path;

/// Counts a start in `dir` and returns its number, from 1. The count is on the disk before it is
/// used, so that no two processes share it even if one is killed.
///
/// # Errors
/// When the file `starts` there cannot be read or replaced; a damaged one counts as none.
pub fn count_start(dir: &Path) -> io::Result<u64> {
    let path = dir.join("starts");
    let before = match fs::read_to_string(&path) {
        Ok(text) => text.trim().parse().unwrap_or(0),
        Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
        Err(error) => return Err(error),
    };
    let starts = u64::wrapping_add(before, 1);
    let fresh = dir.join("starts.new");
    fs::write(&fresh, format!("{starts}\n"))?;
    fs::File::open(&fresh)?.sync_all()?;
    fs::rename(&fresh, &path)?;
    Ok(starts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_restart_never_mints_ids_of_the_process_before() {
        let temp = tempfile::tempdir().unwrap();
        assert_eq!(count_start(temp.path()).unwrap(), 1);
        assert_eq!(count_start(temp.path()).unwrap(), 2);
        fs::write(temp.path().join("starts"), "junk").unwrap();
        assert_eq!(count_start(temp.path()).unwrap(), 1);
        assert!(count_start(Path::new("/nowhere")).is_err());
    }
}
