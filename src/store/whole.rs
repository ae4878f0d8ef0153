//! Journal and snapshots of one node together: looking through them, writing them out, taking
//! learners in. For the commands; a server that runs has its own view.

use crate::base::id::LearnerId;
use crate::session::Effect;
use crate::session::State;
use crate::store::Config;
use crate::store::Directory;
use crate::store::Disk;
use crate::store::Export;
use crate::store::Line;
use crate::store::LineError;
use crate::store::Progress;
use crate::store::RecoverError;
use crate::store::Scanned;
use crate::store::Snapshots;
use crate::store::SnapshotsConfig;
use crate::store::SnapshotsError;
use crate::store::exchange;
use crate::store::recovery;
use crate::store::scan;
use crate::store::survey;
use std::collections::BTreeMap;
use std::io;
use std::io::BufRead;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

/// Learners that one save of an import takes.
const IMPORT_BATCH: usize = 1024;

/// Where a node's data lies.
#[derive(Debug, Clone)]
pub struct Place {
    /// Directory of the journal.
    pub journal: PathBuf,
    /// Directory of the snapshots.
    pub sessions: PathBuf,
    /// Settings of the journal, for one that is begun.
    pub journal_config: Config,
    /// Settings of the snapshots.
    pub snapshots_config: SnapshotsConfig,
}

/// What was found or written.
#[derive(Debug, Default)]
pub struct Findings {
    /// Of the journal.
    pub journal: Scanned,
    /// Learners in the snapshots, or those written out.
    pub learners: u64,
    /// All commits of the journal below this are in the snapshots.
    pub mark: u64,
    /// All that is wrong, in words.
    pub complaints: Vec<String>,
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The journal is read.
    Journal(Progress),
    /// So many learners of the snapshots were read, or learners taken in.
    Learners(u64),
}

/// Hears how far it is.
pub type Stages<'a> = dyn FnMut(Stage) + 'a;

/// Why learners could not be taken in. What came before stays; taking the same file in again is
/// harmless.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file.
    #[error(transparent)]
    Line(#[from] LineError),
    /// The snapshots.
    #[error(transparent)]
    Snapshots(#[from] SnapshotsError),
    /// The journal.
    #[error(transparent)]
    Journal(#[from] RecoverError),
}

impl Place {
    /// Where it lies in this data directory.
    pub fn in_data(data: &Path, journal_config: Config, snapshots_config: SnapshotsConfig) -> Self {
        Self {
            journal: data.join("journal"),
            sessions: data.join("sessions"),
            journal_config,
            snapshots_config,
        }
    }

    /// Looks at every batch and every state. The journal is not touched; the snapshots are opened
    /// as a server would. Journal and snapshots that are not there yet are not complained of.
    pub fn verify(&self, stages: &mut Stages<'_>) -> Findings {
        let mut found = Findings::default();
        self.read_journal(&mut found, stages, &mut |_, _| {});
        if let Some(snapshots) = self.snapshots(&mut found) {
            for entry in snapshots.iter() {
                match entry {
                    Ok(_) => found.learners += 1,
                    Err(error) => found.complain(&error),
                }
                if found.learners % 1000 == 0 {
                    stages(Stage::Learners(found.learners));
                }
            }
        }
        found
    }

    /// Writes out all learners: what the snapshots hold, joined with what the journal says; of what
    /// is damaged, whatever can be read.
    ///
    /// # Errors
    /// Of `out`. What could not be read stands in the findings.
    pub fn export(
        &self,
        out: impl Write,
        now_ms: u64,
        stages: &mut Stages<'_>,
    ) -> io::Result<Findings> {
        let mut found = Findings::default();
        let mut newer: BTreeMap<LearnerId, State> = BTreeMap::new();
        self.read_journal(&mut found, stages, &mut |learner, effect| {
            newer.entry(learner).or_default().apply(effect);
        });
        let snapshots = self.snapshots(&mut found);
        let next = found.journal.next.max(found.mark);
        let mut export = Export::begin(out, next, now_ms)?;
        for entry in snapshots.iter().flat_map(Snapshots::iter) {
            match entry {
                Ok((learner, mut state)) => {
                    if let Some(newer) = newer.remove(&learner) {
                        state.join(&newer);
                    }
                    export.learner(learner, &state)?;
                }
                Err(error) => found.complain(&error),
            }
            if export.learners() % 1000 == 0 {
                stages(Stage::Learners(export.learners()));
            }
        }
        for (learner, state) in &newer {
            export.learner(*learner, state)?;
        }
        found.learners = export.learners();
        export.end(found.complaints.len() as u64)?;
        Ok(found)
    }

    /// Joins the learners of an export into the snapshots, and begins a journal whose numbers go on
    /// behind those of the exported one, if there is none. Gives how many learners there were and
    /// what the exporting side could not read.
    ///
    /// # Errors
    /// [`ImportError`].
    pub fn import(
        &self,
        from: impl BufRead,
        now_ms: u64,
        stages: &mut Stages<'_>,
    ) -> Result<(u64, u64), ImportError> {
        let snapshots = Snapshots::open(&self.sessions, &self.snapshots_config)?;
        let mut into = Import {
            snapshots: &snapshots,
            batch: Vec::new(),
            learners: 0,
            next_commit: 1,
            complaints: 0,
            failed: None,
            stages,
        };
        let read = exchange::read(from, &mut |line| into.take(line));
        if let Some(error) = into.failed.take() {
            return Err(error.into());
        }
        into.save()?;
        let (learners, complaints, next) = (into.learners, into.complaints, into.next_commit);
        read?;
        self.begin_journal(&snapshots, next, now_ms)?;
        Ok((learners, complaints))
    }

    /// An empty journal says its numbers with one commit of nothing.
    fn begin_journal(
        &self,
        snapshots: &Snapshots,
        next: u64,
        now_ms: u64,
    ) -> Result<(), ImportError> {
        let disk = Directory::open(&self.journal);
        let disk = disk.map_err(RecoverError::io("make", "the directory"))?;
        let there = scan(&disk, &mut |_, _| Ok(()), &mut |_| {})?;
        if there.first.is_none() && next > 1 {
            snapshots.save(&[], next)?;
            let bytes = self.journal_config.segment_bytes();
            recovery::begin_at(&disk, bytes, next, now_ms)?;
        }
        Ok(())
    }

    fn read_journal(
        &self,
        found: &mut Findings,
        stages: &mut Stages<'_>,
        take: &mut dyn FnMut(LearnerId, &Effect),
    ) {
        let disk = Directory::look(&self.journal);
        let mut replay = |learner: LearnerId, bytes: &[u8]| {
            let effect = Effect::decode(bytes).map_err(|error| error.to_string())?;
            take(learner, &effect);
            Ok(())
        };
        let mut watch = |progress| stages(Stage::Journal(progress));
        let there = self.journal.exists();
        if there {
            let (scanned, complaints) = survey(&disk as &dyn Disk, &mut replay, &mut watch);
            found.journal = scanned;
            complaints.iter().for_each(|error| found.complain(error));
        } else {
            found.journal.next = 1;
        }
    }

    fn snapshots(&self, found: &mut Findings) -> Option<Snapshots> {
        found.mark = 1;
        if !self.sessions.exists() {
            self.compare(found);
            return None;
        }
        match Snapshots::open(&self.sessions, &self.snapshots_config) {
            Ok(snapshots) => {
                found.mark = snapshots.mark();
                self.compare(found);
                Some(snapshots)
            }
            Err(error) => {
                found.complain(&error);
                None
            }
        }
    }

    fn compare(&self, found: &mut Findings) {
        if let Err(error) = found.journal.covers(found.mark) {
            found.complain(&error);
        }
    }
}

impl Findings {
    /// Keeps an error with its causes.
    fn complain(&mut self, error: &dyn std::error::Error) {
        let mut told = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            told = format!("{told}: {error}");
            cause = error.source();
        }
        self.complaints.push(told);
    }
}

/// An import under way.
struct Import<'a, 's> {
    snapshots: &'a Snapshots,
    batch: Vec<(LearnerId, Vec<u8>)>,
    learners: u64,
    next_commit: u64,
    complaints: u64,
    failed: Option<SnapshotsError>,
    stages: &'a mut Stages<'s>,
}

impl Import<'_, '_> {
    fn take(&mut self, line: Line) -> Result<(), String> {
        match line {
            Line::Head { next_commit } => self.next_commit = next_commit,
            Line::Learner(learner, state) => {
                let taken = self.learner(learner, *state);
                taken.map_err(|error| {
                    let told = error.to_string();
                    self.failed = Some(error);
                    told
                })?;
            }
            Line::End { complaints, .. } => self.complaints = complaints,
        }
        Ok(())
    }

    fn learner(&mut self, learner: LearnerId, mut state: State) -> Result<(), SnapshotsError> {
        if let Some(known) = self.snapshots.load(learner)? {
            state.join(&known);
        }
        let mut bytes = Vec::new();
        state.encode(&mut bytes);
        self.batch.push((learner, bytes));
        self.learners += 1;
        if self.batch.len() >= IMPORT_BATCH {
            self.save()?;
            (self.stages)(Stage::Learners(self.learners));
        }
        Ok(())
    }

    fn save(&mut self) -> Result<(), SnapshotsError> {
        self.snapshots.save(&self.batch, self.snapshots.mark())?;
        self.batch.clear();
        Ok(())
    }
}
