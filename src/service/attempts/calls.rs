//! The wire of attempts: who asks, what they say, and when they may be told.

use crate::base::id::AttemptId;
use crate::http::Problem;
use crate::http::ProblemKind;
use crate::http::Reply;
use crate::http::Request;
use crate::identity::Session;
use crate::service::app::Core;
use crate::service::app::Outcome;
use crate::service::app::not_found;
use crate::service::attempts::Desk;
use crate::service::attempts::Refused;
use crate::service::attempts::body;
use crate::service::attempts::desk::Taken;
use crate::service::attempts::desk::Verdict;
use crate::service::attempts::paper;
use crate::service::json::Content;
use crate::service::json::Object;
use crate::service::learning::Learning;
use crate::service::learning::json;
use crate::service::learning::saved;
use crate::service::learning::without_content;
use crate::session::Answering;
use crate::session::QuizRules;
use crate::session::State;
use crate::shards::Acted;
use crate::store::Durable;
use serde::Serialize;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

/// Papers that one request has read for it; a learner has few attempts, of few versions.
const FETCHES_MAX: u32 = 8;

#[derive(Serialize)]
struct Accepted {
    seq: u32,
    receipt: String,
    durable: &'static str,
    superseded: bool,
    latest_seq: u32,
}

impl Core {
    /// `POST /v1/attempts`.
    pub(crate) fn open_attempt(
        &self,
        learning: &Arc<Learning>,
        request: &Request<'_>,
    ) -> Result<Outcome, Problem> {
        let session = self.identify(request)?;
        let content = Content::read(request.head.fields, request.body)?;
        let (course, quiz) = body::quiz(content.object())?;
        self.same_device(&session, content.object())?;
        let desk = self.desk(learning, &session, request.unix_ms);
        let found = desk.catalogue.sheet(course.as_str(), quiz.as_str());
        let (course, listed, sheet) = found.ok_or_else(no_quiz)?;
        let course = course.key();
        let rules = QuizRules {
            quiz: sheet.name().quiz,
            version: sheet.name().version,
            opens_ms: listed.opens_at.map_or(0, |moment| moment.unix_ms()),
            closes_ms: listed.closes_at.map_or(u64::MAX, |moment| moment.unix_ms()),
            time_limit_ms: listed.time_limit_ms,
            attempts_max: listed.attempts_max,
        };
        let desk = Rc::new(desk);
        let judge = {
            let desk = Rc::clone(&desk);
            move |state: &mut State| desk.open(state, course, &rules)
        };
        let papers = Arc::clone(&desk.papers);
        let ready = papers.has(&sheet);
        let judging = Judging::new(learning, session, judge);
        // Judged at once, in the order of the connection, whenever nothing has to be written first.
        let first = ready.then(|| judging.begin());
        let metrics = Arc::clone(&self.metrics);
        Ok(Outcome::Later(Box::pin(async move {
            let first = match first {
                Some(first) => first,
                None => {
                    paper::keep(papers, sheet).await?;
                    judging.begin()
                }
            };
            let ((view, fresh), _) = judging.end(first).await?;
            metrics.attempt_opened(fresh);
            let status = if fresh { 201 } else { 200 };
            let mut reply = json(status, &view);
            if fresh {
                let place = format!("/v1/attempts/{}", view.attempt);
                reply.extra.push(b"location", place.as_bytes());
            }
            Ok(reply)
        })))
    }

    /// `GET /v1/attempts/{attempt}`.
    pub(crate) fn attempt(
        &self,
        learning: &Arc<Learning>,
        request: &Request<'_>,
        attempt: &str,
    ) -> Result<Outcome, Problem> {
        let session = self.identify(request)?;
        let id = id_of(attempt)?;
        let desk = Rc::new(self.desk(learning, &session, request.unix_ms));
        let method = request.head.method;
        let judging = Judging::new(learning, session, move |state: &mut State| {
            desk.look(state, id)
        });
        let first = judging.begin();
        Ok(Outcome::Later(Box::pin(async move {
            let (view, _) = judging.end(first).await?;
            Ok(without_content(json(200, &view), method))
        })))
    }

    /// `PUT /v1/attempts/{attempt}/answers/{item}`.
    pub(crate) fn answer(
        &self,
        learning: &Arc<Learning>,
        request: &Request<'_>,
        (attempt, item): (&str, &str),
    ) -> Result<Outcome, Problem> {
        let session = self.identify(request)?;
        let id = id_of(attempt)?;
        let content = Content::read(request.head.fields, request.body)?;
        let given = body::answer(content.object())?;
        self.same_device(&session, content.object())?;
        let desk = self.desk(learning, &session, request.unix_ms);
        let wish = Rc::new((desk, item.to_owned(), given));
        let judging = Judging::new(learning, session, move |state: &mut State| {
            let (desk, item, given) = &*wish;
            desk.answer(state, (id, item), session.device, given)
        });
        let first = judging.begin();
        let (metrics, learning) = (Arc::clone(&self.metrics), Arc::clone(learning));
        Ok(Outcome::Later(Box::pin(async move {
            let (taken, durable) = judging.end(first).await?;
            metrics.answered(taken.answering);
            accepted(&learning, taken, durable.as_ref())
        })))
    }

    /// `POST /v1/attempts/{attempt}/submit`.
    pub(crate) fn submit(
        &self,
        learning: &Arc<Learning>,
        request: &Request<'_>,
        attempt: &str,
    ) -> Result<Outcome, Problem> {
        let session = self.identify(request)?;
        let id = id_of(attempt)?;
        let content = match request.body.is_empty() {
            true => None,
            false => Some(Content::read(request.head.fields, request.body)?),
        };
        let answered = match &content {
            None => Vec::new(),
            Some(content) => {
                self.same_device(&session, content.object())?;
                body::answered(content.object())?
            }
        };
        let wish = Rc::new((self.desk(learning, &session, request.unix_ms), answered));
        let judging = Judging::new(learning, session, move |state: &mut State| {
            let (desk, answered) = &*wish;
            desk.submit(state, id, session.device, answered)
        });
        let first = judging.begin();
        let metrics = Arc::clone(&self.metrics);
        Ok(Outcome::Later(Box::pin(async move {
            let (told, _) = judging.end(first).await?;
            metrics.attempt_submitted();
            Ok(json(200, &told))
        })))
    }

    fn desk(&self, learning: &Learning, session: &Session, now_ms: u64) -> Desk {
        Desk {
            learner: session.learner,
            attempt_key: learning.attempt_key,
            catalogue: self.shared.library.catalogue(),
            papers: Arc::clone(&learning.papers),
            timing: learning.attempts.timing(now_ms),
            keep_closed_ms: learning.attempts.keep_closed.as_ms(),
            media_base: self.shared.config.media_base.as_str().into(),
        }
    }

    /// Answers belong to the session's device; content that names another was queued by it.
    fn same_device(&self, session: &Session, object: Object<'_>) -> Result<(), Problem> {
        let named = body::device(object)?;
        named.map_or(Ok(()), |named| self.on_device(session, named))
    }
}

/// A wish that is judged, and judged once more whenever a paper had to be read for it.
struct Judging<J> {
    learning: Arc<Learning>,
    session: Session,
    judge: J,
}

type Begun<T> = Pin<Box<dyn Future<Output = Result<Acted<Result<T, Refused>>, Problem>>>>;

impl<J> Judging<J> {
    fn new(learning: &Arc<Learning>, session: Session, judge: J) -> Self {
        Self {
            learning: Arc::clone(learning),
            session,
            judge,
        }
    }

    /// Judges, at once if the learner is in memory.
    fn begin<T: 'static>(&self) -> Begun<T>
    where
        J: Fn(&mut State) -> Verdict<T> + Clone + 'static,
    {
        self.learning.act_as(&self.session, self.judge.clone())
    }

    /// What came of it, once the disk has it.
    async fn end<T: 'static>(self, first: Begun<T>) -> Result<(T, Option<Durable>), Problem>
    where
        J: Fn(&mut State) -> Verdict<T> + Clone + 'static,
    {
        let mut acted = first.await?;
        for _ in 0..FETCHES_MAX {
            let Err(Refused::Fetch(name)) = acted.outcome else {
                break;
            };
            paper::fetch(Arc::clone(&self.learning.papers), name).await?;
            acted = self.begin().await?;
        }
        let outcome = acted.outcome?;
        let durable = saved(acted.durable).await?;
        Ok((outcome, durable))
    }
}

/// The reply to an answer, which only a durable one has.
fn accepted(
    learning: &Learning,
    taken: Taken,
    durable: Option<&Durable>,
) -> Result<Reply, Problem> {
    let signer = learning.receipts.signer();
    let receipt = durable.and_then(|durable| durable.receipt(&signer, taken.at_ms));
    let receipt = receipt.ok_or_else(|| {
        let detail = "the answer was saved and its receipt was not made; send it again";
        Problem::new(ProblemKind::Internal, detail)
    })?;
    Ok(json(
        200,
        &Accepted {
            seq: taken.seq,
            receipt,
            durable: "disk",
            superseded: taken.answering == Answering::Superseded,
            latest_seq: taken.latest_seq,
        },
    ))
}

fn id_of(attempt: &str) -> Result<AttemptId, Problem> {
    AttemptId::parse(attempt).ok_or_else(not_found)
}

fn no_quiz() -> Problem {
    let detail = "the catalogue has no quiz of this id in a course of that id";
    Problem::new(ProblemKind::NotFound, detail)
}
