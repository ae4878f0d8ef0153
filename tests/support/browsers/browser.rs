//! What every browser can be asked; the steps of the tests are written against this.

#![allow(
    dead_code,
    clippy::allow_attributes,
    reason = "each test binary uses a part of it"
)]

use crate::site::Site;
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Child;
use std::process::Command;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::Instant;

/// Keys that the tests press.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Key {
    Tab,
    Enter,
    Space,
    Down,
    Right,
}

/// A browser with one tab.
pub trait Browser {
    /// Loads `url` anew.
    fn go(&mut self, url: &str);
    /// Value of a JavaScript expression, awaited.
    fn eval(&mut self, expression: &str) -> Value;
    /// Presses and releases a key.
    fn press(&mut self, key: Key);
    /// Size of the window's inside, CSS pixels.
    fn resize(&mut self, width: u32, height: u32);
    /// The window as PNG.
    fn picture(&mut self) -> Vec<u8>;
    /// Errors on the console and violations of the content security policy, so far.
    fn complaints(&mut self) -> Vec<String>;

    /// Waits inside the page until `condition` holds; panics with what the page shows.
    fn wait(&mut self, condition: &str) {
        let held = self.eval(&format!(
            "new Promise(done => {{ const until = Date.now() + {WAIT_MS};
               const look = () => {{ let held = false; try {{ held = !!({condition}); }} catch {{}}
                 if (held || Date.now() > until) done(held); else setTimeout(look, 50); }};
               look(); }})"
        ));
        if held != true {
            let shown = self.eval("location.href + '\\n' + document.body.innerText");
            let shown = shown.as_str().unwrap_or_default();
            panic!(
                "waited in vain for {condition}\n{shown}\n{:?}",
                self.complaints()
            );
        }
    }

    /// Opens a view of `site` and waits for its heading.
    fn visit(&mut self, site: &Site, view: &str) {
        self.go(&site.url(view));
        self.wait("document.querySelector('main h1')");
    }

    /// Opens the first lesson, in `language`, ready to be played.
    fn visit_lesson(&mut self, site: &Site, language: &str) {
        self.visit(site, "");
        self.eval(&format!(
            "localStorage.setItem('lamplight.language', '{language}')"
        ));
        self.go("about:blank");
        self.visit(site, LESSON);
        self.wait("document.querySelector('#menu-quality') && video.readyState >= 2");
    }

    /// Chooses in one of the menus below the video, as a learner would.
    fn choose(&mut self, menu: &str, value: &str) {
        self.eval(&format!(
            "(() => {{ const menu = document.querySelector('#menu-{menu}'); menu.value = '{value}';
               menu.dispatchEvent(new Event('change', {{ bubbles: true }})); }})()"
        ));
    }

    /// Keeps a picture of the window as `target/test-output/{name}.png`.
    fn keep(&mut self, name: &str) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/test-output");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(format!("{name}.png")), self.picture()).unwrap();
    }

    /// Nothing on the console, nothing refused by the policy.
    fn assert_quiet(&mut self) {
        let complaints = self.complaints();
        assert!(
            complaints.is_empty(),
            "the page complained: {complaints:#?}"
        );
    }
}

/// One browser at a time: two of them on two cores would measure each other.
pub fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The first word of `program --version` to come back proves that it is installed.
pub fn require(program: &str, package: &str) {
    let found = Command::new(program).arg("--version").output();
    assert!(
        found.is_ok_and(|o| o.status.success()),
        "`{program}` is missing: install the Debian package {package}, or run `make test`"
    );
}

/// Waits for a file that a starting browser writes, and reads it.
pub fn await_file(path: &Path) -> String {
    let until = Instant::now() + START_WITHIN;
    loop {
        match fs::read_to_string(path) {
            Ok(text) if text.ends_with(['\n', '}']) || text.lines().count() > 1 => return text,
            _ => assert!(Instant::now() < until, "{} did not appear", path.display()),
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A process that was started in a group of its own; both end with the value.
pub struct Process(pub Child);

impl Drop for Process {
    fn drop(&mut self) {
        end(&mut self.0);
    }
}

/// Waits for a process that was asked to close, and ends its group when it does not.
fn end(child: &mut Child) {
    let until = Instant::now() + CLOSE_WITHIN;
    while Instant::now() < until {
        if matches!(child.try_wait(), Ok(Some(_))) {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    // Started with a group of its own, so this reaches its helpers and nobody else.
    let group = format!("-{}", child.id());
    Command::new("kill")
        .args(["-KILL", "--", &group])
        .output()
        .ok();
    child.wait().ok();
}

/// The first lesson of the bundled course.
pub const LESSON: &str = "#/course/ky-nang-so/lesson/mat-khau";
/// Its quiz, with all seven kinds of items.
pub const QUIZ: &str = "#/course/ky-nang-so/quiz/mat-khau-quiz";
/// Nobody waits so long but for what never comes: a slow machine needs seconds.
const WAIT_MS: u32 = 120_000;
const START_WITHIN: Duration = Duration::from_secs(120);
const CLOSE_WITHIN: Duration = Duration::from_secs(10);
