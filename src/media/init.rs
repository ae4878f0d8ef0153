//! The initialisation segment of a track (CMAF header, ISO/IEC 23000-19, 7.2).

use crate::media::Codec;
use crate::media::Track;
use crate::media::write::boxed;
use crate::media::write::full;
use crate::media::write::word;
use crate::media::write::words;
use bytes::Bytes;

/// `ftyp` and `moov` of a movie with `track` alone and no sample in it.
pub(crate) fn segment(track: &Track) -> Bytes {
    let mut out = Vec::with_capacity(1024);
    boxed(&mut out, b"ftyp", |out| {
        out.extend_from_slice(b"iso6\0\0\0\0iso6cmfcmp41");
    });
    boxed(&mut out, b"moov", |out| {
        movie_header(out, track.timescale);
        boxed(out, b"trak", |out| trak(out, track));
        boxed(out, b"mvex", |out| {
            full(out, b"trex", 0, 0, |out| {
                words(out, &[TRACK_ID, 1, 0, 0, 0]);
            });
        });
    });
    Bytes::from(out)
}

fn movie_header(out: &mut Vec<u8>, timescale: u32) {
    full(out, b"mvhd", 0, 0, |out| {
        words(out, &[0, 0, timescale, 0, 0x0001_0000, 0x0100_0000, 0, 0]);
        words(
            out,
            &[0x0001_0000, 0, 0, 0, 0x0001_0000, 0, 0, 0, 0x4000_0000],
        );
        words(out, &[0, 0, 0, 0, 0, 0, TRACK_ID + 1]);
    });
}

fn trak(out: &mut Vec<u8>, track: &Track) {
    // Enabled, in the movie.
    full(out, b"tkhd", 0, 3, |out| {
        words(out, &[0, 0, TRACK_ID, 0, 0, 0, 0, 0]);
        let volume = if track.codec.is_video() {
            0
        } else {
            0x0100_0000
        };
        word(out, volume);
        out.extend_from_slice(&track.matrix);
        let (width, height) = match track.codec {
            Codec::Video { width, height, .. } => (width, height),
            Codec::Audio { .. } => (0, 0),
        };
        words(out, &[width << 16, height << 16]);
    });
    if let Some(hidden) = track.hidden() {
        // Decoded but not shown: an encoder's priming, or a recording cut between key frames.
        boxed(out, b"edts", |out| {
            full(out, b"elst", 1, 0, |out| {
                words(out, &[1, 0, 0]);
                out.extend_from_slice(&hidden.to_be_bytes());
                word(out, 0x0001_0000);
            });
        });
    }
    boxed(out, b"mdia", |out| media(out, track));
}

fn media(out: &mut Vec<u8>, track: &Track) {
    full(out, b"mdhd", 0, 0, |out| {
        words(
            out,
            &[0, 0, track.timescale, 0, u32::from(track.language) << 16],
        );
    });
    let video = track.codec.is_video();
    full(out, b"hdlr", 0, 0, |out| {
        word(out, 0);
        out.extend_from_slice(if video { b"vide" } else { b"soun" });
        words(out, &[0, 0, 0]);
        out.extend_from_slice(if video { b"picture\0" } else { b"sound\0" });
    });
    boxed(out, b"minf", |out| {
        if video {
            full(out, b"vmhd", 0, 1, |out| words(out, &[0, 0]));
        } else {
            full(out, b"smhd", 0, 0, |out| word(out, 0));
        }
        boxed(out, b"dinf", |out| {
            full(out, b"dref", 0, 0, |out| {
                word(out, 1);
                // The media lies in the same file.
                full(out, b"url ", 0, 1, |_| {});
            });
        });
        boxed(out, b"stbl", |out| {
            full(out, b"stsd", 0, 0, |out| {
                word(out, 1);
                out.extend_from_slice(&track.entry);
            });
            full(out, b"stts", 0, 0, |out| word(out, 0));
            full(out, b"stsc", 0, 0, |out| word(out, 0));
            full(out, b"stsz", 0, 0, |out| words(out, &[0, 0]));
            full(out, b"stco", 0, 0, |out| word(out, 0));
        });
    });
}

/// Every packaged track is alone in its file.
pub(crate) const TRACK_ID: u32 = 1;
