//! Every fuzz body over its kept corpus and over mutations of it, on stable, in seconds.
//!
//! A crash that fuzzing finds goes into `fuzz/corpus/<body>/` and is replayed for ever. The
//! mutations are seeded: a failure names the file and the round, and happens again.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a test; a corpus that cannot be read fails it"
)]

#[path = "../fuzz/bodies/mod.rs"]
mod bodies;

use std::fs;
use std::panic::catch_unwind;
use std::path::Path;

/// Mutations of each corpus file.
const ROUNDS: u64 = 300;
/// Bytes of a mutated input; growth beyond it is cut.
const INPUT_BYTES_MAX: usize = 1 << 16;

#[test]
fn no_kept_or_mutated_input_breaks_a_promise() {
    for (name, body) in bodies::ALL {
        let seeds = corpus(name);
        assert!(!seeds.is_empty(), "fuzz/corpus/{name} is empty");
        for (file, seed) in &seeds {
            replay(name, *body, file, 0, seed);
            for round in 1..=ROUNDS {
                let mut random = Random(round ^ checksum(file.as_bytes()));
                let other = &seeds[random.below(seeds.len())].1;
                replay(name, *body, file, round, &mutate(seed, other, &mut random));
            }
        }
    }
}

fn replay(name: &str, body: fn(&[u8]), file: &str, round: u64, input: &[u8]) {
    let outcome = catch_unwind(|| body(input));
    assert!(
        outcome.is_ok(),
        "body {name}, corpus file {file}, round {round}: {input:02x?}"
    );
}

/// Name and content of each file, in the order of names.
fn corpus(name: &str) -> Vec<(String, Vec<u8>)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/corpus")
        .join(name);
    let files = fs::read_dir(&directory).unwrap_or_else(|e| panic!("{}: {e}", directory.display()));
    let mut seeds: Vec<_> = files
        .map(|file| file.unwrap().path())
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, fs::read(&path).unwrap())
        })
        .collect();
    seeds.sort();
    seeds
}

/// A few changes of the kinds that find faults in parsers.
fn mutate(seed: &[u8], other: &[u8], random: &mut Random) -> Vec<u8> {
    const EDGES: [u8; 10] = [0x00, 0x01, 0x20, 0x3f, 0x40, 0x7f, 0x80, 0xbf, 0xc0, 0xff];
    let mut input = seed.to_vec();
    for _ in 0..=random.below(4) {
        let at = random.below(input.len() + 1);
        let end = (at + random.below(16)).min(input.len());
        match random.below(7) {
            0 if at < input.len() => input[at] ^= 1 << random.below(8),
            1 if at < input.len() => input[at] = EDGES[random.below(EDGES.len())],
            2 => input.insert(at, random.next() as u8),
            3 => input.truncate(at),
            4 => drop(input.drain(at..end)),
            5 => {
                let piece = input[at..end].to_vec();
                input.splice(at..at, piece);
            }
            _ => {
                let from = random.below(other.len() + 1);
                let piece = &other[from..(from + random.below(64)).min(other.len())];
                input.splice(at..end, piece.iter().copied());
            }
        }
    }
    input.truncate(INPUT_BYTES_MAX);
    input
}

/// splitmix64: small, seeded, the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        self.next() as usize % n.max(1)
    }
}

/// Tells files apart, so that each has its own mutations.
fn checksum(bytes: &[u8]) -> u64 {
    let mix = |sum: u64, byte: &u8| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, mix)
}
