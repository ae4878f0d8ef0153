//! A disk in memory that keeps only what was synced: everything else may be there after a power
//! cut, or not, or be torn.

use crate::store::Disk;
use crate::store::DiskFile;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;
use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::time::Duration;

/// What a drive writes at once or not at all.
const SECTOR: usize = 512;

/// What the disk, or who uses it, does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    None,
    /// Syncing a file does nothing: as if the journal forgot it.
    FileSync,
    /// Syncing the directory does nothing: as if the journal forgot it.
    DirectorySync,
    /// The same after names were only removed: as if it were forgotten between two removals.
    RemovalSync,
}

/// What fails once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failing {
    FileSync,
    DirectorySync,
}

#[derive(Clone)]
pub(super) struct Simulated(Arc<Inner>);

struct Inner {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
pub(super) struct State {
    names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    files: Vec<Content>,
    fault: Option<Fault>,
    /// Operations until the power is cut.
    pub(super) fuse: Option<u64>,
    /// Bytes that may still be added; `None`: as many as one likes.
    pub(super) room: Option<u64>,
    /// The next sync of this kind fails.
    pub(super) failing: Option<Failing>,
    /// Nothing can be changed.
    pub(super) read_only: bool,
    /// Syncs of files wait while this is set.
    pub(super) hold_sync: bool,
    pub(super) syncs_entered: u64,
}

#[derive(Default, Clone)]
struct Content {
    durable: Vec<u8>,
    now: Vec<u8>,
    dirty: BTreeSet<usize>,
}

struct Handle {
    disk: Simulated,
    file: usize,
}

/// splitmix64.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(super) fn below(&mut self, n: u64) -> u64 {
        self.next() % n.max(1)
    }
}

impl Simulated {
    pub(super) fn new(fault: Fault) -> Self {
        let state = State {
            fault: Some(fault),
            ..State::default()
        };
        Self(Arc::new(Inner {
            state: Mutex::new(state),
            changed: Condvar::new(),
        }))
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap()
    }

    /// Changes something that somebody may wait for.
    pub(super) fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state());
        self.0.changed.notify_all();
    }

    /// Waits until so many syncs of files have begun.
    pub(super) fn wait_for_syncs(&self, count: u64) {
        let state = self.state();
        let waiting = |state: &mut State| state.syncs_entered < count;
        let limit = Duration::from_secs(60);
        let waited = self.0.changed.wait_timeout_while(state, limit, waiting);
        let timed_out = waited.unwrap().1.timed_out();
        assert!(!timed_out, "the journal never synced");
    }

    /// Cuts the power and brings the machine up again.
    pub(super) fn crash(&self, random: &mut Random) {
        let mut state = self.state();
        state.fuse = None;
        let state = &mut *state;
        // A name that was not synced may be there or not; each by itself.
        let mut names = BTreeMap::new();
        for (name, file) in state.durable_names.iter().chain(&state.names) {
            let synced = state.durable_names.get(name) == Some(file);
            let present = state.names.get(name) == Some(file);
            if (synced && present) || random.below(2) == 0 {
                names.insert(name.clone(), *file);
            }
        }
        state.names = names.clone();
        state.durable_names = names;
        for content in &mut state.files {
            content.crash(random);
        }
    }

    /// Flips one bit of a file for good.
    pub(super) fn flip(&self, name: &str, offset: usize) {
        let mut state = self.state();
        let file = state.names[name];
        state.files[file].now[offset] ^= 1;
        state.files[file].durable[offset] ^= 1;
    }

    fn operate(&self) -> io::Result<MutexGuard<'_, State>> {
        let mut state = self.state();
        match &mut state.fuse {
            Some(0) => return Err(io::Error::other("the power is cut")),
            Some(left) => *left -= 1,
            None => {}
        }
        Ok(state)
    }

    /// For what changes something.
    fn change_something(&self) -> io::Result<MutexGuard<'_, State>> {
        let state = self.operate()?;
        if state.read_only {
            return Err(io::ErrorKind::ReadOnlyFilesystem.into());
        }
        Ok(state)
    }

    fn handle(&self, file: usize) -> Box<dyn DiskFile> {
        let disk = self.clone();
        Box::new(Handle { disk, file })
    }
}

impl Content {
    fn crash(&mut self, random: &mut Random) {
        let mut after = self.durable.clone();
        if self.now.len() > after.len() && random.below(2) == 0 {
            after.resize(self.now.len(), 0);
        }
        for sector in std::mem::take(&mut self.dirty) {
            let end = ((sector + 1) * SECTOR).min(self.now.len()).min(after.len());
            let Some(place) = after.get_mut(sector * SECTOR..end) else {
                continue;
            };
            match random.below(8) {
                0..3 => {}
                3..7 => place.copy_from_slice(&self.now[sector * SECTOR..end]),
                _ => place
                    .iter_mut()
                    .for_each(|byte| *byte = random.next().to_le_bytes()[0]),
            }
        }
        self.now.clone_from(&after);
        self.durable = after;
    }
}

impl Disk for Simulated {
    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.operate()?.names.keys().cloned().collect())
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        let mut state = self.change_something()?;
        if state.names.contains_key(name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let file = state.files.len();
        state.files.push(Content::default());
        state.names.insert(name.to_owned(), file);
        drop(state);
        Ok(self.handle(file))
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        let file = self.operate()?.names.get(name).copied();
        Ok(self.handle(file.ok_or(io::ErrorKind::NotFound)?))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.change_something()?;
        let file = state.names.remove(from).ok_or(io::ErrorKind::NotFound)?;
        state.names.insert(to.to_owned(), file);
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let removed = self.change_something()?.names.remove(name);
        removed
            .map(drop)
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.operate()?;
        if state
            .failing
            .take_if(|what| *what == Failing::DirectorySync)
            .is_some()
        {
            return Err(io::Error::other("the disk failed"));
        }
        let added = state
            .names
            .iter()
            .any(|(name, file)| state.durable_names.get(name) != Some(file));
        let forgotten = match state.fault {
            Some(Fault::DirectorySync) => true,
            Some(Fault::RemovalSync) => !added,
            _ => false,
        };
        if !forgotten {
            state.durable_names = state.names.clone();
        }
        Ok(())
    }
}

impl DiskFile for Handle {
    fn size(&self) -> io::Result<u64> {
        Ok(self.disk.operate()?.files[self.file].now.len() as u64)
    }

    fn read(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let state = self.disk.operate()?;
        let offset = usize::try_from(offset).unwrap();
        let found = state.files[self.file]
            .now
            .get(offset..offset + buffer.len());
        buffer.copy_from_slice(found.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn write(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.disk.change_something()?;
        let (start, state) = (usize::try_from(offset).unwrap(), &mut *state);
        let content = &mut state.files[self.file];
        let end = start + bytes.len();
        let grown = end.saturating_sub(content.now.len()) as u64;
        if let Some(room) = &mut state.room {
            *room = room.checked_sub(grown).ok_or(io::ErrorKind::StorageFull)?;
        }
        content.now.resize(content.now.len().max(end), 0);
        content.now[start..end].copy_from_slice(bytes);
        content.dirty.extend(start / SECTOR..end.div_ceil(SECTOR));
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.disk.operate()?;
        state.syncs_entered += 1;
        self.disk.0.changed.notify_all();
        let held = |state: &mut State| state.hold_sync;
        let mut state = self.disk.0.changed.wait_while(state, held).unwrap();
        if state
            .failing
            .take_if(|what| *what == Failing::FileSync)
            .is_some()
        {
            return Err(io::Error::other("the disk failed"));
        }
        if state.fault != Some(Fault::FileSync) {
            let content = &mut state.files[self.file];
            content.durable = content.now.clone();
            content.dirty.clear();
        }
        Ok(())
    }
}
