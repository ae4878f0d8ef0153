//! Typical learners to a real redis-server of its own and back, one connection, batches of 256:
//! learners a second.
//!
//! No criterion: what is measured takes seconds. `cargo bench --bench redis`.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench")]

mod measured;
mod typical;

use lamplight::base::id::CourseId;
use lamplight::base::id::LearnerId;
use lamplight::runtime;
use lamplight::session::State;
use lamplight::store::Redis;
use lamplight::store::redis::Config;
use std::process::Command;
use std::process::Stdio;
use std::time::Instant;

const LEARNERS: u64 = 100_000;
/// Without `--bench`, as in `cargo test`, it only has to work.
const LEARNERS_TRIED: u64 = 1000;

fn main() {
    let count = if measured::is_measured() {
        LEARNERS
    } else {
        LEARNERS_TRIED
    };
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port().to_string();
    drop(free);
    let mut server = Command::new("redis-server");
    server.args(["--port", &port, "--bind", "127.0.0.1", "--save", ""]);
    let mut server = server.stdout(Stdio::null()).spawn().unwrap();
    runtime::block_on(Box::pin(measure(&port, count)));
    server.kill().unwrap();
    server.wait().unwrap();
}

async fn measure(port: &str, count: u64) {
    let config = Config {
        url: format!("redis://127.0.0.1:{port}"),
        ..Config::default()
    };
    let learners = usize::try_from(count).unwrap();
    let (redis, _events, _thread) = Redis::start(&config, learners).unwrap();
    redis.answers().await;
    let mut state = typical::learner();
    println!("| {count} learners | a second |\n|---|--:|");
    let begun = runtime::now();
    ship(&redis, count, &state).await;
    row("shipped, new to Redis", count, begun);
    state.enrol(CourseId(99), typical::START_S).unwrap();
    let begun = runtime::now();
    ship(&redis, count, &state).await;
    row("shipped again, changed", count, begun);
    let begun = runtime::now();
    for first in (0..count).step_by(Redis::BATCH_MAX) {
        let loads: Vec<_> = batch(first, count).map(|id| redis.load(id)).collect();
        for load in loads {
            assert!(load.await.unwrap().is_some());
        }
    }
    row("loaded", count, begun);
}

async fn ship(redis: &Redis, count: u64, state: &State) {
    for first in (0..count).step_by(Redis::BATCH_MAX) {
        let batch = batch(first, count).map(|id| (id, state.clone()));
        let shipped = redis.ship(batch.collect()).await.unwrap();
        assert!(shipped.iter().all(|one| one.outcome.is_ok()));
    }
}

fn batch(first: u64, count: u64) -> impl Iterator<Item = LearnerId> {
    let ids = first..count.min(first + Redis::BATCH_MAX as u64);
    ids.map(|id| {
        let spread = u128::from(id + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
        LearnerId(spread.to_be_bytes())
    })
}

fn row(what: &str, count: u64, begun: Instant) {
    let took = runtime::now().saturating_duration_since(begun);
    let rate = u128::from(count) * 1_000_000 / took.as_micros().max(1);
    println!("| {what} | {rate} |");
}
