//! Floor 5: course folders become a catalogue and streamable resources.
//!
//! - [`Library`]: the content folder, opened once and read again on [`Library::reload`].
//! - [`Catalogue`]: what it holds at one moment: courses for the service, plans for the packager.
//! - [`Library::find`] answers a [`Path`] at once with a prepared [`Chunk`] of the cache, or with a
//!   future that builds it; however many ask at the same moment, it is built once.
//! - [`Attachment`]: a file that may be larger than memory, read as the peer takes it.
//! - [`check`]: every problem of a folder, for its authors.
//!
//! Invariants: a file outside the content folder is never opened, whatever link points there;
//! nobody waits for a disk on a worker's loop; the caches never hold more than their budgets; what
//! has a problem (a rendition, a caption file, a lesson) is left out and listed, the rest of its
//! course is served; no file that could hold an answer is ever served.

mod attachment;
mod bar;
mod build;
mod cache;
mod catalogue;
mod chunk;
mod config;
mod disk;
mod files;
mod folder;
mod lesson;
mod library;
mod lookup;
mod markup;
mod metrics;
mod paper;
mod papers;
mod past;
mod path;
mod pins;
mod prerequisites;
mod reading;
mod recording;
mod reels;
mod refresh;
mod scan;
mod sheet;
mod shelf;
mod sidecar;
mod spans;
mod stand;
mod survey;
mod sweep;
#[cfg(test)]
mod tests;
mod texts;

pub use attachment::Attachment;
pub use bar::Bar;
pub use catalogue::Catalogue;
pub use chunk::Chunk;
pub use config::Config;
pub use library::Library;
pub use lookup::Building;
pub use lookup::LoadError;
pub use lookup::Lookup;
pub use lookup::Told;
pub use papers::PaperError;
pub use papers::Papers;
pub use path::Path;
pub use path::Place;
pub use refresh::Checked;
pub use refresh::Looked;
pub use refresh::Sources;
pub use refresh::check;
pub use sheet::Sheet;
pub use sheet::SheetName;
pub use sweep::Progress;
