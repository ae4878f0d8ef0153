//! The calls of one learner: whose they are, what they decide, and when they may be told.

use crate::content::Papers;
use crate::http::Body;
use crate::http::Fields;
use crate::http::Head;
use crate::http::Method;
use crate::http::Problem;
use crate::http::ProblemKind;
use crate::http::Reply;
use crate::http::Request;
use crate::http::Status;
use crate::http::Target;
use crate::identity::Session;
use crate::identity::SessionKeys;
use crate::issuers::Issuers;
use crate::issuers::Mode;
use crate::progress;
use crate::service::app::Core;
use crate::service::app::Outcome;
use crate::service::app::not_found;
use crate::service::attempts;
use crate::service::door::dev_token;
use crate::service::identify::INVALID;
use crate::service::identify::challenged;
use crate::service::route::Route;
use crate::session::State;
use crate::shards::Ack;
use crate::shards::Acted;
use crate::shards::Judged;
use crate::shards::ShardError;
use crate::shards::Shards;
use crate::store::AppendError;
use crate::store::Durable;
use crate::store::ReceiptKeys;
use bytes::Bytes;
use serde::Serialize;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// What the calls of learners need; without it they are 404.
pub struct Learning {
    /// The learners.
    pub shards: Arc<Shards>,
    /// Seal and open session tokens.
    pub session_keys: Arc<SessionKeys>,
    /// Whose word is taken for who somebody is.
    pub issuers: Arc<Issuers>,
    /// Makes attempts' ids; the same on all nodes.
    pub attempt_key: [u8; 32],
    /// What counts as watched.
    pub progress: progress::Config,
    /// How attempts end.
    pub attempts: attempts::Config,
    /// Versions of quizzes that were sat.
    pub papers: Arc<Papers>,
    /// Sign receipts.
    pub receipts: Arc<ReceiptKeys>,
}

impl fmt::Debug for Learning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Learning")
            .field("shards", &self.shards)
            .field("session_keys", &self.session_keys)
            .field("progress", &self.progress)
            .finish_non_exhaustive()
    }
}

impl Core {
    /// Answers a call of one learner.
    pub(crate) fn learn(
        &self,
        request: &Request<'_>,
        target: &Target<'_>,
        route: Route<'_>,
    ) -> Result<Outcome, Problem> {
        let learning = self.learning()?;
        self.metrics.called(route.call().unwrap_or_default());
        match route {
            Route::Sessions => self.sign_in(learning, request),
            Route::Renew => self.renew(learning, request),
            Route::DevToken => dev_token(learning, request),
            Route::Session if request.head.method == Method::Delete => {
                self.sign_out(learning, request, target)
            }
            Route::Session => self.session_state(learning, request),
            Route::Beats => self.beats(learning, request),
            Route::Enrolments => self.enrol(learning, request),
            Route::Enrolment(course) => self.leave(learning, request, course),
            Route::Attempts => self.open_attempt(learning, request),
            Route::Attempt(attempt) => self.attempt(learning, request, attempt),
            Route::Answer(attempt, item) => self.answer(learning, request, (attempt, item)),
            Route::Submit(attempt) => self.submit(learning, request, attempt),
            Route::Page
            | Route::PageFile(_)
            | Route::Icon
            | Route::Health
            | Route::OpenApi
            | Route::Courses
            | Route::Course(_)
            | Route::Problem(_)
            | Route::ReceiptKeys
            | Route::Content(_)
            | Route::Signed(_) => Err(not_found()),
        }
    }

    /// The learners, where there are any.
    pub(crate) fn learning(&self) -> Result<&Arc<Learning>, Problem> {
        self.shared.learning.as_ref().ok_or_else(not_found)
    }
}

impl Learning {
    /// Whether everybody may sign in under any name.
    pub(crate) fn has_dev_issuer(&self) -> bool {
        self.issuers.config().mode == Mode::Dev
    }

    /// Judges a command of the session's learner under the learner's lock, unless the session has
    /// ended. Judged at once if the learner is in memory, so that commands of one connection are
    /// judged in their order.
    pub(crate) fn act_as<T: 'static>(
        &self,
        session: &Session,
        judge: impl FnOnce(&mut State) -> Judged<T> + 'static,
    ) -> Pin<Box<dyn Future<Output = Result<Acted<T>, Problem>>>> {
        let Session {
            epoch,
            device,
            started_s,
            ..
        } = *session;
        let touch = self.shards.act(session.learner, move |state| {
            if !state.admits(epoch, device, started_s) {
                return Judged::unchanged(None);
            }
            let Judged {
                outcome,
                effects,
                leaf,
            } = judge(state);
            Judged {
                outcome: Some(outcome),
                effects,
                leaf,
            }
        });
        Box::pin(async move {
            let Acted { outcome, durable } = touch.wait().await.map_err(|error| refused(&error))?;
            let outcome = outcome.ok_or_else(ended)?;
            Ok(Acted { outcome, durable })
        })
    }
}

/// Waits until the disk has what an acknowledgement promises; `None` if it had it before.
///
/// # Errors
/// Nothing may be acknowledged.
pub(crate) async fn saved(durable: Ack) -> Result<Option<Durable>, Problem> {
    durable.await.map_err(unsaved)
}

/// A reply of one learner's: JSON that nobody keeps.
pub(crate) fn json(status: u16, document: &impl Serialize) -> Reply {
    // Structs of strings and numbers always serialise.
    let body = serde_json::to_vec(document).unwrap_or_default();
    let fields = private().with("content-length", body.len().to_string());
    let fields = fields.with("content-type", "application/json");
    Reply::new(
        Head::new(Status(status), fields),
        Body::slice(Bytes::from(body)),
    )
}

/// A reply without content.
pub(crate) fn empty() -> Reply {
    Reply::new(Head::new(Status(204), private()), Body::Empty)
}

/// Fields of every reply that is one learner's.
pub(crate) fn private() -> Fields {
    Fields::new()
        .with("cache-control", "no-store")
        .with("x-content-type-options", "nosniff")
}

fn ended() -> Problem {
    let detail = "the learner has signed out since this session began";
    challenged(
        Problem::new(ProblemKind::SessionEnded, detail),
        Some(INVALID),
    )
}

pub(crate) fn refused(error: &ShardError) -> Problem {
    match error {
        ShardError::Append(error) => unsaved(*error),
        ShardError::Full => {
            let detail = "this node has no room for another learner at the moment";
            Problem::new(ProblemKind::Overloaded, detail).with_retry_after_ms(2000)
        }
        ShardError::Load(_) => {
            tracing::error!(%error, "a learner is not served");
            let detail = "what is known of the learner cannot be read at the moment";
            Problem::new(ProblemKind::StorageFull, detail).with_retry_after_ms(5000)
        }
        ShardError::TooLarge => {
            let detail = "the learner has done more than is kept; leave a course";
            Problem::new(ProblemKind::LimitReached, detail)
        }
    }
}

fn unsaved(error: AppendError) -> Problem {
    match error {
        AppendError::Busy => {
            let detail = "too much waits for the disk at the moment";
            Problem::new(ProblemKind::Overloaded, detail).with_retry_after_ms(1000)
        }
        AppendError::NoSpace => {
            let detail = "the disk of this node is full";
            Problem::new(ProblemKind::StorageFull, detail).with_retry_after_ms(5000)
        }
        AppendError::Failed => {
            let detail = "the disk of this node has failed";
            Problem::new(ProblemKind::StorageFailed, detail)
        }
    }
}

/// The reply to HEAD.
pub(crate) fn without_content(mut reply: Reply, method: Method) -> Reply {
    if method == Method::Head {
        reply.body = Body::Empty;
    }
    reply
}
