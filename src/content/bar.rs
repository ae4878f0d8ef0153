//! How far a long reading has come, for people who wait for it.

use crate::content::Progress;
use crate::runtime;
use std::io;
use std::io::IsTerminal as _;
use std::io::Write as _;
use std::sync::Mutex;
use std::time::Duration;
use std::time::Instant;

/// A bar on standard error where that is a terminal; elsewhere a log line every few seconds, if it
/// was asked for. What takes less than half a second shows nothing.
#[derive(Debug)]
pub struct Bar {
    terminal: bool,
    logged: bool,
    next: Mutex<Instant>,
}

impl Bar {
    /// For a command: nothing but the bar.
    pub fn new() -> Self {
        Self {
            terminal: io::stderr().is_terminal(),
            logged: false,
            next: Mutex::new(runtime::now() + FIRST),
        }
    }

    /// For a server: log lines where there is no terminal.
    pub fn logged() -> Self {
        Self {
            logged: true,
            ..Self::new()
        }
    }

    /// Takes the bar away.
    pub fn clear(&self) {
        if self.terminal {
            // Nothing is lost if nobody sees it.
            drop(write!(io::stderr(), "\r\x1b[K"));
        }
    }
}

impl Default for Bar {
    fn default() -> Self {
        Self::new()
    }
}

impl Progress for Bar {
    fn done(&self, courses: usize, all: usize) {
        // Whoever finds it taken leaves the drawing to the other.
        let Ok(mut next) = self.next.try_lock() else {
            return;
        };
        let now = runtime::now();
        if now < *next || courses == all {
            return;
        }
        if self.terminal {
            *next = now + DRAW_EVERY;
            drop(write!(io::stderr(), "\r{}\x1b[K", line(courses, all)));
        } else if self.logged {
            *next = now + LOG_EVERY;
            tracing::info!(courses, all, "reading the content folder");
        }
    }
}

/// `[######----------]  1200 of 3000 courses`
fn line(courses: usize, all: usize) -> String {
    let filled = (courses * WIDTH)
        .checked_div(all)
        .unwrap_or(WIDTH)
        .min(WIDTH);
    let (full, rest) = ("#".repeat(filled), "-".repeat(WIDTH - filled));
    format!("[{full}{rest}] {courses:>5} of {all} courses")
}

const WIDTH: usize = 30;
const FIRST: Duration = Duration::from_millis(500);
const DRAW_EVERY: Duration = Duration::from_millis(100);
const LOG_EVERY: Duration = Duration::from_secs(3);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_fills_and_never_overflows() {
        assert!(line(0, 3000).starts_with("[------"));
        assert!(line(3000, 3000).starts_with(&format!("[{}]", "#".repeat(WIDTH))));
        assert_eq!(line(1, 0).matches('#').count(), WIDTH);
        assert!(line(1200, 3000).ends_with(" 1200 of 3000 courses"));
    }
}
