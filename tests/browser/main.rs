//! The page in real browsers: headless Chromium and Firefox ESR against the built `lamplight`.
//!
//! Goal: what a learner sees works, over HTTP/3, with the keyboard, on a phone, in both languages.
//! Method: the binary serves the bundled course on a free port with a certificate made here; the
//! browsers are driven over their own protocols (CDP, WebDriver BiDi) and asked what happened.
//! Pictures are kept under `target/test-output/`. Needs the packages chromium, firefox-esr,
//! libnss3-tools and axe-core (npm), which `make test` installs.

#![expect(
    clippy::unwrap_used,
    unreachable_pub,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test fails by panicking and reads the clock for its own deadlines"
)]

mod access;
#[path = "../support/browsers/browser.rs"]
mod browser;
#[path = "../support/browsers/chromium.rs"]
mod chromium;
#[path = "../support/browsers/firefox.rs"]
mod firefox;
mod handing_in;
mod learner;
mod learner_access;
mod outage;
mod playing;
mod quiz;
#[path = "../support/browsers/site.rs"]
mod site;
#[path = "../support/browsers/socket.rs"]
mod socket;
mod watching;
