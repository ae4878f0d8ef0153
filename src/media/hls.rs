//! HLS playlists (RFC 8216).

use crate::base::digest::Digest;
use crate::course::Language;
use crate::media::Codec;
use crate::media::Plan;
use std::fmt::Write as _;

/// Picture of one lesson, for the multivariant playlist.
#[derive(Debug, Clone, Copy)]
pub struct Video<'a> {
    /// Track name.
    pub track: &'a str,
    /// Its plan.
    pub plan: &'a Plan,
}

/// Sound of one lesson.
#[derive(Debug, Clone, Copy)]
pub struct Audio<'a> {
    /// Track name.
    pub track: &'a str,
    /// Its plan.
    pub plan: &'a Plan,
    /// Its language.
    pub language: &'a Language,
    /// Whether it belongs to the group that plays with the pictures; others are offered alone.
    pub with_video: bool,
}

/// The multivariant playlist: pictures as given, the smallest first, so that a player begins with
/// one that any network carries, each with the group of sounds; then sound alone.
pub fn master(videos: &[Video<'_>], audios: &[Audio<'_>], captions: &[Language]) -> String {
    let mut out = "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n".to_owned();
    audio_groups(&mut out, audios);
    for language in captions {
        line(
            &mut out,
            format_args!(
                "#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"subs\",NAME=\"{}\",LANGUAGE=\"{language}\",\
                 DEFAULT=NO,AUTOSELECT=YES,FORCED=NO,URI=\"subs/{language}/playlist.m3u8\"",
                language.own_name()
            ),
        );
    }
    let subtitles = if captions.is_empty() {
        ""
    } else {
        ",SUBTITLES=\"subs\""
    };
    let group = || audios.iter().filter(|a| a.with_video);
    for video in videos {
        let peak = group().map(|a| a.plan.bandwidth).max().unwrap_or(0);
        let average = group().map(|a| a.plan.average_bandwidth).max().unwrap_or(0);
        let mut codecs = vec![video.plan.codec.name()];
        for name in group().map(|a| a.plan.codec.name()) {
            if !codecs.contains(&name) {
                codecs.push(name);
            }
        }
        let codecs = codecs.join(",");
        let (width, height) = video.plan.resolution();
        let rate = video.plan.frames_per_1000_s();
        let sound = if group().next().is_some() {
            ",AUDIO=\"audio\""
        } else {
            ""
        };
        line(
            &mut out,
            format_args!(
                "#EXT-X-STREAM-INF:BANDWIDTH={},AVERAGE-BANDWIDTH={},CODECS=\"{codecs}\",\
                 RESOLUTION={width}x{height},FRAME-RATE={}.{:03}{sound}{subtitles}\n\
                 {}/playlist.m3u8",
                video.plan.bandwidth + peak,
                video.plan.average_bandwidth + average,
                rate / 1000,
                rate % 1000,
                video.track
            ),
        );
    }
    for audio in audios
        .iter()
        .filter(|a| !a.with_video || is_first(a, audios))
    {
        line(
            &mut out,
            format_args!(
                "#EXT-X-STREAM-INF:BANDWIDTH={},AVERAGE-BANDWIDTH={},CODECS=\"{}\",\
                 AUDIO=\"{}\"{subtitles}\n{}/playlist.m3u8",
                audio.plan.bandwidth,
                audio.plan.average_bandwidth,
                audio.plan.codec.name(),
                audio.group(),
                audio.track
            ),
        );
    }
    out
}

fn audio_groups(out: &mut String, audios: &[Audio<'_>]) {
    for audio in audios {
        let default = if !audio.with_video || is_first(audio, audios) {
            "YES"
        } else {
            "NO"
        };
        let channels = match audio.plan.codec {
            Codec::Audio { channels, .. } => channels,
            Codec::Video { .. } => 0,
        };
        line(
            out,
            format_args!(
                "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"{}\",NAME=\"{}\",LANGUAGE=\"{}\",\
                 DEFAULT={default},AUTOSELECT=YES,CHANNELS=\"{channels}\",\
                 URI=\"{}/playlist.m3u8\"",
                audio.group(),
                audio.language.own_name(),
                audio.language,
                audio.track
            ),
        );
    }
}

impl Audio<'_> {
    /// Sounds that play with the pictures are one group; each other is a group of its own.
    const fn group(&self) -> &str {
        if self.with_video { "audio" } else { self.track }
    }
}

fn is_first(audio: &Audio<'_>, audios: &[Audio<'_>]) -> bool {
    let first = audios.iter().find(|a| a.with_video);
    first.is_some_and(|first| first.track == audio.track)
}

impl Plan {
    /// Pixels across and down as shown; 0 for sound.
    pub const fn resolution(&self) -> (u32, u32) {
        match self.codec {
            Codec::Video { width, height, .. } if self.turned => (height, width),
            Codec::Video { width, height, .. } => (width, height),
            Codec::Audio { .. } => (0, 0),
        }
    }
}

/// The media playlist of a track; segments are `{version}/{n}.m4s` beside it, from 0.
pub fn media(plan: &Plan, version: Digest) -> String {
    let mut out = String::with_capacity(256 + plan.cuts.len() * 64);
    let times = plan
        .cuts
        .iter()
        .chain([&plan.end])
        .map(|cut| plan.micros(cut.time));
    let durations = durations(times);
    head(&mut out, &durations);
    line(
        &mut out,
        format_args!("#EXT-X-MAP:URI=\"{version}/init.mp4\""),
    );
    body(&mut out, &durations, version, "m4s");
    out
}

/// The playlist of captions for a lesson of `duration_us` microseconds; segments are
/// `{version}/{n}.vtt` of [`CAPTION_SEGMENT_MS`] each.
pub fn captions(duration_us: u64, version: Digest) -> String {
    let step = CAPTION_SEGMENT_MS * 1000;
    let cuts = caption_segments(duration_us);
    let times = (0..cuts).map(|n| u64::from(n) * step).chain([duration_us]);
    let mut out = String::with_capacity(512);
    let durations = durations(times);
    head(&mut out, &durations);
    body(&mut out, &durations, version, "vtt");
    out
}

/// Number of caption segments of a lesson of `duration_us` microseconds; at least one.
pub fn caption_segments(duration_us: u64) -> u32 {
    let segments = duration_us.div_ceil(CAPTION_SEGMENT_MS * 1000).max(1);
    u32::try_from(segments).unwrap_or(u32::MAX)
}

/// Milliseconds of one caption segment: a few cues, a few hundred bytes.
pub const CAPTION_SEGMENT_MS: u64 = 30_000;

/// Microseconds between neighbours. Taken of rounded times, so that errors never add up.
fn durations(times: impl Iterator<Item = u64>) -> Vec<u64> {
    let times: Vec<u64> = times.collect();
    let next = times.iter().skip(1);
    times
        .iter()
        .zip(next)
        .map(|(a, b)| b.saturating_sub(*a))
        .collect()
}

fn head(out: &mut String, durations: &[u64]) {
    // Every duration, rounded, must not exceed it (RFC 8216, 4.3.3.1).
    let longest = durations.iter().copied().max().unwrap_or(0);
    let target = longest.div_ceil(1_000_000).max(1);
    line(
        out,
        format_args!(
            "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:{target}\n\
             #EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-INDEPENDENT-SEGMENTS"
        ),
    );
}

fn body(out: &mut String, durations: &[u64], version: Digest, extension: &str) {
    for (n, us) in durations.iter().enumerate() {
        let (seconds, rest) = (us / 1_000_000, us % 1_000_000);
        line(
            out,
            format_args!("#EXTINF:{seconds}.{rest:06},\n{version}/{n}.{extension}"),
        );
    }
    out.push_str("#EXT-X-ENDLIST\n");
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = out.write_fmt(text);
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::Cut;
    use bytes::Bytes;
    use proptest::prelude::*;

    fn plan(codec: Codec, timescale: u32, times: &[u64]) -> Plan {
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
        }
    }

    fn picture() -> Codec {
        Codec::Video {
            name: "avc1.4D401F".to_owned(),
            width: 426,
            height: 240,
            pixel: (1, 1),
        }
    }

    fn sound() -> Codec {
        Codec::Audio {
            name: "mp4a.40.2".to_owned(),
            channels: 2,
            sample_rate: 48_000,
        }
    }

    #[test]
    fn a_player_finds_pictures_sounds_and_captions_in_the_multivariant_playlist() {
        let (video, audio) = (plan(picture(), 24, &[0, 240]), plan(sound(), 48, &[0, 480]));
        let vi = Language::parse("vi").unwrap();
        let audio = |track, with_video| Audio {
            track,
            plan: &audio,
            language: &vi,
            with_video,
        };
        let video = Video {
            track: "240p",
            plan: &video,
        };
        let text = master(
            &[video],
            &[audio("audio", true), audio("audio-low", false)],
            std::slice::from_ref(&vi),
        );
        let wanted = "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n\
            #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"audio\",NAME=\"Tiếng Việt\",LANGUAGE=\"vi\",\
            DEFAULT=YES,AUTOSELECT=YES,CHANNELS=\"2\",URI=\"audio/playlist.m3u8\"\n\
            #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"audio-low\",NAME=\"Tiếng Việt\",LANGUAGE=\"vi\",\
            DEFAULT=YES,AUTOSELECT=YES,CHANNELS=\"2\",URI=\"audio-low/playlist.m3u8\"\n\
            #EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"subs\",NAME=\"Tiếng Việt\",LANGUAGE=\"vi\",\
            DEFAULT=NO,AUTOSELECT=YES,FORCED=NO,URI=\"subs/vi/playlist.m3u8\"\n\
            #EXT-X-STREAM-INF:BANDWIDTH=600000,AVERAGE-BANDWIDTH=400000,\
            CODECS=\"avc1.4D401F,mp4a.40.2\",RESOLUTION=426x240,FRAME-RATE=24.000,\
            AUDIO=\"audio\",SUBTITLES=\"subs\"\n240p/playlist.m3u8\n\
            #EXT-X-STREAM-INF:BANDWIDTH=300000,AVERAGE-BANDWIDTH=200000,CODECS=\"mp4a.40.2\",\
            AUDIO=\"audio\",SUBTITLES=\"subs\"\naudio/playlist.m3u8\n\
            #EXT-X-STREAM-INF:BANDWIDTH=300000,AVERAGE-BANDWIDTH=200000,CODECS=\"mp4a.40.2\",\
            AUDIO=\"audio-low\",SUBTITLES=\"subs\"\naudio-low/playlist.m3u8\n";
        assert_eq!(text, wanted);
        let silent = master(&[video], &[], &[]);
        assert!(
            !silent.contains("AUDIO") && !silent.contains("SUBTITLES"),
            "{silent}"
        );
    }

    #[test]
    fn a_media_playlist_names_every_segment_and_its_exact_length() {
        let version = Digest::of(&[]);
        let text = media(&plan(picture(), 30_000, &[0, 120_120, 180_180]), version);
        let wanted = format!(
            "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:5\n#EXT-X-PLAYLIST-TYPE:VOD\n\
             #EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-MAP:URI=\"{version}/init.mp4\"\n\
             #EXTINF:4.004000,\n{version}/0.m4s\n#EXTINF:2.002000,\n{version}/1.m4s\n\
             #EXT-X-ENDLIST\n"
        );
        assert_eq!(text, wanted);
    }

    #[test]
    fn captions_cover_the_lesson_to_its_end() {
        let text = captions(61_500_000, Digest::of(&[]));
        assert!(text.contains("#EXT-X-TARGETDURATION:30\n"));
        assert_eq!(caption_segments(61_500_000), 3);
        assert!(text.contains("#EXTINF:1.500000,\n"), "{text}");
        assert_eq!((caption_segments(0), caption_segments(30_000_000)), (1, 1));
    }

    proptest! {
        #[test]
        fn rounded_lengths_never_drift(
            timescale in 1_u32..200_000, steps in prop::collection::vec(1_u64..2_000_000, 1..200),
        ) {
            let mut times = vec![0];
            for step in steps {
                times.push(times[times.len() - 1] + step);
            }
            let plan = plan(picture(), timescale, &times);
            let micros = plan.cuts.iter().chain([&plan.end]).map(|cut| plan.micros(cut.time));
            let sum: u64 = durations(micros).iter().sum();
            prop_assert_eq!(sum, plan.duration_us());
        }
    }
}
