//! Other people's players in real browsers, on an origin of their own, against the built
//! `lamplight`: hls.js, Shaka Player, dash.js and video.js; and mp4box.js, which reads segments.
//!
//! Goal: whoever builds a front end takes the player they know, and it plays, over HTTP/3.
//! Method: a film whose pictures, tones and captions say what they are (`film.rs`), one adaptor a
//! player (`stage/`), the same steps for all (`steps.rs`). Nothing here measures speed: every step
//! waits for a condition.
//!
//! Players are other people's programs with races of their own, which a slow machine brings to
//! light: a wish that falls between two of their timers is lost now and then. So each test that
//! failed is tried once more with a fresh server, browser and player (`trial.rs`), and the first
//! failure is printed, passed or not. What is wrong with the media or with the server is wrong
//! both times.
//!
//! Needs chromium, firefox-esr, libnss3-tools, ffmpeg and the packages that
//! scripts/setup-npm.sh fetches; `make test` installs them all.

#![expect(
    clippy::unwrap_used,
    unreachable_pub,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test fails by panicking and reads the clock for its own deadlines"
)]

mod boxes;
#[path = "../support/browsers/browser.rs"]
mod browser;
#[path = "../support/browsers/chromium.rs"]
mod chromium;
mod dash;
mod film;
#[path = "../support/browsers/firefox.rs"]
mod firefox;
mod hls;
#[path = "../support/browsers/site.rs"]
mod site;
#[path = "../support/browsers/socket.rs"]
mod socket;
mod stage;
mod steps;
mod trial;
