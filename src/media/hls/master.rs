//! The multivariant playlist.

use crate::media::Audio;
use crate::media::Codec;
use crate::media::Offer;
use crate::media::Video;
use crate::media::hls::line;

/// The multivariant playlist: pictures as given, the smallest first, so that a player begins with
/// one that any network carries, each with the group of sounds; key frames alone where that is much
/// less; then sound alone. I-frame playlists for all pictures.
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
    for video in &offer.videos {
        let rates = (video.plan.bandwidth, video.plan.average_bandwidth);
        let frames = video.plan.frames_per_1000_s();
        variant(&mut out, offer, video, rates, frames, "playlist");
    }
    if let Some((video, stills)) = offer.slides() {
        let rates = (stills.bandwidth, stills.average_bandwidth);
        let frames = video.plan.per_1000_s(stills.frames);
        variant(&mut out, offer, video, rates, frames, "slides");
    }
    alone(&mut out, offer);
    for video in &offer.videos {
        key_frames(&mut out, video);
    }
    out
}

fn sound(out: &mut String, offer: &Offer<'_>, audio: &Audio<'_>) {
    let default = if !audio.with_video || offer.is_main(audio) {
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
            group(audio),
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
    video: &Video<'_>,
    (peak, average): (u64, u64),
    frames_per_1000_s: u64,
    playlist: &str,
) {
    let sounds = || offer.audios.iter().filter(|a| a.with_video);
    let peak = peak + sounds().map(|a| a.plan.bandwidth).max().unwrap_or(0);
    let average = average
        + sounds()
            .map(|a| a.plan.average_bandwidth)
            .max()
            .unwrap_or(0);
    let mut codecs = vec![video.plan.codec.name()];
    for name in sounds().map(|a| a.plan.codec.name()) {
        if !codecs.contains(&name) {
            codecs.push(name);
        }
    }
    let codecs = codecs.join(",");
    let (width, height) = video.plan.resolution();
    let sound = if sounds().next().is_some() {
        ",AUDIO=\"audio\""
    } else {
        ""
    };
    line(
        out,
        format_args!(
            "#EXT-X-STREAM-INF:BANDWIDTH={peak},AVERAGE-BANDWIDTH={average},CODECS=\"{codecs}\",\
             RESOLUTION={width}x{height},FRAME-RATE={}.{:03}{sound}{}\n{}/{playlist}.m3u8",
            frames_per_1000_s / 1000,
            frames_per_1000_s % 1000,
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
                group(audio),
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
             RESOLUTION={width}x{height},URI=\"{}/iframes.m3u8\"",
            stills.bandwidth,
            stills.average_bandwidth,
            video.plan.codec.name(),
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

/// Sounds that play with the pictures are one group; each other is a group of its own.
const fn group<'a>(audio: &Audio<'a>) -> &'a str {
    if audio.with_video {
        "audio"
    } else {
        audio.track
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
}
