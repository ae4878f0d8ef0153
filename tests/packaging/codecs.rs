//! Every codec that is passed through, as ffmpeg's encoders make it.

use crate::PACKETS_A;
use crate::same_picture;
use crate::studio::Studio;
use crate::studio::audio;
use crate::studio::hashes;
use crate::studio::open;
use crate::studio::plan_audio;
use crate::studio::probe;
use crate::studio::samples;
use crate::studio::source;
use crate::studio::stream;
use lamplight::media::VideoRange;
use std::fs;

#[test]
fn pictures_of_every_codec_come_out_as_they_went_in() {
    let studio = Studio::new();
    let small = source("160x120", "10", "5");
    let x265 = "-c:v libx265 -preset ultrafast -x265-params log-level=error:keyint=20:open-gop=0";
    let x264 = "-c:v libx264 -preset ultrafast -g 20";
    let aom = "-c:v libaom-av1 -cpu-used 8 -usage realtime -g 20 -row-mt 0";
    for (name, how) in [
        (
            "hvc1.1.6.L30.90",
            format!("{x265} -pix_fmt yuv420p -tag:v hvc1"),
        ),
        (
            "hev1.1.6.L30.90",
            format!("{x265} -pix_fmt yuv420p -tag:v hev1"),
        ),
        (
            "hvc1.2.4.L30.90",
            format!("{x265} -pix_fmt yuv420p10le -tag:v hvc1"),
        ),
        ("av01.0.00M.08", format!("{aom} -pix_fmt yuv420p")),
        ("av01.0.00M.10", format!("{aom} -pix_fmt yuv420p10le")),
        (
            "avc1.42C00A",
            format!("{x264} -profile:v baseline -pix_fmt yuv420p"),
        ),
        (
            "avc3.42C00A",
            format!("{x264} -profile:v baseline -pix_fmt yuv420p -tag:v avc3"),
        ),
        (
            "avc1.64000A",
            format!("{x264} -coder 1 -x264-params 8x8dct=1 -pix_fmt yuv420p"),
        ),
    ] {
        let made = format!("{small} -map 0:v {how} -movflags +faststart");
        let plan = same_picture(&studio, &studio.record("v.mp4", &made));
        assert_eq!(plan.codec.name(), name);
        assert!(plan.segments() >= 1, "{name}");
        // Alone, and in fragments.
        let made = format!("{small} -map 0:v {how} -movflags +frag_keyframe+delay_moov");
        let plan = same_picture(&studio, &studio.record("f.mp4", &made));
        assert_eq!(plan.codec.name(), name);
    }
}

#[test]
fn opus_comes_out_as_it_went_in() {
    let studio = Studio::new();
    let how = "-map 1:a -c:a libopus -b:a 48k -ac 2 -movflags +faststart";
    let from = studio.record("a.mp4", &format!("{} {how}", source("64x64", "10", "9")));
    let file = fs::read(&from).unwrap();
    let track = audio(&open(&file).unwrap());
    let plan = plan_audio(&track, &[]);
    assert_eq!((plan.codec.name(), plan.segments()), ("opus", 3));
    let out = studio.path("packaged.mp4");
    fs::write(&out, stream(&file, &track, &plan)).unwrap();
    let shown = probe(&out, "-show_entries stream=codec_name,sample_rate,channels");
    assert_eq!(shown, ["opus,48000,2"]);
    let packets = |path| hashes(path, PACKETS_A).into_iter().map(|(_, hash)| hash);
    assert!(packets(&out).eq(packets(&from)));
    let (own, packaged) = (samples(&from), samples(&out));
    assert!(
        own.len().abs_diff(packaged.len()) <= 648,
        "{} {}",
        own.len(),
        packaged.len()
    );
    // Opus needs 80 ms to be exact again after another beginning.
    let behind = |sound: &[i16]| sound[sound.len() - 48_000 * 8..].to_vec();
    assert_eq!(behind(&packaged), behind(&own));
}

#[test]
fn pixels_that_are_not_square_are_known() {
    let studio = Studio::new();
    let how = "-map 0:v -vf setsar=4/3 -c:v libx264 -preset ultrafast -pix_fmt yuv420p";
    let from = studio.record("v.mp4", &format!("{} {how}", source("144x120", "10", "1")));
    let plan = same_picture(&studio, &from);
    let lamplight::media::Codec::Video { pixel, .. } = plan.codec else {
        panic!("no picture");
    };
    assert_eq!(pixel, (4, 3));
}

#[test]
fn how_bright_a_picture_may_be_is_known_where_the_file_says_it() {
    let studio = Studio::new();
    for (transfer, wanted) in [
        ("bt709", Some(VideoRange::Sdr)),
        ("arib-std-b67", Some(VideoRange::Hlg)),
        ("smpte2084", Some(VideoRange::Pq)),
    ] {
        let how = format!(
            "-map 0:v -c:v libx265 -preset ultrafast -x265-params log-level=error -tag:v hvc1 \
             -pix_fmt yuv420p10le -color_primaries bt2020 -color_trc {transfer} \
             -colorspace bt2020nc -movflags +faststart+write_colr"
        );
        let from = studio.record("v.mp4", &format!("{} {how}", source("144x120", "10", "1")));
        let plan = same_picture(&studio, &from);
        let lamplight::media::Codec::Video { range, .. } = plan.codec else {
            panic!("no picture");
        };
        assert_eq!(range, wanted, "{transfer}");
    }
}
