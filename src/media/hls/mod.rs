//! HLS playlists (RFC 8216).

mod master;
mod media;

pub use master::master;
pub use media::CAPTION_SEGMENT_MS;
pub use media::caption_segments;
pub use media::captions;
pub use media::iframes;
pub use media::media;
pub use media::slides;

use std::fmt::Write as _;

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = out.write_fmt(text);
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use crate::media::Codec;
    use crate::media::Cut;
    use crate::media::Plan;
    use bytes::Bytes;

    pub(super) fn plan(codec: Codec, timescale: u32, times: &[u64]) -> Plan {
        let cuts = times.iter().map(|time| Cut {
            sample: 0,
            bytes: 0,
            time: *time,
        });
        let mut cuts: Vec<Cut> = cuts.collect();
        let end = cuts.pop().unwrap();
        Plan {
            codec,
            init: Bytes::new(),
            timescale,
            cuts: cuts.into(),
            end: Cut { sample: 240, ..end },
            turned: false,
            bandwidth: 300_000,
            average_bandwidth: 200_000,
            stills: None,
            slides: None,
        }
    }

    pub(super) fn picture() -> Codec {
        Codec::Video {
            name: "avc1.4D401F".to_owned(),
            width: 426,
            height: 240,
            pixel: (1, 1),
            range: None,
        }
    }

    pub(super) fn sound() -> Codec {
        Codec::Audio {
            name: "mp4a.40.2".to_owned(),
            channels: 2,
            sample_rate: 48_000,
        }
    }
}
