//! Does the load generator tell the truth? A deliberately lying server, with each fault counted,
//! and a generator that is frozen while it measures.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot be set up fails"
)]

mod liar;

use crate::liar::Liar;
use crate::liar::Lie;
use serde_json::Value;
use std::io::BufRead as _;
use std::io::BufReader;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// Faults that a generator would invent or overlook without its checks show at this rate: one in
/// twenty, far above chance, far below what stops a run, and few enough requests for any machine.
const EVERY: u64 = 20;

struct Run {
    code: i32,
    report: Value,
    told: u64,
}

impl Run {
    fn faults(&self, kind: &str) -> u64 {
        self.report["faults"][kind].as_u64().unwrap_or(0)
    }

    fn doubts(&self) -> String {
        self.report["doubts"].to_string()
    }
}

/// Starts the real binary against a liar; `more` is added to the command line.
fn start(liar: &Liar, report: &std::path::Path, more: &str) -> Child {
    let urls = report.with_extension("urls");
    std::fs::write(&urls, "/0\n/1\n/2\n").unwrap();
    let port = liar.address.port();
    let mut command = Command::new(env!("CARGO_BIN_EXE_lamplight-loadtest"));
    command
        .args(["get", "--connections", "4"])
        .args(["--target", &format!("https://localhost:{port}/0")])
        .args(["--urls".as_ref(), urls.as_os_str()])
        .args(["--ca".as_ref(), liar.ca.as_os_str()])
        .args(["--report".as_ref(), report.as_os_str()])
        .args(more.split(' '))
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    command.spawn().unwrap()
}

async fn run(lie: Lie, more: &'static str) -> Run {
    let liar = Liar::start(lie);
    let (liar, code, report) = tokio::task::spawn_blocking(move || {
        let files = tempfile::tempdir().unwrap();
        let report = files.path().join("report.json");
        let output = start(&liar, &report, more).wait_with_output().unwrap();
        let text = std::fs::read(&report);
        let text = text.unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
        (liar, output.status.code().unwrap(), text)
    })
    .await
    .unwrap();
    Run {
        code,
        report: serde_json::from_slice(&report).unwrap(),
        told: liar.told.load(Relaxed),
    }
}

const CLOSED: &str = "--in-flight 2 --duration 2s --warm-up 0s --timeout 60s";
const OPEN: &str = "--rate 500 --duration 2s --warm-up 0s --timeout 60s";
/// With a limit that the server's silence exceeds and a busy machine does not.
const SILENT: &str = "--in-flight 2 --duration 2s --warm-up 0s --timeout 8s";

/// Runs with a lie and expects it to be named, and counted as often as it was told.
async fn is_named(lie: Lie, kind: &str) {
    is_named_in(lie, kind, CLOSED).await;
}

async fn is_named_in(lie: Lie, kind: &str, load: &'static str) {
    let run = run(lie, load).await;
    assert!(run.told > 0, "the server never lied");
    assert_eq!(run.faults(kind), run.told, "{}", run.report);
    let named = run.report["faults"].as_object().unwrap();
    assert_eq!(named.len(), 1, "{named:?}");
    let examples = run.report["fault_examples"].as_array().unwrap();
    assert!(
        examples[0].as_str().unwrap().starts_with('/'),
        "{examples:?}"
    );
    // A busy machine may freeze the generator; then it must not judge at all.
    assert_eq!(run.code, if run.doubts() == "[]" { 1 } else { 2 });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_honest_server_is_not_accused() {
    let run = run(Lie::None, CLOSED).await;
    assert_eq!(
        run.report["faults"],
        serde_json::json!({}),
        "{}",
        run.report
    );
    assert!(run.report["load"]["answered"].as_u64().unwrap() > 0);
    assert_eq!(run.code, if run.doubts() == "[]" { 0 } else { 2 });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_wrong_byte_is_named() {
    is_named(Lie::WrongByte(EVERY), "wrong bytes").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn swapped_bodies_are_named() {
    is_named(Lie::Swap(EVERY), "the body of another URL").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_byte_is_named() {
    is_named(Lie::Short(EVERY), "body too short").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_is_named() {
    is_named(Lie::Refuse(EVERY), "status 503").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_answer_is_named() {
    is_named_in(Lie::Silence(EVERY), "no whole answer within 8 s", SILENT).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stalls_are_counted_and_stand_in_the_far_percentiles() {
    let stall = Duration::from_millis(300);
    let run = run(Lie::Stall(100, stall), OPEN).await;
    let load = &run.report["load"];
    assert_eq!(run.report["faults"], serde_json::json!({}), "{load}");
    assert!(run.told > 0, "the server never lied");
    // A busy machine adds stalls of its own, but none of those told may be missing: every
    // hundredth request is one, so that all percentiles from the 99th on are.
    let stalls = load["stalls_over_250_ms"].as_u64().unwrap();
    assert!(stalls >= run.told, "{load} {}", run.told);
    let ms = |name: &str| load["latency_ms"][name].as_f64().unwrap();
    assert!(ms("p99_9") >= 300.0, "{load}");
}

/// Sends a signal to a process that this test started.
fn signal(child: &Child, name: &str) {
    let id = child.id().to_string();
    let kill = Command::new("kill").args([name, &id]).status().unwrap();
    assert!(kill.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_generator_withholds_its_verdict() {
    tokio::join!(frozen("--rate 500"), frozen("--in-flight 2"));
}

/// Freezes a generator early in a window that is long enough for the slowest machine.
async fn frozen(arrivals: &'static str) {
    let liar = Liar::start(Lie::None);
    let (code, report) = tokio::task::spawn_blocking(move || {
        let files = tempfile::tempdir().unwrap();
        let report = files.path().join("report.json");
        let more = format!("{arrivals} --duration 10s --warm-up 0s --timeout 60s");
        let mut child = start(&liar, &report, &more);
        let stderr = child.stderr.take().unwrap();
        let mut lines = BufReader::new(stderr).lines();
        // The first progress line of the loaded stage: measuring is under way.
        assert!(lines.any(|l| l.unwrap().contains("loading")));
        signal(&child, "-STOP");
        std::thread::sleep(Duration::from_millis(200));
        signal(&child, "-CONT");
        let rest = std::thread::spawn(move || lines.count());
        let code = child.wait().unwrap().code().unwrap();
        rest.join().unwrap();
        (code, std::fs::read(&report).unwrap())
    })
    .await
    .unwrap();
    let report: Value = serde_json::from_slice(&report).unwrap();
    let doubts = report["doubts"].to_string();
    assert!(doubts.contains("stood still"), "{report}");
    assert_eq!((code, &report["verdict"]), (2, &"withheld".into()));
}

#[test]
fn usage_faults_exit_with_2_and_a_sentence() {
    let words = [
        ("get --target http://localhost/", "is not an https URL"),
        ("get --target https://192.0.2.1/", "--i-own-this-target"),
        (
            "get --target https://localhost:1/ --urls /none",
            "cannot read the URL list",
        ),
        (
            "get --target https://localhost:1/ --server-pid 4294967295",
            "is it running?",
        ),
    ];
    for (line, says) in words {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lamplight-loadtest"));
        let output = command.args(line.split(' ')).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(stderr.contains(says), "{line}: {stderr}");
        assert_eq!(output.status.code(), Some(2), "{line}");
    }
}
