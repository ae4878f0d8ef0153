//! Somebody who came before the attack and goes on learning.

use crate::quinn_client::Client;
use crate::server::Server;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::time::Duration;
use tokio::task::JoinHandle;

/// One connection on which one transfer follows another, each compared byte by byte.
pub(crate) struct Neighbour {
    done: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
    running: JoinHandle<()>,
}

impl Neighbour {
    /// Connects and completes a first transfer.
    pub(crate) async fn start(server: &Server) -> Self {
        let client = Client::new(server);
        let connection = client.connect(server.address).await;
        let middle = server.middle();
        connection.get(&middle.path).await.is_whole(middle.body);
        let done = Arc::new(AtomicUsize::new(0));
        let stop = Arc::new(AtomicBool::new(false));
        let running = tokio::spawn({
            let (done, stop) = (Arc::clone(&done), Arc::clone(&stop));
            async move {
                while !stop.load(Relaxed) {
                    connection.get(&middle.path).await.is_whole(middle.body);
                    done.fetch_add(1, Relaxed);
                }
            }
        });
        Self {
            done,
            stop,
            running,
        }
    }

    /// Fails unless transfers go on, each in good time, while nobody else is disturbed.
    pub(crate) async fn is_well(&self) {
        let before = self.done.load(Relaxed);
        let wait = async {
            while self.done.load(Relaxed) < before + 3 {
                assert!(!self.running.is_finished(), "the neighbour was disturbed");
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(120), wait).await;
        assert!(waited.is_ok(), "the neighbour waits in vain");
    }

    /// Ends it, and fails if a transfer had failed.
    pub(crate) async fn leave(self) {
        self.is_well().await;
        self.stop.store(true, Relaxed);
        self.running.await.unwrap();
    }
}
