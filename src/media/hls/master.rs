//! The multivariant playlist.

use crate::media::Audio;
use crate::media::Codec;
use crate::media::Offer;
use crate::media::Video;
use crate::media::hls::line;

/// The multivariant playlist: pictures as given, the smallest first, so that a player begins with
/// one that any network carries, each with the group of sounds; key frames alone where that is much
/// less; the same with the sounds of each further codec; then sound alone. I-frame playlists for
/// all pictures.
pub fn master(offer: &Offer<'_>) -> String {
    let mut out = "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n".to_owned();
    for audio in &offer.audios {
        sound(&mut out, offer, audio);
    }
    for caption in &offer.captions {
        let language = caption.language;
        line(
            &mut out,
            format_args!(
                "#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"subs\",NAME=\"{}\",LANGUAGE=\"{language}\",\
                 DEFAULT=NO,AUTOSELECT=YES,FORCED=NO,URI=\"subs/{language}/playlist.m3u8\"",
                language.own_name()
            ),
        );
    }
    for sounds in groups(offer) {
        pictures(&mut out, offer, &sounds);
    }
    alone(&mut out, offer);
    for video in &offer.videos {
        key_frames(&mut out, video);
    }
    out
}

/// The sounds that play with the pictures, those of one codec together: who decodes AAC and not
/// Opus leaves the variants with the group of Opus and keeps the others. One empty group for a
/// silent film.
fn groups<'o, 'a>(offer: &'o Offer<'a>) -> Vec<Vec<&'o Audio<'a>>> {
    let mut groups: Vec<Vec<&Audio<'_>>> = Vec::new();
    for audio in offer.audios.iter().filter(|audio| audio.with_video) {
        let name = group(offer, audio);
        let own = groups.iter_mut().find(|sounds| {
            sounds
                .first()
                .is_some_and(|first| group(offer, first) == name)
        });
        match own {
            Some(sounds) => sounds.push(audio),
            None => groups.push(vec![audio]),
        }
    }
    if groups.is_empty() {
        groups.push(Vec::new());
    }
    groups
}

/// All pictures with that group of sounds.
fn pictures(out: &mut String, offer: &Offer<'_>, sounds: &[&Audio<'_>]) {
    for video in &offer.videos {
        let rates = (video.plan.bandwidth, video.plan.average_bandwidth);
        let frames = video.plan.frames_per_1000_s();
        variant(out, offer, (video, sounds), rates, frames, "playlist");
    }
    if let Some((video, stills)) = offer.slides() {
        let rates = (stills.bandwidth, stills.average_bandwidth);
        let frames = video.plan.per_1000_s(stills.frames);
        variant(out, offer, (video, sounds), rates, frames, "slides");
    }
}

fn sound(out: &mut String, offer: &Offer<'_>, audio: &Audio<'_>) {
    // One of each group is what plays where nobody chose.
    let first = groups(offer).iter().any(|sounds| {
        sounds
            .first()
            .is_some_and(|first| first.track == audio.track)
    });
    let default = if !audio.with_video || first {
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
            group(offer, audio),
            audio.language.own_name(),
            audio.language,
            audio.track
        ),
    );
}

/// A picture with the dearest of the sounds that a viewer may choose beside it.
fn variant(
    out: &mut String,
    offer: &Offer<'_>,
    (video, sounds): (&Video<'_>, &[&Audio<'_>]),
    (peak, average): (u64, u64),
    frames_per_1000_s: u64,
    playlist: &str,
) {
    let dearest = |rate: fn(&Audio<'_>) -> u64| sounds.iter().map(|a| rate(a)).max();
    let peak = peak + dearest(|a| a.plan.bandwidth).unwrap_or(0);
    let average = average + dearest(|a| a.plan.average_bandwidth).unwrap_or(0);
    let mut codecs = vec![video.plan.codec.name()];
    for name in sounds.iter().map(|a| a.plan.codec.name()) {
        if !codecs.contains(&name) {
            codecs.push(name);
        }
    }
    let codecs = codecs.join(",");
    let (width, height) = video.plan.resolution();
    let sound = sounds.first().map(|first| group(offer, first));
    let sound = sound.map_or_else(String::new, |group| format!(",AUDIO=\"{group}\""));
    line(
        out,
        format_args!(
            "#EXT-X-STREAM-INF:BANDWIDTH={peak},AVERAGE-BANDWIDTH={average},CODECS=\"{codecs}\",\
             RESOLUTION={width}x{height},FRAME-RATE={}.{:03}{}{sound}{}\n{}/{playlist}.m3u8",
            frames_per_1000_s / 1000,
            frames_per_1000_s % 1000,
            range(video),
            subtitles(offer),
            video.track
        ),
    );
}

fn alone(out: &mut String, offer: &Offer<'_>) {
    let offered = |audio: &&Audio<'_>| !audio.with_video || offer.is_main(audio);
    for audio in offer.audios.iter().filter(offered) {
        line(
            out,
            format_args!(
                "#EXT-X-STREAM-INF:BANDWIDTH={},AVERAGE-BANDWIDTH={},CODECS=\"{}\",\
                 AUDIO=\"{}\"{}\n{}/playlist.m3u8",
                audio.plan.bandwidth,
                audio.plan.average_bandwidth,
                audio.plan.codec.name(),
                group(offer, audio),
                subtitles(offer),
                audio.track
            ),
        );
    }
}

fn key_frames(out: &mut String, video: &Video<'_>) {
    let Some(stills) = video.plan.stills else {
        return;
    };
    let (width, height) = video.plan.resolution();
    line(
        out,
        format_args!(
            "#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH={},AVERAGE-BANDWIDTH={},CODECS=\"{}\",\
             RESOLUTION={width}x{height}{},URI=\"{}/iframes.m3u8\"",
            stills.bandwidth,
            stills.average_bandwidth,
            video.plan.codec.name(),
            range(video),
            video.track
        ),
    );
}

const fn subtitles(offer: &Offer<'_>) -> &'static str {
    if offer.captions.is_empty() {
        ""
    } else {
        ",SUBTITLES=\"subs\""
    }
}

/// The dynamic range, where the recording tells it.
fn range(video: &Video<'_>) -> String {
    match video.plan.codec {
        Codec::Video {
            range: Some(range), ..
        } => format!(",VIDEO-RANGE={}", range.name()),
        Codec::Video { range: None, .. } | Codec::Audio { .. } => String::new(),
    }
}

/// Sounds that play with the pictures are a group for each codec, that of the main sound first;
/// each other is a group of its own. No track has a period in its name.
fn group(offer: &Offer<'_>, audio: &Audio<'_>) -> String {
    let family = |audio: &Audio<'_>| {
        let name = audio.plan.codec.name();
        name.split('.').next().unwrap_or_default().to_owned()
    };
    let own = family(audio);
    let main = offer.audios.iter().find(|other| other.with_video);
    if !audio.with_video {
        audio.track.to_owned()
    } else if main.is_none_or(|main| family(main) == own) {
        "audio".to_owned()
    } else {
        format!("audio.{own}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::digest::Digest;
    use crate::course::Language;
    use crate::media::Caption;
    use crate::media::Plan;
    use crate::media::Stills;
    use crate::media::VideoRange;
    use crate::media::hls::tests::picture;
    use crate::media::hls::tests::plan;
    use crate::media::hls::tests::sound;

    fn video(plan: &Plan) -> Video<'_> {
        Video {
            track: "240p",
            version: Digest::of(&[]),
            plan,
        }
    }

    #[test]
    fn a_player_finds_pictures_sounds_and_captions_in_the_multivariant_playlist() {
        let mut pictures = plan(picture(), 24, &[0, 240]);
        pictures.stills = Some(Stills {
            frames: 5,
            bandwidth: 50_000,
            average_bandwidth: 40_000,
        });
        pictures.slides = pictures.stills;
        let sounds = plan(sound(), 48, &[0, 480]);
        let vi = Language::parse("vi").unwrap();
        let audio = |track, with_video| Audio {
            track,
            version: Digest::of(&[]),
            plan: &sounds,
            language: &vi,
            with_video,
        };
        let text = master(&Offer {
            videos: vec![video(&pictures)],
            audios: vec![audio("audio", true), audio("audio-low", false)],
            captions: vec![Caption {
                language: &vi,
                version: Digest::of(&[]),
            }],
            duration_us: 10_000_000,
        });
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
            #EXT-X-STREAM-INF:BANDWIDTH=350000,AVERAGE-BANDWIDTH=240000,\
            CODECS=\"avc1.4D401F,mp4a.40.2\",RESOLUTION=426x240,FRAME-RATE=0.500,\
            AUDIO=\"audio\",SUBTITLES=\"subs\"\n240p/slides.m3u8\n\
            #EXT-X-STREAM-INF:BANDWIDTH=300000,AVERAGE-BANDWIDTH=200000,CODECS=\"mp4a.40.2\",\
            AUDIO=\"audio\",SUBTITLES=\"subs\"\naudio/playlist.m3u8\n\
            #EXT-X-STREAM-INF:BANDWIDTH=300000,AVERAGE-BANDWIDTH=200000,CODECS=\"mp4a.40.2\",\
            AUDIO=\"audio-low\",SUBTITLES=\"subs\"\naudio-low/playlist.m3u8\n\
            #EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=50000,AVERAGE-BANDWIDTH=40000,\
            CODECS=\"avc1.4D401F\",RESOLUTION=426x240,URI=\"240p/iframes.m3u8\"\n";
        assert_eq!(text, wanted);
    }

    #[test]
    fn a_silent_film_names_no_group_that_is_not_there() {
        let pictures = plan(picture(), 24, &[0, 240]);
        let silent = master(&Offer {
            videos: vec![video(&pictures)],
            duration_us: 10_000_000,
            ..Offer::default()
        });
        assert!(
            !silent.contains("AUDIO") && !silent.contains("SUBTITLES"),
            "{silent}"
        );
    }

    #[test]
    fn who_decodes_only_one_of_two_codecs_of_sound_still_has_every_picture() {
        let mut pictures = plan(picture(), 24, &[0, 240]);
        if let Codec::Video { range, .. } = &mut pictures.codec {
            *range = Some(VideoRange::Hlg);
        }
        let aac = plan(sound(), 48, &[0, 480]);
        let mut opus = plan(sound(), 48, &[0, 480]);
        opus.codec = Codec::Audio {
            name: "opus".to_owned(),
            channels: 2,
            sample_rate: 48_000,
        };
        let languages = ["vi", "en", "fr"].map(|l| Language::parse(l).unwrap());
        let audio = |at: usize, track, plan| Audio {
            track,
            version: Digest::of(&[]),
            plan,
            language: &languages[at],
            with_video: true,
        };
        let text = master(&Offer {
            videos: vec![video(&pictures)],
            audios: vec![
                audio(0, "audio", &aac),
                audio(1, "audio-en", &opus),
                audio(2, "audio-fr", &opus),
            ],
            duration_us: 10_000_000,
            ..Offer::default()
        });
        let lines = |start: &str| {
            text.lines()
                .filter(|l| l.starts_with(start))
                .collect::<Vec<_>>()
        };
        let sounds = lines("#EXT-X-MEDIA:TYPE=AUDIO");
        let wanted = [
            ("audio", "YES"),
            ("audio.opus", "YES"),
            ("audio.opus", "NO"),
        ];
        assert_eq!(sounds.len(), 3);
        for (line, (group, default)) in sounds.iter().zip(wanted) {
            assert!(line.contains(&format!("GROUP-ID=\"{group}\"")), "{line}");
            assert!(line.contains(&format!("DEFAULT={default}")), "{line}");
        }
        let variants = lines("#EXT-X-STREAM-INF");
        let wanted = [
            ("avc1.4D401F,mp4a.40.2", "audio"),
            ("avc1.4D401F,opus", "audio.opus"),
            ("mp4a.40.2", "audio"),
        ];
        assert_eq!(variants.len(), 3, "{text}");
        for (line, (codecs, group)) in variants.iter().zip(wanted) {
            assert!(line.contains(&format!("CODECS=\"{codecs}\"")), "{line}");
            assert!(line.contains(&format!("AUDIO=\"{group}\"")), "{line}");
            let range = line.contains("FRAME-RATE=24.000,VIDEO-RANGE=HLG");
            assert_eq!(range, codecs.starts_with("avc1"), "{line}");
        }
    }
}
