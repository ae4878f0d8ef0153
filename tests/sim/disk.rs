//! A disk in memory that keeps what was synced, and of the rest what chance lets it keep.

use crate::random::Random;
use lamplight::store::Disk;
use lamplight::store::DiskFile;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;
use std::sync::Mutex;

const SECTOR: usize = 512;

#[derive(Clone, Default)]
pub(crate) struct SimDisk(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    files: Vec<Content>,
    /// Operations until the power fails.
    fuse: Option<u64>,
    /// Whether syncing files does nothing.
    lies: bool,
}

#[derive(Default)]
struct Content {
    now: Vec<u8>,
    durable: Vec<u8>,
    dirty: BTreeSet<usize>,
}

struct Handle(SimDisk, usize);

impl SimDisk {
    pub(crate) fn new(lies: bool) -> Self {
        let disk = Self::default();
        disk.0.lock().unwrap().lies = lies;
        disk
    }

    /// The power fails after so many more operations.
    pub(crate) fn set_fuse(&self, operations: u64) {
        self.0.lock().unwrap().fuse = Some(operations);
    }

    /// What is left after a power cut.
    pub(crate) fn crash(&self, random: &mut Random) {
        let inner = &mut *self.0.lock().unwrap();
        inner.fuse = None;
        let mut names = inner.durable_names.clone();
        for (name, file) in &inner.names {
            if random.one_in(2) {
                names.insert(name.clone(), *file);
            }
        }
        inner.names.clone_from(&names);
        inner.durable_names = names;
        for file in &mut inner.files {
            file.crash(random);
        }
    }

    fn operate<T>(&self, act: impl FnOnce(&mut Inner) -> io::Result<T>) -> io::Result<T> {
        let inner = &mut *self.0.lock().unwrap();
        match &mut inner.fuse {
            Some(0) => return Err(io::Error::other("the power failed")),
            Some(fuse) => *fuse -= 1,
            None => {}
        }
        act(inner)
    }
}

impl Content {
    fn write(&mut self, offset: usize, bytes: &[u8]) {
        let end = offset + bytes.len();
        self.now.resize(self.now.len().max(end), 0);
        self.now[offset..end].copy_from_slice(bytes);
        self.dirty.extend(offset / SECTOR..end.div_ceil(SECTOR));
    }

    fn sync(&mut self) {
        self.durable.resize(self.now.len(), 0);
        for sector in std::mem::take(&mut self.dirty) {
            let from = sector * SECTOR;
            let to = (from + SECTOR).min(self.now.len());
            self.durable[from..to].copy_from_slice(&self.now[from..to]);
        }
    }

    fn crash(&mut self, random: &mut Random) {
        for sector in std::mem::take(&mut self.dirty) {
            if random.one_in(2) {
                let from = sector * SECTOR;
                let to = (from + SECTOR).min(self.now.len());
                self.durable.resize(self.durable.len().max(to), 0);
                self.durable[from..to].copy_from_slice(&self.now[from..to]);
            }
        }
        self.now.clone_from(&self.durable);
    }
}

fn absent() -> io::Error {
    io::ErrorKind::NotFound.into()
}

impl Disk for SimDisk {
    fn list(&self) -> io::Result<Vec<String>> {
        self.operate(|inner| Ok(inner.names.keys().cloned().collect()))
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        let file = self.operate(|inner| {
            if inner.names.contains_key(name) {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            inner.files.push(Content::default());
            inner.names.insert(name.to_owned(), inner.files.len() - 1);
            Ok(inner.files.len() - 1)
        })?;
        Ok(Box::new(Handle(self.clone(), file)))
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        let file = self.operate(|inner| inner.names.get(name).copied().ok_or_else(absent))?;
        Ok(Box::new(Handle(self.clone(), file)))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.operate(|inner| {
            let file = inner.names.remove(from).ok_or_else(absent)?;
            inner.names.insert(to.to_owned(), file);
            Ok(())
        })
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.operate(|inner| inner.names.remove(name).map(drop).ok_or_else(absent))
    }

    fn sync(&self) -> io::Result<()> {
        self.operate(|inner| {
            inner.durable_names.clone_from(&inner.names);
            Ok(())
        })
    }
}

impl DiskFile for Handle {
    fn size(&self) -> io::Result<u64> {
        self.0
            .operate(|inner| Ok(inner.files[self.1].now.len() as u64))
    }

    fn read(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.0.operate(|inner| {
            let from = offset as usize;
            let found = inner.files[self.1].now.get(from..from + buffer.len());
            let found = found.ok_or(io::ErrorKind::UnexpectedEof)?;
            buffer.copy_from_slice(found);
            Ok(())
        })
    }

    fn write(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.0.operate(|inner| {
            inner.files[self.1].write(offset as usize, bytes);
            Ok(())
        })
    }

    fn sync(&self) -> io::Result<()> {
        self.0.operate(|inner| {
            if !inner.lies {
                inner.files[self.1].sync();
            }
            Ok(())
        })
    }
}
