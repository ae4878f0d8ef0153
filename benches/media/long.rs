//! A fragmented recording as long as wanted, in the clothes of another.

use lamplight::content::Library;
use lamplight::content::Lookup;
use lamplight::content::Path;
use lamplight::media::Plan;
use lamplight::media::Track;
use lamplight::media::align;
use lamplight::runtime;
use std::sync::Arc;

/// Frames of a segment; a whole number of ticks each at the clocks of the bundled course.
const FRAMES: u32 = 80;

/// `segments` of four seconds and `size` bytes, a fragment each, behind the initialisation segment
/// of `track`; and the number of frames.
pub(crate) fn recording(track: &Track, segments: u32, size: u32) -> (Vec<u8>, u64) {
    let starts = align(&[track], 4000).unwrap().remove(0).unwrap();
    let plan = Plan::new(track, &starts).unwrap();
    let mut file = plan.init.to_vec();
    for n in 0..segments {
        fragment(&mut file, n, size, plan.timescale * 4 / FRAMES);
    }
    (file, u64::from(segments) * u64::from(FRAMES))
}

fn fragment(file: &mut Vec<u8>, n: u32, size: u32, duration: u32) {
    let words =
        |words: &[u32]| -> Vec<u8> { words.iter().flat_map(|word| word.to_be_bytes()).collect() };
    let boxed = |kind: &[u8; 4], payload: &[u8]| -> Vec<u8> {
        let len = u32::try_from(payload.len() + 8).unwrap();
        [&len.to_be_bytes()[..], kind, payload].concat()
    };
    let tfhd = boxed(b"tfhd", &words(&[0x02_0028, 1, duration, 0x0101_0000]));
    let tfdt = boxed(b"tfdt", &words(&[0, n * FRAMES * duration]));
    let each = size / FRAMES;
    let mut run = vec![0x205, FRAMES, 0, 0x0200_0000];
    run.extend((0..FRAMES).map(|_| each));
    let len = 8 + 8 + 8 + tfhd.len() + tfdt.len() + 8 + run.len() * 4;
    run[2] = u32::try_from(len).unwrap() + 16;
    let traf = boxed(
        b"traf",
        &[tfhd, tfdt, boxed(b"trun", &words(&run))].concat(),
    );
    let mfhd = boxed(b"mfhd", &words(&[0, n + 1]));
    let moof = boxed(b"moof", &[mfhd, traf].concat());
    file.extend(moof);
    file.extend(boxed(b"mdat", &vec![7; (each * FRAMES) as usize]));
}

/// Asks for a segment and waits for it.
pub(crate) async fn fetch(library: &Arc<Library>, url: &str) -> usize {
    let path = Path::parse(url).unwrap();
    let chunk = match library.find(&path, runtime::now()) {
        Lookup::Hit(chunk) => chunk,
        Lookup::Miss(building) => building.await.unwrap(),
        nothing @ (Lookup::File(_) | Lookup::Gone | Lookup::NotFound) => panic!("{nothing:?}"),
    };
    chunk.bytes().len()
}
