//! The DASH manifest (ISO/IEC 23009-1) of the same segments as the HLS playlists.
//!
//! Times need no `presentationTimeOffset`: what a track hides at its beginning stands as an edit
//! list in its initialisation segment, so that the presentation begins at 0, as its timeline here
//! does.

use crate::media::Audio;
use crate::media::Codec;
use crate::media::Offer;
use crate::media::Plan;
use crate::media::Stills;
use crate::media::Video;
use std::fmt::Write as _;

/// The static manifest of a lesson. Addresses are relative to it.
pub fn manifest(offer: &Offer<'_>) -> String {
    let mut xml = Xml {
        out: String::with_capacity(4096),
        open: Vec::new(),
        id: 0,
    };
    xml.out
        .push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    xml.begin(
        "MPD",
        &[
            ("xmlns", "urn:mpeg:dash:schema:mpd:2011"),
            ("type", "static"),
            ("profiles", PROFILES),
            ("mediaPresentationDuration", &duration(offer.duration_us)),
            ("minBufferTime", "PT2S"),
        ],
    );
    xml.begin("Period", &[("id", "0"), ("start", "PT0S")]);
    pictures(&mut xml, offer);
    for audio in &offer.audios {
        sound(&mut xml, offer, audio);
    }
    captions(&mut xml, offer);
    xml.end();
    xml.end();
    xml.out
}

/// A set for each codec, since players switch within one; key frames alone in the set of their
/// track, and all once more for searching.
fn pictures(xml: &mut Xml, offer: &Offer<'_>) {
    let slides = offer.slides();
    let mut families: Vec<&str> = Vec::new();
    for family in offer.videos.iter().map(|video| family(video.plan)) {
        if !families.contains(&family) {
            families.push(family);
        }
    }
    for name in families {
        let own = || {
            offer
                .videos
                .iter()
                .filter(|video| family(video.plan) == name)
        };
        let id = xml.set("video", "video/mp4", &[]);
        xml.one("Role", &[("schemeIdUri", ROLE), ("value", "main")]);
        if let Some((video, slides)) = slides.filter(|(video, _)| family(video.plan) == name) {
            picture(xml, video, "slides", Some(slides));
        }
        for video in own() {
            picture(xml, video, "", None);
        }
        xml.end();
        if own().any(|video| video.plan.stills.is_some()) {
            xml.set("video", "video/mp4", &[]);
            let main = id.to_string();
            xml.one(
                "EssentialProperty",
                &[("schemeIdUri", TRICK_MODE), ("value", &main)],
            );
            for video in own() {
                picture(xml, video, "stills", video.plan.stills);
            }
            xml.end();
        }
    }
}

/// A representation, of the moving picture or of key frames in a `folder` of their own.
fn picture(xml: &mut Xml, video: &Video<'_>, folder: &str, stills: Option<Stills>) {
    let plan = video.plan;
    let (width, height) = plan.resolution();
    let rate = frame_rate(plan, stills.map_or(plan.end.sample, |stills| stills.frames));
    let bandwidth = stills.map_or(plan.bandwidth, |stills| stills.bandwidth);
    let (id, folder) = if folder.is_empty() {
        (video.track.to_owned(), String::new())
    } else {
        (format!("{}-{folder}", video.track), format!("{folder}/"))
    };
    let Codec::Video { pixel, .. } = plan.codec else {
        return;
    };
    let (across, down) = if plan.turned {
        (pixel.1, pixel.0)
    } else {
        pixel
    };
    let mut attributes = vec![
        ("id", id),
        ("codecs", plan.codec.name().to_owned()),
        ("bandwidth", bandwidth.to_string()),
        ("width", width.to_string()),
        ("height", height.to_string()),
        ("frameRate", rate),
        ("sar", format!("{across}:{down}")),
    ];
    if stills.is_some() {
        attributes.push(("codingDependency", "false".to_owned()));
    }
    xml.begin("Representation", &borrowed(&attributes));
    let base = format!("{}/{}", video.track, video.version);
    timeline(xml, plan, &base, &folder);
    xml.end();
}

fn sound(xml: &mut Xml, offer: &Offer<'_>, audio: &Audio<'_>) {
    let plan = audio.plan;
    let Codec::Audio {
        channels,
        sample_rate,
        ..
    } = plan.codec
    else {
        return;
    };
    xml.set("audio", "audio/mp4", &[("lang", audio.language.as_str())]);
    xml.text("Label", audio.language.own_name());
    let role = if offer.is_main(audio) {
        "main"
    } else if audio.with_video {
        "dub"
    } else {
        "alternate"
    };
    xml.one("Role", &[("schemeIdUri", ROLE), ("value", role)]);
    let attributes = [
        ("id", audio.track.to_owned()),
        ("codecs", plan.codec.name().to_owned()),
        ("bandwidth", plan.bandwidth.to_string()),
        ("audioSamplingRate", sample_rate.to_string()),
    ];
    xml.begin("Representation", &borrowed(&attributes));
    xml.one(
        "AudioChannelConfiguration",
        &[
            ("schemeIdUri", CHANNELS),
            // Eight channels are layout 7 (ISO/IEC 23091-3); below, number and layout agree.
            ("value", &channels.min(7).to_string()),
        ],
    );
    timeline(xml, plan, &format!("{}/{}", audio.track, audio.version), "");
    xml.end();
    xml.end();
}

fn captions(xml: &mut Xml, offer: &Offer<'_>) {
    for caption in &offer.captions {
        let language = caption.language.as_str();
        xml.set("text", "text/vtt", &[("lang", language)]);
        xml.text("Label", caption.language.own_name());
        xml.one("Role", &[("schemeIdUri", ROLE), ("value", "subtitle")]);
        let id = format!("subs-{language}");
        xml.begin("Representation", &[("id", &id), ("bandwidth", "1000")]);
        let file = format!("subs/{language}/{}/whole.vtt", caption.version);
        xml.text("BaseURL", &file);
        xml.end();
        xml.end();
    }
}

/// Addresses and exact times of all segments; equal neighbours are counted.
fn timeline(xml: &mut Xml, plan: &Plan, base: &str, folder: &str) {
    let attributes = [
        ("timescale", plan.timescale.to_string()),
        ("initialization", format!("{base}/init.mp4")),
        ("media", format!("{base}/{folder}$Number$.m4s")),
        ("startNumber", "0".to_owned()),
    ];
    xml.begin("SegmentTemplate", &borrowed(&attributes));
    xml.begin("SegmentTimeline", &[]);
    let mut runs: Vec<(u64, u64)> = Vec::new();
    for ticks in (0..plan.segments()).map(|n| plan.ticks(n)) {
        match runs.last_mut() {
            Some((same, more)) if *same == ticks => *more += 1,
            _ => runs.push((ticks, 0)),
        }
    }
    for (at, (ticks, more)) in runs.iter().enumerate() {
        let (ticks, more) = (ticks.to_string(), more.to_string());
        let mut attributes = vec![("d", ticks.as_str())];
        if at == 0 {
            attributes.insert(0, ("t", "0"));
        }
        if more != "0" {
            attributes.push(("r", &more));
        }
        xml.one("S", &attributes);
    }
    xml.end();
    xml.end();
}

/// Frames a second as a fraction in lowest terms; as thousandths where it is an average.
fn frame_rate(plan: &Plan, frames: u32) -> String {
    let (above, below) = (
        u64::from(frames) * u64::from(plan.timescale),
        plan.end.time.max(1),
    );
    let (mut a, mut b) = (above, below);
    while b > 0 {
        (a, b) = (b, a % b);
    }
    match (above / a.max(1), below / a.max(1)) {
        (whole, 1) => whole.to_string(),
        (above, below) if above <= 1_000_000 => format!("{above}/{below}"),
        _ => format!("{}/1000", plan.per_1000_s(frames)),
    }
}

/// The first part of a codec's name.
fn family(plan: &Plan) -> &str {
    plan.codec.name().split('.').next().unwrap_or_default()
}

fn duration(us: u64) -> String {
    format!("PT{}.{:06}S", us / 1_000_000, us % 1_000_000)
}

fn borrowed<'a>(attributes: &'a [(&'a str, String)]) -> Vec<(&'a str, &'a str)> {
    let pairs = attributes
        .iter()
        .map(|(name, value)| (*name, value.as_str()));
    pairs.collect()
}

/// Writes elements; every value is escaped.
struct Xml {
    out: String,
    open: Vec<&'static str>,
    id: u32,
}

impl Xml {
    /// Begins an adaptation set; returns its number.
    fn set(&mut self, kind: &str, mime: &str, more: &[(&str, &str)]) -> u32 {
        let id = self.id;
        self.id += 1;
        let text = id.to_string();
        let mut attributes = vec![("id", text.as_str()), ("contentType", kind)];
        attributes.push(("mimeType", mime));
        if kind != "text" {
            attributes.extend([("segmentAlignment", "true"), ("startWithSAP", "1")]);
        }
        attributes.extend_from_slice(more);
        self.begin("AdaptationSet", &attributes);
        id
    }

    fn begin(&mut self, name: &'static str, attributes: &[(&str, &str)]) {
        self.head(name, attributes);
        self.out.push_str(">\n");
        self.open.push(name);
    }

    fn one(&mut self, name: &'static str, attributes: &[(&str, &str)]) {
        self.head(name, attributes);
        self.out.push_str("/>\n");
    }

    fn text(&mut self, name: &'static str, text: &str) {
        self.head(name, &[]);
        self.out.push('>');
        self.escaped(text);
        // Writing to a String cannot fail.
        let _ = writeln!(self.out, "</{name}>");
    }

    fn end(&mut self) {
        if let Some(name) = self.open.pop() {
            self.indent();
            let _ = writeln!(self.out, "</{name}>");
        }
    }

    fn head(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.indent();
        let _ = write!(self.out, "<{name}");
        for (name, value) in attributes {
            let _ = write!(self.out, " {name}=\"");
            self.escaped(value);
            self.out.push('"');
        }
    }

    fn indent(&mut self) {
        for _ in &self.open {
            self.out.push(' ');
        }
    }

    fn escaped(&mut self, text: &str) {
        for letter in text.chars() {
            match letter {
                '&' => self.out.push_str("&amp;"),
                '<' => self.out.push_str("&lt;"),
                '>' => self.out.push_str("&gt;"),
                '"' => self.out.push_str("&quot;"),
                // No such character may stand in XML 1.0, escaped or not.
                control if control < ' ' => self.out.push(' '),
                plain => self.out.push(plain),
            }
        }
    }
}

const PROFILES: &str = "urn:mpeg:dash:profile:isoff-live:2011,urn:mpeg:dash:profile:cmaf:2019";
const ROLE: &str = "urn:mpeg:dash:role:2011";
const CHANNELS: &str = "urn:mpeg:mpegB:cicp:ChannelConfiguration";
const TRICK_MODE: &str = "http://dashif.org/guidelines/trickmode";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_of_an_author_can_break_out_of_the_manifest() {
        let mut xml = Xml {
            out: String::new(),
            open: Vec::new(),
            id: 0,
        };
        xml.one("A", &[("b", "\"/><x a=\"&\u{1}")]);
        xml.text("C", "</C>");
        let wanted = "<A b=\"&quot;/&gt;&lt;x a=&quot;&amp; \"/>\n<C>&lt;/C&gt;</C>\n";
        assert_eq!(xml.out, wanted);
    }

    #[test]
    fn durations_are_exact_to_the_microsecond() {
        assert_eq!(duration(12_000_345), "PT12.000345S");
    }
}
