//! Papers that were sat, read and written off the worker's loop.

use crate::content;
use crate::content::PaperError;
use crate::content::Papers;
use crate::content::Sheet;
use crate::content::SheetName;
use crate::http::Problem;
use crate::http::ProblemKind;
use crate::http::RequestHead;
use crate::runtime;
use crate::service::app::Core;
use crate::service::app::Outcome;
use crate::service::read::answer;
use crate::service::read::unavailable;
use std::sync::Arc;

/// Puts a paper on the disk before somebody sits it.
pub(super) async fn keep(papers: Arc<Papers>, sheet: Sheet) -> Result<(), Problem> {
    let kept = runtime::blocking("paper", move || papers.keep(&sheet)).await;
    kept.map_err(|_panicked| internal())?.map_err(|error| {
        tracing::error!(%error, "an attempt is refused");
        let detail = "the paper cannot be saved at the moment";
        Problem::new(ProblemKind::StorageFull, detail).with_retry_after_ms(5000)
    })
}

/// Reads a paper that somebody sits.
pub(super) async fn fetch(papers: Arc<Papers>, name: SheetName) -> Result<Sheet, Problem> {
    let read = runtime::blocking("paper", move || papers.read(name)).await;
    read.map_err(|_panicked| internal())?.map_err(|error| {
        if !matches!(error, PaperError::Unknown) {
            tracing::error!(%error, "an attempt cannot be judged");
        }
        let detail = "the version of the quiz that the attempt was opened with cannot be read";
        Problem::new(ProblemKind::ContentUnavailable, detail).with_retry_after_ms(5000)
    })
}

impl Core {
    /// The chunk of a quiz that was replaced while somebody sits it; `None` if nobody does.
    pub(crate) fn sat(&self, head: &RequestHead<'_>, path: &content::Path<'_>) -> Option<Outcome> {
        let papers = &self.shared.learning.as_ref()?.papers;
        let name = papers.named(path)?;
        let (papers, library) = (Arc::clone(papers), Arc::clone(&self.shared.library));
        let (method, fields) = (head.method, head.fields.clone());
        Some(Outcome::Later(Box::pin(async move {
            let sheet = match papers.find(name).flatten() {
                Some(sheet) => sheet,
                None => fetch(papers, name).await?,
            };
            let chunk = library.hand_out(&sheet).await;
            let chunk = chunk.map_err(|error| unavailable(&error))?;
            answer(chunk.resource(), method, &fields)
        })))
    }
}

fn internal() -> Problem {
    Problem::new(ProblemKind::Internal, "reading a paper failed")
}
