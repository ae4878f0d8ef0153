//! The service with learners: a real journal in a directory of its own, sessions made here.

use crate::Got;
use crate::House;
use crate::house_with;
use bytes::Bytes;
use lamplight::base::id::DeviceId;
use lamplight::base::id::LearnerId;
use lamplight::content::Library;
use lamplight::content::Papers;
use lamplight::http::Fields;
use lamplight::http::Method;
use lamplight::http::RequestHead;
use lamplight::http::Version;
use lamplight::identity::Level;
use lamplight::identity::Session;
use lamplight::identity::SessionKeys;
use lamplight::progress;
use lamplight::runtime;
use lamplight::runtime::Worker;
use lamplight::service::Config;
use lamplight::service::Learning;
use lamplight::service::Setup;
use lamplight::service::attempts;
use lamplight::session::State;
use lamplight::shards;
use lamplight::shards::Judged;
use lamplight::shards::Shards;
use lamplight::store;
use lamplight::store::Directory;
use lamplight::store::Disk;
use lamplight::store::DiskFile;
use lamplight::store::Journal;
use lamplight::store::ReceiptKeys;
use serde_json::Value;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

/// A service with learners. Dropping it ends the journal's thread.
pub(crate) struct School {
    house: Option<House>,
    library: Arc<Library>,
    pub(crate) learning: Option<Arc<Learning>>,
    journal: Option<Worker<()>>,
    /// From now on no sync succeeds.
    pub(crate) broken: Arc<AtomicBool>,
    _data: tempfile::TempDir,
    _papers: tempfile::TempDir,
}

/// Makes the key of receipts.
pub(crate) const SEED: [u8; 32] = [5; 32];

/// A learner on a device, signed in.
#[derive(Clone)]
pub(crate) struct Pupil {
    pub(crate) session: Session,
    token: String,
}

impl School {
    pub(crate) fn open() -> Self {
        Self::at(Path::new(crate::BUNDLED))
    }

    /// The same with other courses.
    pub(crate) fn at(content: &Path) -> Self {
        let data = tempfile::tempdir().unwrap();
        let broken = Arc::<AtomicBool>::default();
        let inner = Directory::open(data.path()).unwrap();
        let disk = Breakable(inner, Arc::clone(&broken));
        let config = store::Config {
            segment: lamplight::base::units::Size::mib(4),
            ..store::Config::default()
        };
        let shards = Shards::new(shards::Setup {
            config: shards::Config::default(),
            cold: None,
            redis: None,
            mark: 0,
        });
        let replay = &mut |_, _: &[u8]| Ok(());
        let recovered =
            store::recover(&disk, config.segment_bytes(), 0, replay, &mut |_| {}).unwrap();
        let started = Journal::start(Arc::new(disk), recovered.writer, &config);
        let (journal, worker) = started.unwrap();
        shards.open(journal);
        let papers = tempfile::tempdir().unwrap();
        let receipts = ReceiptKeys::new([(1, SEED)]).unwrap().unwrap();
        let learning = Arc::new(Learning {
            shards,
            issuers: lamplight::issuers::Issuers::none(),
            session_keys: Arc::new(SessionKeys::new([(1, [7; 32])]).unwrap()),
            attempt_key: [9; 32],
            progress: progress::Config::default(),
            attempts: attempts::Config::default(),
            papers: Arc::new(Papers::open(papers.path().to_owned()).unwrap()),
            receipts: Arc::new(receipts),
        });
        let origins = vec!["https://app.example".to_owned()];
        let public = Config {
            origins,
            ..Config::default()
        };
        let with = Some(Arc::clone(&learning));
        let mut opened = None;
        let house = house_with(content, |library, shutdown| {
            opened = Some(Arc::clone(&library));
            Setup {
                learning: with,
                ..Setup::new(public, library, shutdown)
            }
        });
        Self {
            house: Some(house),
            library: opened.unwrap(),
            learning: Some(learning),
            journal: Some(worker),
            broken,
            _data: data,
            _papers: papers,
        }
    }

    /// Learner number `n`, signed in on device `n` a while ago.
    pub(crate) fn pupil(&self, n: u8) -> Pupil {
        let now_s = u32::try_from(runtime::unix_ms() / 1000).unwrap();
        let session = Session {
            learner: LearnerId([n; 16]),
            device: DeviceId([n; 16]),
            level: Level::new(1).unwrap(),
            authenticated_s: 0,
            started_s: now_s - 100,
            expires_s: now_s + 3600,
            epoch: 0,
        };
        self.with_session(session)
    }

    /// The holder of that session.
    pub(crate) fn with_session(&self, session: Session) -> Pupil {
        let keys = &self.learning.as_ref().unwrap().session_keys;
        let token = keys.seal(&session, [1; 12]);
        Pupil { session, token }
    }

    /// Changes a learner's state as no call would.
    pub(crate) fn change(&self, pupil: &Pupil, change: impl FnOnce(&mut State) + 'static) {
        let shards = &self.learning.as_ref().unwrap().shards;
        let touch = shards.act(pupil.session.learner, |state| {
            let before = state.clone();
            change(state);
            let joined = state.clone();
            *state = before;
            Judged::unchanged(joined)
        });
        let joined = runtime::block_on(touch.wait()).unwrap().outcome;
        shards.join(pupil.session.learner, &joined);
    }

    /// Takes in what changed in the content folder, and lets go of what was replaced.
    pub(crate) fn reload_and_forget(&self) {
        let now = runtime::now();
        self.library.reload(now).unwrap();
        self.library
            .reload(now + Duration::from_secs(3600))
            .unwrap();
    }

    pub(crate) fn house(&self) -> &House {
        self.house.as_ref().unwrap()
    }

    /// A call with these fields and this content.
    pub(crate) fn raw(
        &self,
        (method, target): (Method, &str),
        fields: &Fields,
        body: impl Into<Bytes>,
    ) -> Got {
        let head = RequestHead {
            version: Version::Http3,
            method,
            authority: "learn.example",
            target,
            fields,
        };
        self.house().call_with(head, false, &body.into())
    }

    pub(crate) fn get(&self, pupil: &Pupil, target: &str) -> Got {
        self.raw((Method::Get, target), &pupil.fields(), "")
    }

    pub(crate) fn post(&self, pupil: &Pupil, target: &str, body: &Value) -> Got {
        self.raw((Method::Post, target), &pupil.fields(), body.to_string())
    }

    pub(crate) fn put(&self, pupil: &Pupil, target: &str, body: &Value) -> Got {
        self.raw((Method::Put, target), &pupil.fields(), body.to_string())
    }

    pub(crate) fn delete(&self, pupil: &Pupil, target: &str) -> Got {
        self.raw((Method::Delete, target), &pupil.fields(), "")
    }

    /// What the learner is shown.
    pub(crate) fn shown(&self, pupil: &Pupil) -> Value {
        let got = self.get(pupil, "/v1/session");
        assert_eq!(got.status, 200, "{}", got.text());
        got.json()
    }
}

impl Pupil {
    pub(crate) fn fields(&self) -> Fields {
        let bearer = format!("Bearer {}", self.token);
        Fields::new()
            .with("authorization", bearer)
            .with("content-type", "application/json")
    }
}

impl Drop for School {
    fn drop(&mut self) {
        self.house = None;
        self.learning = None;
        if let Some(journal) = self.journal.take() {
            journal.join().unwrap();
        }
    }
}

/// A directory whose syncs fail when told to.
struct Breakable(Directory, Arc<AtomicBool>);
struct BreakableFile(Box<dyn DiskFile>, Arc<AtomicBool>);

impl Breakable {
    fn file(&self, file: io::Result<Box<dyn DiskFile>>) -> io::Result<Box<dyn DiskFile>> {
        file.map(|file| Box::new(BreakableFile(file, Arc::clone(&self.1))) as Box<dyn DiskFile>)
    }
}

impl Disk for Breakable {
    fn list(&self) -> io::Result<Vec<String>> {
        self.0.list()
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        self.file(self.0.create(name))
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        self.file(self.0.open(name))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.0.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.0.remove(name)
    }

    fn sync(&self) -> io::Result<()> {
        self.0.sync()
    }
}

impl DiskFile for BreakableFile {
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
        if self.1.load(SeqCst) {
            return Err(io::Error::other("the disk is broken"));
        }
        self.0.sync()
    }
}
