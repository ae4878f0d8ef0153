//! Packaging on one core: reading an index, planning, one segment, playlists, finding a chunk, and
//! how many bytes a second of segments a node can make.
//!
//! Method: the bundled course's largest rendition, held in memory, so that no disk is measured; the
//! playlist and the manifest are those of an hour of four-second segments; the look-up is a hit in
//! the chunk cache. Capacity: a fragmented recording of segments of one MiB in a scratch folder;
//! cold means read from the kernel's memory, cut, hashed and given to whoever asked, with a chunk
//! cache too small to keep it; cached means found. Reads and bytes copied for a segment of each
//! rendition are counted by the library and printed.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a benchmark; whatever is missing stops it"
)]

use criterion::Criterion;
use criterion::Throughput;
use criterion::criterion_group;
use criterion::criterion_main;
use lamplight::base::digest::Digest;
use lamplight::base::metrics::Source as _;
use lamplight::content::Config;
use lamplight::content::Library;
use lamplight::content::Lookup;
use lamplight::content::Path;
use lamplight::media::Captions;
use lamplight::media::Cut;
use lamplight::media::Fragment;
use lamplight::media::Movie;
use lamplight::media::Offer;
use lamplight::media::Plan;
use lamplight::media::Scan;
use lamplight::media::Still;
use lamplight::media::Track;
use lamplight::media::Video;
use lamplight::media::align;
use lamplight::media::dash;
use lamplight::media::hls;
use lamplight::runtime;
#[path = "media/long.rs"]
mod long;

use std::fs;
use std::hint::black_box;
use std::ops::Range;
use std::path;
use std::sync::Arc;

const LESSON: &str = "content/ky-nang-so/01-mat-khau";

fn slice(file: &[u8], range: &Range<u64>) -> Range<usize> {
    let place = |at: u64| usize::try_from(at).unwrap().min(file.len());
    place(range.start)..place(range.end)
}

fn scanned(file: &[u8]) -> Movie {
    let mut scan = Scan::new(file.len() as u64);
    while let Some(range) = scan.wants() {
        scan.feed(&file[slice(file, &range)]).unwrap();
    }
    scan.finish().unwrap().0
}

fn packaging(c: &mut Criterion) {
    let file = fs::read(format!("{LESSON}/video-720p.mp4")).unwrap();
    let track: Track = scanned(&file).video.unwrap().unwrap();
    let starts = align(&[&track], 4000).unwrap().remove(0).unwrap();
    let plan = Plan::new(&track, &starts).unwrap();

    let mut group = c.benchmark_group("index");
    group.throughput(Throughput::Elements(track.frames().into()));
    group.bench_function("parse", |b| {
        b.iter(|| scanned(black_box(&file)));
    });
    let (fragments, frames) = long::recording(&track, 100, 1000);
    group.throughput(Throughput::Elements(frames));
    group.bench_function("parse, fragmented", |b| {
        b.iter(|| scanned(black_box(&fragments)));
    });
    group.throughput(Throughput::Elements(track.frames().into()));
    group.bench_function("cut and plan", |b| {
        b.iter(|| {
            let starts = align(&[black_box(&track)], 4000)
                .unwrap()
                .remove(0)
                .unwrap();
            Plan::new(&track, &starts).unwrap()
        });
    });
    group.finish();

    let mut group = c.benchmark_group("segment");
    let bytes = Fragment::new(&track, &plan, 3).unwrap().len();
    group.throughput(Throughput::Bytes(bytes));
    group.bench_function("byte plan", |b| {
        b.iter(|| Fragment::new(&track, &plan, black_box(3)).unwrap());
    });
    group.bench_function("built from memory", |b| {
        b.iter(|| {
            let fragment = Fragment::new(&track, &plan, black_box(3)).unwrap();
            let mut out = Vec::with_capacity(usize::try_from(fragment.len()).unwrap());
            out.extend_from_slice(&fragment.header);
            for range in &fragment.ranges {
                out.extend_from_slice(&file[slice(&file, range)]);
            }
            out
        });
    });
    group.bench_function("key frames planned", |b| {
        b.iter(|| Still::segment(&track, &plan, black_box(3)).unwrap());
    });
    let segment = vec![7_u8; usize::try_from(bytes).unwrap()];
    group.bench_function("validator", |b| {
        b.iter(|| Digest::of(&[black_box(&segment)]));
    });
    group.finish();
    playlists(c, plan);
}

fn playlists(c: &mut Criterion, mut plan: Plan) {
    let hour = |n: u32| Cut {
        sample: n * 96,
        bytes: 500_000,
        time: u64::from(n) * 4 * u64::from(plan.timescale),
    };
    plan.cuts = (0..900).map(hour).collect();
    plan.end = hour(900);
    let version = Digest::of(&[b"source"]);
    let mut group = c.benchmark_group("playlist");
    group.bench_function("of an hour", |b| {
        b.iter(|| hls::media(black_box(&plan), version));
    });
    let offer = || Offer {
        videos: vec![Video {
            track: "720p",
            version,
            plan: &plan,
        }],
        duration_us: plan.duration_us(),
        ..Offer::default()
    };
    group.bench_function("multivariant", |b| {
        b.iter(|| hls::master(black_box(&offer())));
    });
    group.bench_function("DASH manifest of an hour", |b| {
        b.iter(|| dash::manifest(black_box(&offer())));
    });
    let text = fs::read_to_string(format!("{LESSON}/captions.vi.vtt")).unwrap();
    group.bench_function("captions parsed and cut", |b| {
        b.iter(|| {
            Captions::parse(black_box(&text))
                .unwrap()
                .segment(0, 30_000)
        });
    });
    group.finish();
}

fn lookups(c: &mut Criterion) {
    let config = Config {
        dir: path::PathBuf::from("content"),
        ..Config::default()
    };
    let library = Library::open(config.clone()).unwrap();
    let catalogue = library.catalogue();
    let lesson = &catalogue.course("ky-nang-so").unwrap().lessons[0];
    let rendition = &lesson.renditions[2];
    let base = format!("/media/ky-nang-so/{}/{}", lesson.id, rendition.track);
    let url = format!("{base}/{}/3.m4s", rendition.version);
    for rendition in &lesson.renditions {
        let base = format!("/media/ky-nang-so/{}/{}", lesson.id, rendition.track);
        let url = format!("{base}/{}/5.m4s", rendition.version);
        copies(
            &library,
            &url,
            &format!("a segment of `{}`", rendition.track),
        );
    }
    let mut group = c.benchmark_group("library");
    group.bench_function("opened", |b| {
        b.iter(|| Library::open(config.clone()).unwrap());
    });
    runtime::block_on(async {
        if let Lookup::Miss(building) = library.find(&Path::parse(&url).unwrap(), runtime::now()) {
            building.await.unwrap();
        }
    });
    group.bench_function("hit", |b| {
        b.iter(|| {
            let found = library.find(&Path::parse(black_box(&url)).unwrap(), runtime::now());
            assert!(matches!(found, Lookup::Hit(_)));
        });
    });
    group.finish();
}

/// Counts what one segment of the bundled course costs: reads, and how often its bytes are copied
/// before they are sent.
#[expect(clippy::print_stderr, reason = "figures for whoever runs the bench")]
fn copies(library: &Arc<Library>, url: &str, what: &str) {
    let before = figures(library);
    let len = runtime::block_on(long::fetch(library, url));
    let after = figures(library);
    let [reads, read, copied] = [0, 1, 2].map(|at| after[at] - before[at]);
    eprintln!(
        "{what}: {len} bytes in {reads} reads of {read} bytes; {copied} bytes copied behind them"
    );
}

/// Reads, bytes read and bytes copied so far.
fn figures(library: &Library) -> [i64; 3] {
    let mut samples = Vec::new();
    library.sample(&mut samples);
    let names = [
        "lamplight_content_reads",
        "lamplight_content_read_bytes",
        "lamplight_content_copied_bytes",
    ];
    names.map(|name| samples.iter().find(|s| s.name == name).unwrap().value)
}

/// Segments of one MiB from a file: made anew for each request, and found.
fn capacity(c: &mut Criterion) {
    const SEGMENTS: u32 = 64;
    let bundled = fs::read(format!("{LESSON}/video-720p.mp4")).unwrap();
    let track: Track = scanned(&bundled).video.unwrap().unwrap();
    let (recording, _) = long::recording(&track, SEGMENTS, 1 << 20);
    let dir = tempfile::tempdir().unwrap();
    let lesson = dir.path().join("course/01-lesson");
    fs::create_dir_all(&lesson).unwrap();
    fs::write(lesson.join("../course.toml"), "title = \"Long\"\n").unwrap();
    fs::write(lesson.join("video.mp4"), recording).unwrap();
    let mut group = c.benchmark_group("capacity");
    for (name, cache) in [("cold", "1 KiB"), ("cached", "1 GiB")] {
        let config = Config {
            dir: dir.path().to_path_buf(),
            cache: cache.parse().unwrap(),
            ..Config::default()
        };
        let library = Library::open(config).unwrap();
        let catalogue = library.catalogue();
        let rendition = &catalogue.courses()[0].lessons[0].renditions[0];
        let base = format!(
            "/media/course/lesson/{}/{}",
            rendition.track, rendition.version
        );
        let urls: Vec<String> = (0..SEGMENTS).map(|n| format!("{base}/{n}.m4s")).collect();
        let mut next = urls.iter().cycle();
        group.throughput(Throughput::Bytes(1 << 20));
        runtime::block_on(async {
            for url in &urls {
                long::fetch(&library, url).await;
            }
        });
        group.bench_function(name, |b| {
            b.iter(|| runtime::block_on(long::fetch(&library, next.next().unwrap())));
        });
    }
    group.finish();
}

criterion_group!(benches, packaging, lookups, capacity);
criterion_main!(benches);
