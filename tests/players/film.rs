//! A course whose film tells what it is: every picture carries its own number and the name of its
//! rendition as black and white fields, every second of sound is a tone of its own, every caption
//! says its language and its place. So a harness can compare what is shown, heard and read with
//! what should be.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;

/// Folder with the courses `film` and `coded`, made once and kept below `target/`.
pub fn folder() -> PathBuf {
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("film-{REVISION}"));
    if kept.join("coded/course.toml").exists() {
        return kept;
    }
    fs::create_dir_all(env!("CARGO_TARGET_TMPDIR")).unwrap();
    // Made beside its place and moved there whole: a run that was broken off leaves no half film.
    let making = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let course = making.path().join("film");
    let lesson = course.join("01-film");
    fs::create_dir_all(&lesson).unwrap();
    for (at, rendition) in RENDITIONS.iter().enumerate() {
        let file = lesson.join(format!("video-{}p.mp4", rendition.height));
        record(at, SECONDS, &format!("{X264} -movflags +faststart"), &file);
    }
    for (name, base) in [("audio.m4a", TONE_VI_HZ), ("audio-en.m4a", TONE_EN_HZ)] {
        sing(
            base,
            SECONDS,
            "-c:a aac -movflags +faststart",
            &lesson.join(name),
        );
    }
    for language in ["vi", "en"] {
        let file = lesson.join(format!("captions.{language}.vtt"));
        fs::write(file, captions(language)).unwrap();
    }
    fs::write(course.join("course.toml"), COURSE).unwrap();
    coded(&making.path().join("coded"));
    fs::remove_dir_all(&kept).ok();
    fs::rename(making.path(), &kept).unwrap();
    kept
}

/// The beginning of the film in other codecs and another container, a lesson each.
fn coded(course: &Path) {
    for (lesson, picture, sound) in CODED {
        let lesson = course.join(lesson);
        fs::create_dir_all(&lesson).unwrap();
        record(CODED_AT, CODED_SECONDS, picture, &lesson.join("video.mp4"));
        sing(TONE_VI_HZ, CODED_SECONDS, sound, &lesson.join("audio.m4a"));
    }
    fs::write(course.join("course.toml"), COURSE).unwrap();
}

/// One rendition of the film.
pub struct Rendition {
    pub width: usize,
    pub height: usize,
    /// Kilobits a second.
    rate: u32,
}

/// Rising, all in one shape.
pub const RENDITIONS: [Rendition; 3] = [
    Rendition {
        width: 160,
        height: 90,
        rate: 60,
    },
    Rendition {
        width: 320,
        height: 180,
        rate: 300,
    },
    Rendition {
        width: 640,
        height: 360,
        rate: 1500,
    },
];
/// Pictures a second.
pub const FPS: usize = 25;
/// Length of the film.
pub const SECONDS: usize = 60;
/// The tone of second `n` is this plus `n * TONE_STEP_HZ`, in the lesson's own language.
pub const TONE_VI_HZ: usize = 400;
/// The same for the other language.
pub const TONE_EN_HZ: usize = 2400;
/// See `TONE_VI_HZ`.
pub const TONE_STEP_HZ: usize = 30;

/// Rises with every change of what is made here.
const REVISION: u32 = 3;
/// Key frames every two seconds, pictures sent in another order than they are shown.
const X264: &str = "-c:v libx264 -preset veryfast -bf 2 -g 50 -keyint_min 50 -sc_threshold 0 \
                    -pix_fmt yuv420p";
/// Lessons of `coded`, with their pictures and sounds.
const CODED: [(&str, &str, &str); 2] = [
    (
        "01-av1",
        "-c:v libaom-av1 -usage realtime -cpu-used 8 -g 50 -keyint_min 50 -pix_fmt yuv420p",
        "-c:a libopus",
    ),
    (
        "02-fragments",
        "-c:v libx264 -preset veryfast -bf 2 -g 50 -keyint_min 50 -sc_threshold 0 \
         -pix_fmt yuv420p -movflags +frag_keyframe+delay_moov+default_base_moof",
        "-c:a aac -movflags +empty_moov+default_base_moof -frag_duration 1000000",
    ),
];
/// Which of the renditions the lessons of `coded` are.
pub const CODED_AT: usize = 1;
/// Their length.
pub const CODED_SECONDS: usize = 20;
const COLUMNS: usize = 10;
const ROWS: usize = 6;
const COURSE: &str = "languages = [\"vi\", \"en\"]\ntitle = \"Film\"\n";

/// Encodes the beginning of the film in one size.
fn record(at: usize, seconds: usize, coder: &str, file: &Path) {
    let Rendition {
        width,
        height,
        rate,
    } = RENDITIONS[at];
    let mut ffmpeg = Command::new("ffmpeg")
        .args(["-v", "error", "-f", "rawvideo", "-pix_fmt", "yuv420p"])
        .args(["-s", &format!("{width}x{height}"), "-r", &FPS.to_string()])
        .args(["-i", "-"])
        .args(coder.split_whitespace())
        .args(["-b:v", &format!("{rate}k"), "-maxrate"])
        .args([format!("{rate}k"), "-bufsize".into(), format!("{rate}k")])
        .arg(file)
        .stdin(Stdio::piped())
        .spawn()
        .expect("`ffmpeg` is missing: install the Debian package ffmpeg, or run `make test`");
    let noise = noise(width * height * 2);
    let mut stdin = ffmpeg.stdin.take().unwrap();
    for n in 0..FPS * seconds {
        stdin
            .write_all(&picture(width, height, n, at, &noise))
            .unwrap();
    }
    drop(stdin);
    assert!(ffmpeg.wait().unwrap().success(), "{}", file.display());
}

/// Picture `n` of rendition `at`, planar 4:2:0: two rows of fields above, noise below.
fn picture(width: usize, height: usize, n: usize, at: usize, noise: &[u8]) -> Vec<u8> {
    let mut plane = vec![128_u8; width * height * 3 / 2];
    let code = code(n, at);
    let top = height * 2 / ROWS;
    for (y, row) in plane.chunks_mut(width).take(top).enumerate() {
        for (column, field) in row.chunks_mut(width / COLUMNS).enumerate() {
            let bit = y * ROWS / height * COLUMNS + column;
            field.fill(if code >> bit & 1 == 1 { 235 } else { 16 });
        }
    }
    let from = (n * 7919) % (width * height);
    let rest = width * (height - top);
    plane[width * top..width * height].copy_from_slice(&noise[from..from + rest]);
    plane
}

/// Twenty bits: the picture's number, its rendition, a check over both.
fn code(n: usize, at: usize) -> usize {
    n | at << 12 | ((n * 7 + at * 13) & 63) << 14
}

/// Bytes around grey that no encoder can foresee (xorshift).
fn noise(len: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_u32;
    let mut bytes = Vec::with_capacity(len);
    bytes.resize_with(len, || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        96 + (state >> 26) as u8
    });
    bytes
}

/// Sound of one language.
fn sing(base: usize, seconds: usize, coder: &str, file: &Path) {
    let tone =
        format!("aevalsrc='sin(2*PI*({base}+{TONE_STEP_HZ}*floor(t))*t)*0.5':s=48000:d={seconds}");
    let done = Command::new("ffmpeg")
        .args(["-v", "error", "-f", "lavfi", "-i", &tone])
        .args(coder.split_whitespace())
        .args(["-b:a", "64k", "-f", "mp4"])
        .arg(file)
        .status();
    assert!(done.unwrap().success(), "{}", file.display());
}

/// Cue `n` stands from `2n + 0.2` to `2n + 1.8` seconds and says the language and `n`.
fn captions(language: &str) -> String {
    let mut text = String::from("WEBVTT\n");
    for n in 0..SECONDS / 2 {
        let stamp = |tenths: usize| {
            let ms = n * 2_000 + tenths * 100;
            format!("00:{:02}.{:03}", ms / 1_000, ms % 1_000)
        };
        write!(text, "\n{} --> {}\n{language} {n}\n", stamp(2), stamp(18)).unwrap();
    }
    text
}
