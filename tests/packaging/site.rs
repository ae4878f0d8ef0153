//! A lesson folder as players see it: playlists and manifests, fetched with everything they name,
//! played by ffmpeg.

use crate::FRAMES;
use crate::durations;
use crate::studio::Studio;
use crate::studio::hashes;
use crate::studio::probe;
use crate::studio::source;
use crate::studio::usual;
use lamplight::content::Config;
use lamplight::content::Library;
use lamplight::content::Lookup;
use lamplight::runtime;
use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

const BASE: &str = "media/thu/bai-mot";

/// A course of one lesson, in which `record` puts files.
fn lesson(studio: &Studio, record: &[(&str, String)]) -> PathBuf {
    let lesson = studio.path("content/thu/01-bai-mot");
    fs::create_dir_all(&lesson).unwrap();
    let course = "title = \"Thử\"\nlanguages = [\"vi\", \"en\"]\n";
    fs::write(studio.path("content/thu/course.toml"), course).unwrap();
    let cue = "WEBVTT\n\n00:01.000 --> 00:04.000\nXin chào\n";
    fs::write(lesson.join("captions.vi.vtt"), cue).unwrap();
    for (name, how) in record {
        let made = studio.record(name, how);
        fs::rename(made, lesson.join(name)).unwrap();
    }
    lesson
}

/// Everything that the playlists and the manifest of the lesson name, as files; returns the folder
/// of the lesson's.
fn site(studio: &Studio) -> PathBuf {
    let config = Config {
        dir: studio.path("content"),
        ..Config::default()
    };
    let library = Library::open(config).unwrap();
    assert_eq!(library.catalogue().problems(), []);
    let root = studio.path("site");
    for name in ["master.m3u8", "manifest.mpd"] {
        runtime::block_on(mirror(&library, &root, &format!("/{BASE}/{name}")));
    }
    root.join(BASE)
}

/// Writes a playlist and everything it names below `root`, as a cache would.
async fn mirror(library: &Arc<Library>, root: &Path, url: &str) {
    let mut waiting = vec![url.to_owned()];
    let mut seen = HashSet::new();
    while let Some(url) = waiting.pop() {
        if !seen.insert(url.clone()) {
            continue;
        }
        let path = lamplight::content::Path::parse(&url).unwrap_or_else(|| panic!("{url}"));
        let chunk = match library.find(&path, runtime::now()) {
            Lookup::Hit(chunk) => chunk,
            Lookup::Miss(building) => building.await.unwrap(),
            nothing @ (Lookup::File(_) | Lookup::Gone | Lookup::NotFound) => {
                panic!("{url}: {nothing:?}")
            }
        };
        let bytes = chunk.bytes();
        let place = root.join(&url[1..]);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(&place, &bytes).unwrap();
        let (folder, _) = url.rsplit_once('/').unwrap();
        let text = String::from_utf8_lossy(&bytes);
        if url.ends_with(".m3u8") {
            for line in text.lines() {
                let named = line
                    .split("URI=\"")
                    .nth(1)
                    .and_then(|rest| rest.split('"').next());
                let plain = (!line.starts_with('#') && !line.is_empty()).then_some(line);
                waiting.extend(named.or(plain).map(|name| format!("{folder}/{name}")));
            }
        }
        if url.ends_with(".mpd") {
            let bases = text.split("<BaseURL>").skip(1);
            let bases = bases.filter_map(|rest| rest.split('<').next());
            waiting.extend(bases.map(|name| format!("{folder}/{name}")));
        }
    }
}

fn usual_lesson(studio: &Studio) -> PathBuf {
    let picture = |size| format!("{} {}", source(size, "24", "10"), usual(24));
    let record = [
        ("video-90p.mp4", picture("160x90")),
        ("video-180p.mp4", picture("320x180")),
        (
            "audio-en.m4a",
            "-f lavfi -i sine=f=880:r=44100:d=10 -c:a aac".to_owned(),
        ),
    ];
    lesson(studio, &record)
}

fn pictures(frames: Vec<(i64, String)>) -> Vec<String> {
    frames.into_iter().map(|(_, hash)| hash).collect()
}

#[test]
fn a_player_plays_the_whole_lesson_from_its_playlists() {
    let studio = Studio::new();
    let lesson = usual_lesson(&studio);
    let site = site(&studio);
    let master = site.join("master.m3u8");
    let streams = probe(
        &master,
        "-show_entries stream=codec_type,width,height -allowed_extensions ALL",
    );
    for wanted in ["video,160,90", "video,320,180", "audio"] {
        assert!(
            streams.iter().any(|s| s.starts_with(wanted)),
            "{wanted}: {streams:?}"
        );
    }
    let text = fs::read_to_string(&master).unwrap();
    assert!(text.contains("LANGUAGE=\"en\",DEFAULT=NO"), "{text}");
    assert!(
        text.contains("TYPE=SUBTITLES,GROUP-ID=\"subs\",NAME=\"Tiếng Việt\""),
        "{text}"
    );
    for stream in ["0:v:0", "0:v:1"] {
        let frames = hashes(&master, &format!("-map {stream} -fps_mode passthrough"));
        assert_eq!(frames.len(), 240, "{stream}");
    }
    let own = hashes(&lesson.join("video-90p.mp4"), FRAMES);
    let played = hashes(&site.join("90p/playlist.m3u8"), FRAMES);
    assert_eq!(pictures(played), pictures(own));
}

/// Frames or sounds (one a line) that ffprobe finds in each segment of a playlist, behind its
/// initialisation segment alone.
fn probed(studio: &Studio, playlist: &Path) -> Vec<usize> {
    let text = fs::read_to_string(playlist).unwrap();
    let folder = playlist.parent().unwrap();
    let init = text
        .lines()
        .find_map(|line| line.strip_prefix("#EXT-X-MAP:URI=\""));
    let init = fs::read(folder.join(init.unwrap().split('"').next().unwrap())).unwrap();
    let mut found = Vec::new();
    let mut seen = HashSet::new();
    let names = text.lines().filter(|line| line.ends_with(".m4s"));
    for name in names.filter(|name| seen.insert(*name)) {
        let alone = studio.path("alone.mp4");
        let segment = fs::read(folder.join(name)).unwrap();
        fs::write(&alone, [&init[..], &segment].concat()).unwrap();
        let packets = probe(&alone, "-show_entries packet=flags");
        assert!(
            packets[0].starts_with('K'),
            "{name} begins with {packets:?}"
        );
        found.push(packets.len());
    }
    found
}

#[test]
fn ffprobe_accepts_every_segment_of_every_rendition() {
    let studio = Studio::new();
    let lesson = usual_lesson(&studio);
    let site = site(&studio);
    for (track, file, of) in [
        ("90p", "video-90p.mp4", "v"),
        ("180p", "video-180p.mp4", "v"),
        ("audio", "video-180p.mp4", "a"),
        ("audio-en", "audio-en.m4a", "a"),
    ] {
        let found = probed(&studio, &site.join(track).join("playlist.m3u8"));
        assert_eq!(found.len(), 3, "{track}: {found:?}");
        let how = format!("-select_streams {of} -show_entries packet=flags");
        let own = probe(&lesson.join(file), &how);
        assert_eq!(found.iter().sum::<usize>(), own.len(), "{track}");
        if of == "v" {
            // A key frame every two seconds.
            let stills = probed(&studio, &site.join(track).join("iframes.m3u8"));
            assert_eq!(stills.iter().sum::<usize>(), 5, "{track}: {stills:?}");
        }
    }
}

#[test]
fn sounds_of_two_codecs_are_groups_of_their_own_with_every_picture() {
    let studio = Studio::new();
    let opus = "-map 1:a -c:a libopus -b:a 48k -movflags +faststart -f mp4";
    let both = source("160x90", "24", "8");
    let record = [
        ("video.mp4", format!("{both} {}", usual(24))),
        ("audio-en.m4a", format!("{both} {opus}")),
    ];
    let lesson = lesson(&studio, &record);
    let site = site(&studio);
    let master = fs::read_to_string(site.join("master.m3u8")).unwrap();
    for (codecs, group) in [("mp4a.40.2", "audio"), ("opus", "audio.opus")] {
        let of = |line: &&str| {
            line.contains(&format!(",{codecs}\"")) && line.contains(&format!("AUDIO=\"{group}\""))
        };
        let pictures = master
            .lines()
            .filter(|l| l.contains("RESOLUTION"))
            .filter(of);
        assert_eq!(pictures.count(), 2, "moving and slides, {group}: {master}");
    }
    let packets = |path: &Path| {
        let packets = hashes(path, "-map 0:a:0 -c copy");
        packets
            .into_iter()
            .map(|(_, hash)| hash)
            .collect::<Vec<_>>()
    };
    let played = packets(&site.join("audio-en/playlist.m3u8"));
    assert_eq!(played, packets(&lesson.join("audio-en.m4a")));
}

#[test]
fn a_player_plays_the_same_frames_from_the_dash_manifest() {
    let studio = Studio::new();
    let lesson = usual_lesson(&studio);
    let manifest = site(&studio).join("manifest.mpd");
    let text = fs::read_to_string(&manifest).unwrap();
    for wanted in [
        "mediaPresentationDuration=\"PT10.000000S\"",
        "frameRate=\"24\" sar=\"1:1\"",
        "<S t=\"0\" d=\"49152\" r=\"1\"/>",
        "lang=\"en\"",
        "value=\"dub\"",
        "mimeType=\"text/vtt\" lang=\"vi\"",
        "http://dashif.org/guidelines/trickmode",
    ] {
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
    let streams = probe(&manifest, "-show_entries stream=codec_type:stream_tags=id");
    let named = |kind: &str| -> Vec<String> {
        let own = streams.iter().filter_map(|s| s.split_once(','));
        let own = own.filter(|(of, _)| *of == kind);
        own.map(|(_, id)| id.to_owned()).collect()
    };
    assert_eq!(named("audio"), ["audio", "audio-en"], "{streams:?}");
    assert_eq!(named("subtitle"), ["subs-vi"]);
    let videos = named("video");
    assert!(videos.iter().any(|id| id == "90p-stills"), "{videos:?}");
    for (id, file) in [("90p", "video-90p.mp4"), ("180p", "video-180p.mp4")] {
        let at = videos.iter().position(|video| video == id).unwrap();
        let how = format!("-map 0:v:{at} -fps_mode passthrough -enc_time_base -1 -copyts");
        let own = pictures(hashes(&lesson.join(file), FRAMES));
        assert_eq!(pictures(hashes(&manifest, &how)), own, "{id}");
    }
}

#[test]
fn sounds_of_several_languages_in_one_file_are_offered_each() {
    let studio = Studio::new();
    let inputs = "-f lavfi -i testsrc2=s=64x64:r=10:d=5 -f lavfi -i sine=f=440:r=48000:d=5 \
                  -f lavfi -i sine=f=880:r=48000:d=5 -map 0 -map 1 -map 2";
    let told = "-metadata:s:a:0 language=eng -metadata:s:a:1 language=vie";
    let film = format!("{inputs} {} {told}", usual(10));
    let lesson = lesson(&studio, &[("video.mp4", film)]);
    let site = site(&studio);
    let master = fs::read_to_string(site.join("master.m3u8")).unwrap();
    assert!(
        master.contains("LANGUAGE=\"vi\",DEFAULT=YES")
            && master.contains("LANGUAGE=\"en\",DEFAULT=NO"),
        "{master}"
    );
    for (track, stream) in [("audio", "0:a:1"), ("audio-en", "0:a:0")] {
        let packets = |path: &Path, stream: &str| {
            let packets = hashes(path, &format!("-map {stream} -c copy"));
            packets
                .into_iter()
                .map(|(_, hash)| hash)
                .collect::<Vec<_>>()
        };
        let played = packets(&site.join(track).join("playlist.m3u8"), "0:a:0");
        assert_eq!(
            played,
            packets(&lesson.join("video.mp4"), stream),
            "{track}"
        );
    }
}

#[test]
fn a_slideshow_is_offered_where_moving_pictures_cost_much_more() {
    let studio = Studio::new();
    // Noise moves in every frame: key frames are a small part of it.
    let noise = |size: &str| {
        format!(
            "-f lavfi -i nullsrc=s={size}:r=24:d=12,geq=random(1)*255:128:128 -c:v libx264 \
             -preset ultrafast -g 48 -keyint_min 48 -sc_threshold 0 -pix_fmt yuv420p -qp 30"
        )
    };
    let record = [
        ("video-1.mp4", noise("64x48")),
        ("video-2.mp4", noise("80x60")),
    ];
    let lesson = lesson(&studio, &record);
    let site = site(&studio);
    let master = fs::read_to_string(site.join("master.m3u8")).unwrap();
    let variants: Vec<&str> = master
        .lines()
        .filter(|line| line.starts_with("#EXT-X-STREAM-INF"))
        .collect();
    assert!(
        variants.len() == 3 && variants[2].contains("FRAME-RATE=0.500"),
        "{master}"
    );
    assert!(master.contains("\n2/slides.m3u8\n"), "{master}");
    let slides = fs::read_to_string(site.join("2/slides.m3u8")).unwrap();
    let moving = fs::read_to_string(site.join("2/playlist.m3u8")).unwrap();
    assert_eq!(durations(&slides), durations(&moving));
    assert_eq!(probed(&studio, &site.join("2/slides.m3u8")), [2, 2, 2]);
    let shown = hashes(&site.join("2/slides.m3u8"), FRAMES);
    let own = hashes(&lesson.join("video-2.mp4"), FRAMES);
    assert_eq!(shown.len(), 6);
    let every_second = own.iter().step_by(48).map(|(_, hash)| hash);
    assert!(shown.iter().map(|(_, hash)| hash).eq(every_second));
}
