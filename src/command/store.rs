//! `lamplight store`: looking through a node's data, writing all learners out, taking them in.

use crate::command::Exit;
use crate::command::ServeFlags;
use crate::command::print::answer;
use crate::command::print::complain;
use crate::runtime;
use crate::store::Findings;
use crate::store::Place;
use crate::store::Stage;
use clap::Args;
use clap::Subcommand;
use std::error::Error;
use std::fs::File;
use std::io;
use std::io::BufReader;
use std::io::BufWriter;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;
use std::time::Instant;

/// How often the commands say how far they are.
const TELL: Duration = Duration::from_secs(2);
/// Bytes that are read or written at once.
const BUFFER_BYTES: usize = 1 << 20;

/// What can be done with a node's data.
#[derive(Debug, Subcommand)]
pub enum StoreCommand {
    /// Look at every batch of the journal and every saved session. Exit code 1 if anything is
    /// wrong.
    Verify {
        /// Which data.
        #[command(flatten)]
        place: PlaceFlags,
    },
    /// Write all learners out as JSON lines, of damaged data whatever can be read.
    Export {
        /// Which data.
        #[command(flatten)]
        place: PlaceFlags,
        /// The file to write (0600); standard output if not given.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Take the learners of an export in: into an empty data directory, or joined with those that
    /// are there.
    Import {
        /// Which data.
        #[command(flatten)]
        place: PlaceFlags,
        /// The export; "-" for standard input.
        file: PathBuf,
    },
}

/// Where the data lies.
#[derive(Debug, Args)]
pub struct PlaceFlags {
    /// Configuration file (TOML).
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The data directory.
    #[arg(long, value_name = "DIR")]
    pub data: Option<String>,
}

/// Runs the command.
pub fn store(command: StoreCommand, variables: impl Iterator<Item = (String, String)>) -> Exit {
    let (StoreCommand::Verify { place }
    | StoreCommand::Export { place, .. }
    | StoreCommand::Import { place, .. }) = &command;
    let flags = ServeFlags {
        config: place.config.clone(),
        data: place.data.clone(),
        ..ServeFlags::default()
    };
    let config = match flags.config(variables) {
        Ok(config) => config,
        Err(error) => return failed(&error, Exit::Usage),
    };
    let data = &config.server.data;
    let place = Place::in_data(data, config.journal, config.snapshots);
    if !data.is_dir() {
        complain(format_args!(
            "there is no data directory {}",
            data.display()
        ));
        return Exit::Usage;
    }
    match command {
        StoreCommand::Verify { .. } => verify(&place),
        StoreCommand::Export { out, .. } => export(&place, out.as_deref()),
        StoreCommand::Import { file, .. } => import(&place, &file),
    }
}

fn verify(place: &Place) -> Exit {
    let mut teller = Teller::new();
    let found = place.verify(&mut |stage| teller.hear(stage));
    answer(told(&found));
    closing(&found)
}

/// What was found, for people.
fn told(found: &Findings) -> String {
    let journal = &found.journal;
    let mut lines = match journal.first {
        None => vec!["journal: no commits".to_owned()],
        Some(first) => {
            let (last, records) = (journal.next.saturating_sub(1), journal.records);
            vec![format!(
                "journal: commits {first} to {last}, {records} records"
            )]
        }
    };
    if let Some(torn) = &journal.torn {
        let (file, offset) = (&torn.file, torn.offset);
        lines.push(format!(
            "journal: the batch at byte {offset} of {file} is not whole: it was under way when the \
             machine stopped, or is now; nobody was told it was safe"
        ));
    }
    let (learners, mark) = (found.learners, found.mark);
    lines.push(format!(
        "snapshots: {learners} learners, with everything before commit {mark}"
    ));
    lines.join("\n")
}

/// Complains of what is wrong.
fn closing(found: &Findings) -> Exit {
    found.complaints.iter().for_each(complain);
    if found.complaints.is_empty() {
        Exit::Done
    } else {
        complain(format_args!("{} complaints", found.complaints.len()));
        Exit::Failed
    }
}

fn export(place: &Place, out: Option<&Path>) -> Exit {
    let mut teller = Teller::new();
    let mut stages = |stage| teller.hear(stage);
    let now_ms = runtime::unix_ms();
    let written = match out {
        None => place.export(
            BufWriter::with_capacity(BUFFER_BYTES, io::stdout().lock()),
            now_ms,
            &mut stages,
        ),
        Some(path) => to_file(path).and_then(|file| {
            let buffered = BufWriter::with_capacity(BUFFER_BYTES, &file);
            let found = place.export(buffered, now_ms, &mut stages)?;
            file.sync_all()?;
            Ok(found)
        }),
    };
    match written {
        Ok(found) => {
            complain(format_args!("{} learners written", found.learners));
            closing(&found)
        }
        Err(error) => {
            complain(format_args!("the export cannot be written: {error}"));
            Exit::Failed
        }
    }
}

/// Learners' data is nobody else's; an existing file is not overwritten.
fn to_file(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.write(true).create_new(true).mode(0o600).open(path)
}

fn import(place: &Place, file: &Path) -> Exit {
    let mut teller = Teller::new();
    let mut stages = |stage| teller.hear(stage);
    let now_ms = runtime::unix_ms();
    let taken = if file == Path::new("-") {
        place.import(io::stdin().lock(), now_ms, &mut stages)
    } else {
        match File::open(file) {
            Ok(opened) => {
                let lines = BufReader::with_capacity(BUFFER_BYTES, opened);
                place.import(lines, now_ms, &mut stages)
            }
            Err(error) => {
                complain(format_args!("cannot read {}: {error}", file.display()));
                return Exit::Failed;
            }
        }
    };
    match taken {
        Ok((learners, complaints)) => {
            answer(format_args!("{learners} learners taken in"));
            if complaints > 0 {
                complain(format_args!(
                    "the exporting side could not read everything: {complaints} complaints there"
                ));
            }
            Exit::Done
        }
        Err(error) => {
            complain(file.display());
            failed(&error, Exit::Failed)
        }
    }
}

/// Prints the error with its causes.
fn failed(error: &dyn Error, exit: Exit) -> Exit {
    let mut told = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        told = format!("{told}: {error}");
        cause = error.source();
    }
    complain(told);
    exit
}

/// Says now and then how far it is.
struct Teller {
    told: Instant,
}

impl Teller {
    fn new() -> Self {
        let told = runtime::now();
        Self { told }
    }

    fn hear(&mut self, stage: Stage) {
        let now = runtime::now();
        if now.saturating_duration_since(self.told) < TELL {
            return;
        }
        self.told = now;
        match stage {
            Stage::Journal(at) => complain(format_args!(
                "journal: {} of {} segments, {} records",
                at.segments, at.segments_total, at.records
            )),
            Stage::Learners(learners) => complain(format_args!("{learners} learners")),
        }
    }
}
