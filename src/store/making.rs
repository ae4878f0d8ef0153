//! The next segment, made ahead of its use; again and again while the disk has no room for it, so
//! that a full disk heals although nobody asks for anything.

use crate::runtime;
use crate::store::Disk;
use crate::store::Segment;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::sync::watch;

/// Between two tries.
const RETRY: Duration = Duration::from_secs(1);

/// A segment on its way.
pub(super) struct Making {
    segment: oneshot::Receiver<Segment>,
    /// Whether the last try failed.
    failing: watch::Receiver<bool>,
}

impl Making {
    /// Starts making segment `number`, off this thread. `made` is called when it is there.
    pub(super) async fn begin(
        disk: Arc<dyn Disk>,
        number: u64,
        bytes: u64,
        made: impl FnOnce() + 'static,
    ) -> Self {
        let (done, segment) = oneshot::channel();
        let (fails, failing) = watch::channel(false);
        runtime::spawn("journal segment", async move {
            loop {
                let disk = Arc::clone(&disk);
                let make = move || Segment::make(&*disk, number, bytes);
                let tried = runtime::blocking("journal segment", make).await;
                match tried.unwrap_or_else(|panicked| Err(io::Error::other(panicked))) {
                    Ok(segment) => {
                        made();
                        // The journal may have ended meanwhile.
                        drop(done.send(segment));
                        return;
                    }
                    Err(error) => {
                        if !fails.send_replace(true) {
                            tracing::error!(%error, "the journal's next segment cannot be made");
                        }
                    }
                }
                tokio::time::sleep(RETRY).await;
            }
        });
        // The task begins only when this one lets it.
        tokio::task::yield_now().await;
        Self { segment, failing }
    }

    /// The segment, once it is there; `None` at once while it cannot be made.
    pub(super) async fn next(&mut self) -> Option<Segment> {
        tokio::select! {
            biased;
            segment = &mut self.segment => segment.ok(),
            _failing = self.failing.wait_for(|failing| *failing) => None,
        }
    }
}
