//! The timer wheel at the sizes of a full worker.

use criterion::Criterion;
use criterion::criterion_group;
use criterion::criterion_main;
use lamplight::base::wheel::Wheel;
use std::hint::black_box;

const CONNECTIONS: usize = 200_000;

/// A wheel of idle connections whose deadlines lie within three minutes of 256 µs ticks.
fn full() -> Wheel {
    let mut wheel = Wheel::new(0);
    for key in 0..CONNECTIONS {
        wheel.arm(key, scatter(key as u64) % 700_000 + 1);
    }
    wheel
}

/// A number that looks random, for touching connections in no order.
const fn scatter(n: u64) -> u64 {
    n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20
}

fn benches(c: &mut Criterion) {
    let mut wheel = full();
    let mut n = 0;
    c.bench_function("wheel: move one of 200,000 timers", |b| {
        b.iter(|| {
            n += 1;
            let key = usize::try_from(scatter(n)).unwrap_or(0) % CONNECTIONS;
            wheel.arm(black_box(key), 700_000 + n % 1_000);
        });
    });
    c.bench_function("wheel: next tick among 200,000 timers", |b| {
        b.iter(|| black_box(wheel.next_tick()));
    });
    c.bench_function("wheel: fire and arm again", |b| {
        let mut wheel = full();
        let mut now = 0;
        b.iter(|| {
            now += 4;
            wheel.advance(now);
            while let Some(key) = wheel.pop() {
                wheel.arm(key, now + 700_000);
            }
        });
    });
}

criterion_group!(wheel, benches);
criterion_main!(wheel);
