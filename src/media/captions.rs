//! WebVTT captions, cut into segments.

use std::fmt::Write as _;

/// The cues of one caption file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Captions<'a> {
    /// `STYLE` and `REGION` blocks, repeated in every segment.
    preamble: Vec<Vec<&'a str>>,
    cues: Vec<Cue<'a>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Cue<'a> {
    begin_ms: u64,
    end_ms: u64,
    lines: Vec<&'a str>,
}

/// What is wrong with a caption file: a line from 1, and two sentences.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct CaptionError {
    /// Line from 1.
    pub line: u32,
    /// What is wrong.
    pub what: String,
    /// What the author does about it.
    pub remedy: &'static str,
}

impl<'a> Captions<'a> {
    /// Reads the text of a `.vtt` file.
    ///
    /// # Errors
    /// The first line that is not WebVTT.
    pub fn parse(text: &'a str) -> Result<Self, CaptionError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut lines = text.lines().enumerate().peekable();
        let signature = lines.next().map_or("", |(_, line)| line);
        let rest = signature.strip_prefix("WEBVTT");
        if !rest.is_some_and(|r| r.is_empty() || r.starts_with([' ', '\t'])) {
            return Err(error(
                0,
                "the file does not begin with WEBVTT",
                "make it the first line",
            ));
        }
        // Header lines (an earlier X-TIMESTAMP-MAP among them) do not concern us.
        while lines.next_if(|(_, line)| !blank(line)).is_some() {}
        let mut captions = Self {
            preamble: Vec::new(),
            cues: Vec::new(),
        };
        while let Some((at, line)) = lines.next() {
            if blank(line) {
                continue;
            }
            let mut block = vec![line];
            while let Some((_, line)) = lines.next_if(|(_, line)| !blank(line)) {
                block.push(line);
            }
            captions.block(at, block)?;
        }
        Ok(captions)
    }

    fn block(&mut self, at: usize, block: Vec<&'a str>) -> Result<(), CaptionError> {
        let first = block.first().copied().unwrap_or_default();
        let word = first.split([' ', '\t']).next().unwrap_or_default();
        match word {
            "NOTE" => return Ok(()),
            "STYLE" | "REGION" if self.cues.is_empty() && !first.contains("-->") => {
                self.preamble.push(block);
                return Ok(());
            }
            _ => {}
        }
        let timing = block.iter().take(2).position(|line| line.contains("-->"));
        let Some(timing) = timing else {
            let what = format!("`{}` is followed by no time", shown(first));
            return Err(error(
                at,
                what,
                "put a line like 00:01.000 --> 00:04.000 before the text",
            ));
        };
        let line = block.get(timing).copied().unwrap_or_default();
        let (begin_ms, end_ms) = times(line).ok_or_else(|| {
            let what = format!("`{}` is not a time range", shown(line));
            error(
                at + timing,
                what,
                "write it like 00:01.000 --> 00:04.000, with full stops",
            )
        })?;
        if end_ms <= begin_ms {
            let what = format!("`{}` ends before it begins", shown(line));
            return Err(error(at + timing, what, "correct the times"));
        }
        self.cues.push(Cue {
            begin_ms,
            end_ms,
            lines: block,
        });
        Ok(())
    }

    /// Number of cues.
    pub const fn len(&self) -> usize {
        self.cues.len()
    }

    /// Whether there is no cue.
    pub const fn is_empty(&self) -> bool {
        self.cues.is_empty()
    }

    /// When the last cue ends, milliseconds.
    pub fn end_ms(&self) -> u64 {
        self.cues.iter().map(|cue| cue.end_ms).max().unwrap_or(0)
    }

    /// All of them, on the lesson's own clock, for players that read captions whole.
    pub fn whole(&self) -> String {
        self.between(0, u64::MAX, "")
    }

    /// The segment from `begin_ms` to `end_ms`. A cue that reaches into several segments is in each
    /// of them (RFC 8216, 3.5). Media begins at 0, so both clocks of the map do.
    pub fn segment(&self, begin_ms: u64, end_ms: u64) -> String {
        let map = "X-TIMESTAMP-MAP=MPEGTS:0,LOCAL:00:00:00.000\n";
        self.between(begin_ms, end_ms, map)
    }

    fn between(&self, begin_ms: u64, end_ms: u64, map: &str) -> String {
        let mut out = format!("WEBVTT\n{map}");
        let inside = |cue: &&Cue<'_>| cue.begin_ms < end_ms && cue.end_ms > begin_ms;
        let cues = self.cues.iter().filter(inside).map(|cue| &cue.lines);
        for lines in self.preamble.iter().chain(cues) {
            for line in [""].iter().chain(lines) {
                // Writing to a String cannot fail.
                let _ = writeln!(out, "{line}");
            }
        }
        out
    }
}

fn blank(line: &str) -> bool {
    line.is_empty()
}

fn error(at: usize, what: impl Into<String>, remedy: &'static str) -> CaptionError {
    CaptionError {
        line: u32::try_from(at + 1).unwrap_or(u32::MAX),
        what: what.into(),
        remedy,
    }
}

/// The beginning of a line, for a message.
fn shown(line: &str) -> String {
    line.chars().take(60).collect()
}

/// `begin --> end`, settings ignored.
fn times(line: &str) -> Option<(u64, u64)> {
    let (begin, rest) = line.split_once("-->")?;
    let end = rest.split_ascii_whitespace().next()?;
    Some((time(begin.trim())?, time(end)?))
}

/// `hh:mm:ss.ttt` or `mm:ss.ttt` in milliseconds.
fn time(text: &str) -> Option<u64> {
    let (clock, millis) = text.split_once('.')?;
    let digits = |part: &str, len: std::ops::RangeInclusive<usize>| {
        let plain = len.contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        plain.then(|| part.parse::<u64>().ok()).flatten()
    };
    let mut parts = clock.rsplit(':');
    let seconds = digits(parts.next()?, 2..=2).filter(|s| *s < 60)?;
    let minutes = digits(parts.next()?, 2..=2).filter(|m| *m < 60)?;
    let hours = parts.next().map_or(Some(0), |h| digits(h, 2..=6))?;
    let whole = parts.next().is_none();
    let seconds = (hours * 60 + minutes) * 60 + seconds;
    let millis = digits(millis, 3..=3)?;
    whole.then_some(seconds * 1000 + millis)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FILE: &str = "\u{feff}WEBVTT - bài 1\nX-TIMESTAMP-MAP=MPEGTS:900000,LOCAL:00:00:00.000\n\
        \nNOTE ghi chú\n--> không phải\n\nSTYLE\n::cue { color: red }\n\n1\n\
        00:01.000 --> 00:04.000 align:start\nMột\nHai\n\n\
        01:00:00.500 --> 01:00:01.000\n<v Giảng viên>Ba\n";

    #[test]
    fn cues_keep_their_times_settings_and_lines() {
        let captions = Captions::parse(FILE).unwrap();
        assert_eq!((captions.len(), captions.end_ms()), (2, 3_601_000));
        let segment = captions.segment(0, 30_000);
        assert_eq!(
            segment,
            "WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:0,LOCAL:00:00:00.000\n\nSTYLE\n\
             ::cue { color: red }\n\n1\n00:01.000 --> 00:04.000 align:start\nMột\nHai\n"
        );
        assert!(captions.segment(3_600_000, 3_600_600).contains("Ba"));
    }

    #[test]
    fn a_cue_across_a_cut_is_in_both_segments() {
        let captions = Captions::parse(FILE).unwrap();
        assert!(captions.segment(0, 2000).contains("Hai"));
        assert!(captions.segment(2000, 4000).contains("Hai"));
        assert!(!captions.segment(4000, 6000).contains("Hai"));
    }

    #[test]
    fn mistakes_of_other_subtitle_formats_are_explained() {
        let wrong = |text: &str| Captions::parse(text).unwrap_err();
        assert_eq!(wrong("1\n00:00:01,000 --> 00:00:02,000\nx\n").line, 1);
        let comma = wrong("WEBVTT\n\n00:00:01,000 --> 00:00:02,000\nx\n");
        assert_eq!(comma.line, 3);
        assert!(comma.remedy.contains("full stops"), "{comma:?}");
        assert_eq!(wrong("WEBVTT\n\nlời\n").line, 3);
        let backwards = wrong("WEBVTT\n\na\n00:04.000 --> 00:01.000\nx\n");
        assert_eq!(backwards.line, 4);
        assert!(backwards.what.contains("ends before"));
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in "(?s).{0,300}") {
            drop(Captions::parse(&format!("WEBVTT\n\n{text}")));
        }

        #[test]
        fn no_cue_is_lost_by_cutting(
            times in prop::collection::vec((0_u64..90_000, 1_u64..9000), 1..30),
        ) {
            let stamp = |ms: u64| {
                format!("{:02}:{:02}.{:03}", ms / 60_000, ms / 1000 % 60, ms % 1000)
            };
            let mut text = "WEBVTT\n".to_owned();
            for (at, (begin, long)) in times.iter().enumerate() {
                text += &format!("\ncue{at}x\n{} --> {}\nt\n", stamp(*begin), stamp(begin + long));
            }
            let captions = Captions::parse(&text).unwrap();
            let segments: Vec<_> =
                (0..10).map(|n| captions.segment(n * 10_000, (n + 1) * 10_000)).collect();
            for (at, (begin, long)) in times.iter().enumerate() {
                let name = format!("cue{at}x\n");
                let first = begin / 10_000;
                let last = (begin + long - 1) / 10_000;
                for (n, segment) in segments.iter().enumerate() {
                    let inside = (first..=last).contains(&(n as u64));
                    prop_assert_eq!(segment.contains(&name), inside);
                }
            }
        }
    }
}
