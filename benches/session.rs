//! Commands, merge and encoding of the typical learner.
//!
//! Instructions instead of time:
//! `valgrind --tool=callgrind target/release/deps/session-… --bench`.

mod typical;

use criterion::BatchSize;
use criterion::Criterion;
use criterion::criterion_group;
use criterion::criterion_main;
use lamplight::progress::Config;
use lamplight::session::State;
use std::hint::black_box;

fn encoded(state: &State) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(2048);
    state.encode(&mut bytes);
    bytes
}

fn benches(c: &mut Criterion) {
    let learner = typical::learner();
    let bytes = encoded(&learner);
    c.bench_function("session: encode", |b| {
        b.iter(|| encoded(black_box(&learner)));
    });
    c.bench_function("session: decode", |b| {
        b.iter(|| State::decode(black_box(&bytes)));
    });
    c.bench_function("session: join with an equal copy", |b| {
        let mut state = learner.clone();
        b.iter(|| state.join(black_box(&learner)));
    });
    c.bench_function("session: five beats", |b| {
        let beats: Vec<_> = (0..5)
            .map(|n| typical::beat(44, 2000 + n, 200_000 + n * 20_000, 220_000 + n * 20_000))
            .collect();
        let watch = |mut state: State| {
            let device = typical::device(0);
            let now_ms = typical::NOW_MS + 200_000;
            black_box(state.watch(device, &beats, &Config::default(), now_ms));
            state
        };
        b.iter_batched(|| learner.clone(), watch, BatchSize::SmallInput);
    });
    c.bench_function("session: one answer", |b| {
        let mut state = learner.clone();
        let (course, key) = typical::open(&mut state);
        let mut seq = 100;
        b.iter(|| {
            seq += 1;
            let answer = typical::answer(3, seq % 1000);
            black_box(state.answer((course, key), 3, answer, u64::MAX).is_ok())
        });
    });
    c.bench_function("session: decode, one answer, encode", |b| {
        let mut bytes = bytes.clone();
        let mut seq = 100;
        b.iter(|| {
            let Ok(mut state) = State::decode(&bytes) else {
                return;
            };
            seq += 1;
            let (course, key) = typical::open(&mut state);
            let answer = typical::answer(3, seq % 1000);
            black_box(state.answer((course, key), 3, answer, u64::MAX).is_ok());
            bytes.clear();
            state.encode(&mut bytes);
        });
    });
}

criterion_group!(session, benches);
criterion_main!(session);
