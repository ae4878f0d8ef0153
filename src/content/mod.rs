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
//! nobody waits for a disk on a worker's loop; the cache never holds more than its budget; a lesson
//! with a problem is left out and listed, its course is served without it.

mod attachment;
mod catalogue;
mod chunk;
mod library;
mod path;

pub use attachment::Attachment;
pub use catalogue::Catalogue;
pub use chunk::Chunk;
pub use library::Building;
pub use library::Config;
pub use library::Library;
pub use library::LoadError;
pub use library::Lookup;
pub use library::check;
pub use path::Path;
pub use path::Place;
