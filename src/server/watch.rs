//! Keeps the catalogue and its index up to date while serving.

use crate::content::Library;
use crate::content::Looked;
use crate::content::Papers;
use crate::runtime;
use crate::runtime::Shutdown;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

/// Pause between two looks while something is being written to, or after a changed source was met.
const SOON: Duration = Duration::from_secs(1);
/// The index is written at most so often.
const SAVE_EVERY: Duration = Duration::from_secs(60);

/// Looks at the content folder every `every` (never if that is zero) until `closed`, and keeps the
/// papers of quizzes that were replaced.
pub(super) async fn watch(
    library: Arc<Library>,
    papers: Arc<Papers>,
    every: Duration,
    mut closed: Shutdown,
) {
    leave(&library, &papers).await;
    pin(&library, &mut closed).await;
    let mut saved = save(&library).await;
    let mut pause = every;
    loop {
        let due = async {
            if every.is_zero() {
                std::future::pending::<()>().await;
            }
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = library.noticed() => tokio::time::sleep(SOON.min(every)).await,
            }
        };
        tokio::select! {
            () = closed.closed() => break,
            () = due => {}
        }
        let looked = tokio::select! {
            () = closed.closed() => break,
            looked = look(&library) => looked,
        };
        if looked.is_some_and(|looked| looked.read > 0) {
            leave(&library, &papers).await;
        }
        pause = match looked {
            Some(Looked { waiting: 0, .. }) | None => every,
            Some(_) => SOON.min(every),
        };
        if runtime::now().saturating_duration_since(saved) >= SAVE_EVERY {
            saved = save(&library).await;
        }
    }
    library.stop();
    save(&library).await;
}

/// Keeps the papers that the last change took out of the catalogue.
async fn leave(library: &Library, papers: &Arc<Papers>) {
    let (catalogue, papers) = (library.catalogue(), Arc::clone(papers));
    if catalogue.left().is_empty() {
        return;
    }
    let left = runtime::blocking("papers", move || papers.leave(catalogue.left())).await;
    if let Ok(Err(error)) = left {
        tracing::warn!(%error, "a replaced quiz is not kept for attempts of other nodes");
    }
}

/// Sees to it that what is replaced stays readable; an ending process does not wait for it.
async fn pin(library: &Arc<Library>, closed: &mut Shutdown) {
    let pinning = Arc::clone(library);
    tokio::select! {
        () = closed.closed() => library.stop(),
        // A panic is logged; replaced files are then gone at once.
        _ = runtime::blocking("content pins", move || pinning.pin()) => {}
    }
}

async fn look(library: &Arc<Library>) -> Option<Looked> {
    let looking = Arc::clone(library);
    let look = move || {
        let unix_ns = runtime::unix_ms().saturating_mul(1_000_000);
        looking.look(runtime::now(), unix_ns)
    };
    match runtime::blocking("content watch", look).await {
        Ok(Ok(looked)) => {
            if looked.renewed > 0 {
                let courses = looked.renewed;
                tracing::info!(courses, "read courses again, which another build had read");
            }
            if looked.read > 0 {
                let courses = looked.read;
                let problems = library.catalogue().problems().len();
                tracing::info!(
                    courses,
                    problems,
                    "took in what changed in the content folder"
                );
            }
            Some(looked)
        }
        Ok(Err(error)) => {
            tracing::warn!(%error, "the content folder cannot be looked at");
            None
        }
        Err(_panicked) => None,
    }
}

/// Writes the index if it lacks something; returns when that was.
async fn save(library: &Arc<Library>) -> Instant {
    let saving = Arc::clone(library);
    let begun = runtime::now();
    match runtime::blocking("content index", move || saving.save_index()).await {
        Ok(Ok(Some(bytes))) => {
            let took_ms = runtime::now().saturating_duration_since(begun).as_millis();
            tracing::info!(bytes, took_ms, "wrote the content index");
        }
        Ok(Err(error)) => tracing::warn!(%error, "the content index cannot be written"),
        Ok(Ok(None)) | Err(_) => {}
    }
    begun
}
