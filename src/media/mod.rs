//! Floor 2: recordings become streams. Bytes in, bytes out; nothing here opens a file.
//!
//! - [`Scan`] reads the index of an MP4 file, progressive or fragmented, into a [`Movie`];
//!   [`Refused`] says in words for the author why a file cannot be served.
//! - [`align`] and [`follow`] choose the cuts, [`Plan`] keeps what playlists need of a track.
//! - [`Fragment`] is the byte plan of one CMAF segment: a header and ranges of the source, so that
//!   nobody reads more of a file than a segment needs.
//! - [`Offer`] is what a lesson has for players; [`hls`] and [`dash`] write it down, [`Captions`]
//!   cuts WebVTT. [`Still`] is a key frame alone, for slideshows and for searching.
//!
//! Invariants: no allocation is sized by a number that a file claims without the bytes to show for
//! it; every sample of a [`Track`] lies inside its file; the same source and target give the same
//! bytes on every node ([`PACKAGING_REVISION`] changes when they would not).

mod boxes;
mod captions;
mod codec;
mod collect;
mod cuts;
pub mod dash;
mod draft;
mod edit;
mod fragment;
pub mod hls;
mod init;
mod movie;
mod offer;
mod picture;
mod plan;
mod refused;
mod runs;
mod samples;
mod scan;
mod sound;
mod stills;
mod tables;
mod write;

pub use captions::CaptionError;
pub use captions::Captions;
pub use codec::Codec;
pub use codec::VideoRange;
pub use cuts::Start;
pub use cuts::align;
pub use cuts::follow;
pub use fragment::Fragment;
pub use movie::Movie;
pub use movie::Track;
pub use offer::Audio;
pub use offer::Caption;
pub use offer::Offer;
pub use offer::Video;
pub use plan::Cut;
pub use plan::Plan;
pub use refused::Refused;
pub use scan::Scan;
pub use stills::Still;
pub use stills::Stills;

/// Raised with every change of the bytes that are made from the same source, so that versions in
/// URLs change too.
pub const PACKAGING_REVISION: u32 = 6;
