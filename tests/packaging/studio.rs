//! Recordings made with ffmpeg, packaging in memory, and ffmpeg's word about the result.

use lamplight::media::Fragment;
use lamplight::media::Movie;
use lamplight::media::Plan;
use lamplight::media::Refused;
use lamplight::media::Scan;
use lamplight::media::Track;
use lamplight::media::align;
use lamplight::media::follow;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use tempfile::TempDir;

/// Segment target of all tests.
pub(crate) const TARGET_MS: u32 = 4000;

/// A scratch folder and the recordings in it.
pub(crate) struct Studio {
    dir: TempDir,
}

impl Studio {
    pub(crate) fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Runs ffmpeg with `arguments` (split at blanks) to make `name`.
    pub(crate) fn record(&self, name: &str, arguments: &str) -> PathBuf {
        let out = self.path(name);
        let mut command = Command::new("ffmpeg");
        command.args(["-v", "error", "-y", "-nostdin"]);
        command.args(arguments.split_whitespace()).arg(&out);
        let output = command
            .output()
            .expect("ffmpeg is installed (Debian package ffmpeg)");
        let words = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "ffmpeg {arguments}: {words}");
        out
    }
}

pub(crate) fn at(n: u64) -> usize {
    usize::try_from(n).unwrap()
}

pub(crate) fn open(file: &[u8]) -> Result<Movie, Refused> {
    let mut scan = Scan::new(file.len() as u64);
    while let Some(range) = scan.wants() {
        scan.feed(&file[at(range.start)..at(range.end)])?;
    }
    scan.finish().map(|(movie, _)| movie)
}

pub(crate) fn video(movie: &Movie) -> Track {
    movie.video.clone().unwrap().unwrap()
}

pub(crate) fn audio(movie: &Movie) -> Track {
    movie.audio[0].clone().unwrap()
}

pub(crate) fn plan_video(track: &Track) -> Plan {
    let starts = align(&[track], TARGET_MS).unwrap().remove(0).unwrap();
    Plan::new(track, &starts).unwrap()
}

pub(crate) fn plan_audio(track: &Track, times: &[u64]) -> Plan {
    Plan::new(track, &follow(track, times, TARGET_MS).unwrap()).unwrap()
}

pub(crate) fn segment(file: &[u8], track: &Track, plan: &Plan, n: u32) -> Vec<u8> {
    let fragment = Fragment::new(track, plan, n).unwrap();
    let mut bytes = fragment.header.clone();
    for range in &fragment.ranges {
        bytes.extend_from_slice(&file[at(range.start)..at(range.end)]);
    }
    assert_eq!(bytes.len() as u64, fragment.len());
    assert_eq!(bytes.len() as u64, u64::from(plan.cuts[n as usize].bytes));
    bytes
}

/// The whole track as a player gets it.
pub(crate) fn stream(file: &[u8], track: &Track, plan: &Plan) -> Vec<u8> {
    let mut bytes = plan.init.to_vec();
    for n in 0..plan.segments() {
        bytes.extend(segment(file, track, plan, n));
    }
    assert!(Fragment::new(track, plan, plan.segments()).is_none());
    bytes
}

/// (pts, hash) of every frame or packet, pts in units of the stream.
pub(crate) fn hashes(path: &Path, arguments: &str) -> Vec<(i64, String)> {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-nostdin"]);
    command.args(allowed(path)).arg("-i").arg(path);
    command
        .args(arguments.split_whitespace())
        .args(["-f", "framemd5", "-"]);
    let output = command.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && errors.is_empty(),
        "{}: {errors}",
        path.display()
    );
    let text = String::from_utf8(output.stdout).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let fields = lines.map(|line| {
        let fields: Vec<&str> = line.split(',').map(str::trim).collect();
        (fields[2].parse().unwrap(), fields[5].to_owned())
    });
    fields.collect()
}

/// ffmpeg reads no captions from a manifest unless it is told that it may.
fn allowed(path: &Path) -> &'static [&'static str] {
    if path.extension().is_some_and(|e| e == "mpd") {
        &["-allowed_extensions", "ALL"]
    } else {
        &[]
    }
}

/// What ffprobe prints of `entries`, one line a stream or frame.
pub(crate) fn probe(path: &Path, arguments: &str) -> Vec<String> {
    let mut command = Command::new("ffprobe");
    command.args(["-v", "error", "-of", "csv=p=0"]);
    command.args(allowed(path));
    command.args(arguments.split_whitespace()).arg(path);
    let output = command.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && errors.is_empty(),
        "{}: {errors}",
        path.display()
    );
    let text = String::from_utf8(output.stdout).unwrap();
    let lines = text.lines().filter(|line| !line.is_empty());
    lines.map(str::to_owned).collect()
}

/// Decoded sound as signed 16-bit samples of one channel.
pub(crate) fn samples(path: &Path) -> Vec<i16> {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-nostdin", "-i"]).arg(path);
    command.args(["-map", "0:a:0", "-ac", "1", "-f", "s16le", "-"]);
    let output = command.output().unwrap();
    assert!(output.status.success());
    let pairs = output.stdout.chunks_exact(2);
    pairs
        .map(|pair| i16::from_le_bytes([pair[0], pair[1]]))
        .collect()
}

/// A picture that changes all the time, of that size and rate, and a tone.
pub(crate) fn source(size: &str, rate: &str, seconds: &str) -> String {
    format!(
        "-f lavfi -i testsrc2=s={size}:r={rate}:d={seconds} \
         -f lavfi -i sine=f=440:r=48000:d={seconds}"
    )
}

/// The usual encoding: B-frames, a closed GOP every 2 s at `rate` frames a second.
pub(crate) fn usual(rate: u32) -> String {
    format!(
        "-c:v libx264 -preset ultrafast -bf 3 -b_strategy 0 -g {gop} -keyint_min {gop} \
         -sc_threshold 0 -pix_fmt yuv420p -c:a aac -b:a 64k -movflags +faststart",
        gop = rate * 2
    )
}
