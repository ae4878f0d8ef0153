//! `lamplight doctor`: asks a running origin what a delivery network will ask it.
//!
//! - [`doctor`] visits the origin over HTTP/1.1 and HTTP/2, finds one resource of each kind (or
//!   takes the one in the URL), and judges every reply.
//! - Each rule has a name, a verdict a resource, and the place where the network's operator wrote
//!   it down (`sources`).
//!
//! Invariants: only safe methods are sent; a rule that could not be asked is never reported as
//! passed.

mod exchanges;
mod finding;
mod flags;
mod ranges;
mod replies;
mod resources;
mod sources;
mod transport;
mod visit;

use crate::command::Exit;
use crate::command::print;
use crate::runtime;
use crate::runtime::client::Client;
use crate::runtime::client::ClientError;
use crate::runtime::client::Limits;
use crate::runtime::client::Origin;
use crate::runtime::client::Trust;
use finding::Report;
use std::time::Duration;
use visit::Visit;

pub use flags::Cdn;
pub use flags::DoctorFlags;

/// Visits the origin and prints what was found: done if nothing fails.
pub fn doctor(flags: &DoctorFlags) -> Exit {
    let (origin, path) = match Origin::of(&flags.url) {
        Ok(parsed) => parsed,
        Err(error) => return complain(&error, Exit::Usage),
    };
    let trust = match (&flags.ca, flags.insecure) {
        (Some(file), _) => Trust::File(file.clone()),
        (None, true) => Trust::Anybody,
        (None, false) => Trust::System,
    };
    let client = match Client::new(&trust, LIMITS) {
        Ok(client) => client,
        Err(error) => return complain(&error, Exit::Failed),
    };
    let mut report = Report::new(flags.cdn);
    let visited = runtime::block_on(async {
        let mut visit = Box::pin(Visit::begin(client, origin, &mut report)).await?;
        let resources = Box::pin(resources::find(&mut visit, &path, &mut report)).await?;
        transport::judge(&mut visit, &trust, &mut report).await;
        for resource in &resources {
            Box::pin(exchanges::judge(&mut visit, resource, &mut report)).await?;
        }
        exchanges::errors(&mut visit, &resources, &mut report).await
    });
    if let Err(error) = visited {
        report.print(flags.json, Some(&told(&error)));
        return complain(&error, Exit::Failed);
    }
    report.print(flags.json, None);
    if report.failed() {
        Exit::Failed
    } else {
        Exit::Done
    }
}

/// The error with its causes.
fn told(error: &ClientError) -> String {
    let mut line = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        line = format!("{line}: {error}");
        cause = error.source();
    }
    line
}

fn complain(error: &ClientError, exit: Exit) -> Exit {
    print::complain(told(error));
    exit
}

/// A slow origin is not a broken one; segments are a few MiB.
const LIMITS: Limits = Limits {
    time: Duration::from_secs(30),
    body_bytes: 64 * 1024 * 1024,
};
