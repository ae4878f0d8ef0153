//! The load tool's learners against the real server: what SREs run before a learning day works, and
//! what it says is true.
//!
//! Functional runs of a second or two; figures come from scripts/bench/learners.sh.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod support;

use lamplight::issuers;
use std::path::Path;
use std::process::Command;
use support::Running;

/// The tool, built beside the server.
fn tool() -> Command {
    let tool = Path::new(env!("CARGO_BIN_EXE_lamplight")).with_file_name("lamplight-loadtest");
    let how = "build it first: cargo build --workspace --bins";
    assert!(tool.exists(), "{} is missing; {how}", tool.display());
    Command::new(tool)
}

fn school() -> Running {
    let running = Running::with(|config| config.identity.mode = issuers::Mode::Dev);
    running.wait_ready();
    running
}

/// Runs a mode with 30 learners and gives its exit code, report and words.
fn run(running: &Running, words: &str) -> (Option<i32>, serde_json::Value, String) {
    let report = running.data.path().join("report.json");
    let target = running.url("/");
    let out = tool()
        .args(words.split_whitespace())
        .args(["--target", &target, "--connections", "30", "--report"])
        .arg(&report)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&out.stdout).into_owned();
    let said = said + &String::from_utf8_lossy(&out.stderr);
    let json = std::fs::read(&report).unwrap_or_else(|error| panic!("{error}\n{said}"));
    let json = serde_json::from_slice(&json).unwrap();
    (out.status.code(), json, said)
}

/// Nothing failed; whether the machine was quiet enough for a verdict is not this test's matter.
fn assert_right(running: &Running, words: &str) -> u64 {
    let (_, report, said) = run(running, words);
    assert_eq!(report["faults"], serde_json::json!({}), "{said}");
    report["load"]["answered"].as_u64().unwrap()
}

#[test]
fn learners_sign_in_watch_and_answer_without_a_fault() {
    let running = school();
    for mode in ["login", "beats", "answers"] {
        let words = format!("{mode} --duration 1s --warm-up 0s --beat 1ms");
        let answered = assert_right(&running, &words);
        assert!(answered >= 30, "{mode}: {answered}");
    }
    running.close();
}

#[test]
fn an_exam_begins_once_for_everybody() {
    let running = school();
    let words = "exam-start --duration 60s";
    assert_eq!(assert_right(&running, words), 30);
    running.close();
}

#[test]
fn what_the_server_refuses_is_a_named_fault() {
    let running = school();
    let words = "answers --duration 1s --warm-up 0s --answer q1=\"truth\":true";
    let (code, report, said) = run(&running, words);
    assert_eq!(code, Some(1), "{said}");
    let faults = report["faults"].as_object().unwrap();
    assert!(faults.contains_key("status 400 bad-content"), "{said}");
    let words = "exam-start --duration 5s --quiz no-such-quiz";
    let (code, report, said) = run(&running, words);
    assert_eq!(code, Some(1), "{said}");
    assert_eq!(report["faults"]["status 404 not-found"], 30, "{said}");
    running.close();
}
