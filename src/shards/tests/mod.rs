mod acting;
mod resting;

use crate::base::id::CourseId;
use crate::base::id::LearnerId;
use crate::runtime::Worker;
use crate::session::State;
use crate::shards::Acted;
use crate::shards::Cold;
use crate::shards::Config;
use crate::shards::Judged;
use crate::shards::Setup;
use crate::shards::ShardError;
use crate::shards::Shards;
use crate::shards::Touch;
use crate::store;
use crate::store::Directory;
use crate::store::Disk;
use crate::store::DiskFile;
use crate::store::Journal;
use crate::store::recover;
use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;

const COURSE: CourseId = CourseId(7);
const NOW_S: u32 = 1_800_000_000;

fn learner(n: u64) -> LearnerId {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes());
    id[8..].copy_from_slice(&n.to_le_bytes());
    LearnerId(id)
}

/// A disk that can be told to keep syncs waiting, or to fail them.
struct Gate {
    inner: Directory,
    state: Arc<(Mutex<GateState>, Condvar)>,
}

#[derive(Default)]
struct GateState {
    shut: bool,
    broken: bool,
}

struct GateFile(Box<dyn DiskFile>, Arc<(Mutex<GateState>, Condvar)>);

impl Gate {
    fn change(&self, change: impl FnOnce(&mut GateState)) {
        change(&mut self.state.0.lock().unwrap());
        self.state.1.notify_all();
    }

    fn file(&self, file: io::Result<Box<dyn DiskFile>>) -> io::Result<Box<dyn DiskFile>> {
        file.map(|file| Box::new(GateFile(file, Arc::clone(&self.state))) as Box<dyn DiskFile>)
    }
}

impl Disk for Gate {
    fn list(&self) -> io::Result<Vec<String>> {
        self.inner.list()
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        self.file(self.inner.create(name))
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        self.file(self.inner.open(name))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.inner.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.inner.remove(name)
    }

    fn sync(&self) -> io::Result<()> {
        self.inner.sync()
    }
}

impl DiskFile for GateFile {
    fn size(&self) -> io::Result<u64> {
        self.0.size()
    }

    fn read(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.0.read(offset, buffer)
    }

    fn write(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.0.write(offset, bytes)
    }

    fn sync(&self) -> io::Result<()> {
        let state = self.1.0.lock().unwrap();
        let state = self.1.1.wait_while(state, |state| state.shut).unwrap();
        if state.broken {
            return Err(io::Error::other("the disk failed"));
        }
        drop(state);
        self.0.sync()
    }
}

/// Learners at rest, in memory.
#[derive(Default)]
struct Shelf {
    states: Mutex<BTreeMap<LearnerId, Vec<u8>>>,
    loads: AtomicUsize,
    broken: AtomicBool,
    mark: AtomicU64,
    /// While it is set, loads wait.
    shut: AtomicBool,
}

impl Shelf {
    fn state(&self, learner: LearnerId) -> State {
        let states = self.states.lock().unwrap();
        states
            .get(&learner)
            .map_or_else(State::default, |bytes| State::decode(bytes).unwrap())
    }

    fn put(&self, learner: LearnerId, state: &State) {
        let mut bytes = Vec::new();
        state.encode(&mut bytes);
        self.states.lock().unwrap().insert(learner, bytes);
    }
}

impl Cold for Shelf {
    fn load(&self, learner: LearnerId) -> Result<Option<State>, String> {
        while self.shut.load(SeqCst) {
            std::thread::yield_now();
        }
        self.loads.fetch_add(1, SeqCst);
        if self.broken.load(SeqCst) {
            return Err("the shelf is broken".to_owned());
        }
        let states = self.states.lock().unwrap();
        Ok(states
            .get(&learner)
            .map(|bytes| State::decode(bytes).unwrap()))
    }

    fn all(&self) -> Box<dyn Iterator<Item = Result<(LearnerId, State), String>> + Send> {
        let states = self.states.lock().unwrap().clone();
        let decoded =
            |(learner, bytes): (_, Vec<u8>)| Ok((learner, State::decode(&bytes).unwrap()));
        Box::new(states.into_iter().map(decoded))
    }

    fn save(&self, batch: &[(LearnerId, Vec<u8>)], mark: u64) -> Result<(), String> {
        if self.broken.load(SeqCst) {
            return Err("the shelf is broken".to_owned());
        }
        self.states.lock().unwrap().extend(batch.iter().cloned());
        self.mark.fetch_max(mark, SeqCst);
        Ok(())
    }
}

/// Shards over a journal in a directory.
struct House {
    shards: Arc<Shards>,
    disk: Arc<Gate>,
    journal: Worker<()>,
}

impl House {
    fn open(dir: &Path, shelf: Option<Arc<Shelf>>) -> Self {
        Self::with(dir, shelf, Config::default())
    }

    fn with(dir: &Path, shelf: Option<Arc<Shelf>>, config: Config) -> Self {
        let disk = Arc::new(Gate {
            inner: Directory::open(dir).unwrap(),
            state: Arc::default(),
        });
        // What the shelf says it has may be missing from the journal, nothing else.
        let needed = shelf
            .as_ref()
            .map_or(1, |shelf| shelf.mark.load(SeqCst).max(1));
        let shards = Shards::new(Setup {
            config,
            cold: shelf.map(|shelf| shelf as Arc<dyn Cold>),
            redis: None,
            mark: 0,
        });
        let settings = store::Config {
            segment: crate::base::units::Size::mib(4),
            ..store::Config::default()
        };
        let mut replay = |learner: LearnerId, effect: &[u8]| shards.replay(learner, effect);
        let bytes = settings.segment_bytes();
        let recovered = recover(&*disk, bytes, needed, &mut replay, &mut |_| {}).unwrap();
        let kept = Arc::<Gate>::clone(&disk);
        let (handle, journal) = Journal::start(kept, recovered.writer, &settings).unwrap();
        shards.open(handle);
        Self {
            shards,
            disk,
            journal,
        }
    }

    /// Ends everything; what was appended is written.
    fn close(self) {
        let Self {
            shards, journal, ..
        } = self;
        drop(shards);
        journal.join().unwrap();
    }

    fn enrol(&self, n: u64) -> Touch<Acted<bool>> {
        enrol(&self.shards, learner(n))
    }

    async fn enrolled(&self, n: u64) -> bool {
        let look = |state: &State| state.courses.get(COURSE).is_some();
        self.shards.read(learner(n), look).wait().await.unwrap()
    }
}

/// Enrols a learner in the course; tells whether that is new.
fn enrol(shards: &Arc<Shards>, learner: LearnerId) -> Touch<Acted<bool>> {
    shards.act(learner, |state| match state.enrol(COURSE, NOW_S).unwrap() {
        Some(effect) => Judged::changed(true, vec![effect]),
        None => Judged::unchanged(false),
    })
}

/// Enrols and waits until that is safe.
async fn enrol_safely(house: &House, n: u64) -> Result<bool, ShardError> {
    let acted = house.enrol(n).wait().await?;
    acted.durable.await?;
    Ok(acted.outcome)
}
