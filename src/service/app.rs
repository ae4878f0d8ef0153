//! The application: admit → route → act → reply → account.

use crate::base::limits::BODY_BYTES_MAX;
use crate::http::Answer;
use crate::http::Body;
use crate::http::Cmcd;
use crate::http::Fields;
use crate::http::Method;
use crate::http::Problem;
use crate::http::ProblemKind;
use crate::http::Refusal;
use crate::http::Reply;
use crate::http::Request;
use crate::http::RequestHead;
use crate::http::Service;
use crate::http::Target;
use crate::http::TargetError;
use crate::http::is_authority;
use crate::runtime;
use crate::service::Metrics;
use crate::service::Shared;
use crate::service::access::AccessLog;
use crate::service::access::Line;
use crate::service::allowance::Allowance;
use crate::service::catalogue::Prepared;
use crate::service::doorkeeper::Doorkeeper;
use crate::service::request_id::RequestIds;
use crate::service::route::Methods;
use crate::service::route::Route;
use crate::service::route::is_private;
use crate::service::route::is_public_content;
use crate::service::route::split_token;
use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

/// The service of one worker.
#[derive(Debug, Clone)]
pub struct App(Rc<Core>);

#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) shared: Arc<Shared>,
    pub(crate) prepared: RefCell<Prepared>,
    ids: RequestIds,
    pub(crate) metrics: Arc<Metrics>,
    log: AccessLog,
    pub(crate) allowance: Allowance,
    pub(crate) door: Rc<Doorkeeper>,
}

/// What acting on a request comes to.
pub(crate) enum Outcome {
    Now(Reply),
    Later(Pin<Box<dyn Future<Output = Result<Reply, Problem>>>>),
}

impl Outcome {
    /// The same with a change to the reply, now or later.
    pub(crate) fn map(self, change: impl FnOnce(Reply) -> Reply + 'static) -> Self {
        match self {
            Self::Now(reply) => Self::Now(change(reply)),
            Self::Later(future) => Self::Later(Box::pin(async move { future.await.map(change) })),
        }
    }
}

impl App {
    /// A worker's service; `seed` is random, it begins the worker's request ids.
    pub fn new(shared: Arc<Shared>, metrics: Arc<Metrics>, seed: u64) -> Self {
        let now = runtime::now();
        let issuers = shared
            .learning
            .as_ref()
            .map(|learning| learning.issuers.config());
        let failures = issuers.map_or(0, |issuers| issuers.failures_per_prefix);
        Self(Rc::new(Core {
            log: AccessLog::new(shared.config.access_log_every),
            allowance: Allowance::new(shared.config.searches_per_prefix, now),
            door: Rc::new(Doorkeeper::new(failures, now)),
            shared,
            prepared: RefCell::default(),
            ids: RequestIds::new(seed),
            metrics,
        }))
    }
}

impl Service for App {
    fn body_limit(&self, head: &RequestHead<'_>) -> usize {
        if head.method.is_safe() {
            // Content has no meaning here (RFC 9110, 9.3.1), and nobody sends any by mistake.
            return 0;
        }
        let route = Route::of(without_query(head.target)).filter(|route| self.0.has(*route));
        let meant = route.filter(|route| route.methods().has(head.method));
        // Else taken in so that its sender hears 404, or 405 and `allow`, which say more than 413.
        meant.map_or(MISTAKEN_BYTES_MAX, Route::content_bytes_max)
    }

    fn call(&self, request: &Request<'_>) -> Answer {
        let core = &self.0;
        match core.act(request) {
            Ok(Outcome::Now(reply)) => Answer::Now(core.account(request, reply)),
            Ok(Outcome::Later(future)) => Answer::Later(Rc::clone(core).finish(request, future)),
            Err(problem) => {
                let reply = core.refuse(&request.head, problem);
                Answer::Now(core.account(request, reply))
            }
        }
    }

    fn refuse(&self, refusal: Refusal) -> Reply {
        let detail = match refusal {
            Refusal::BodyTooLarge => "this URL takes no content of that size",
            Refusal::FieldsTooLarge => "the header fields exceed what this server announced",
            Refusal::Timeout => "the request did not arrive in time",
            Refusal::Malformed => "the message is not a well-formed request",
            Refusal::TooEarly => "this method is not accepted in early data",
            Refusal::Overloaded => "too many requests are in progress on this node",
        };
        let mut problem = Problem::new(ProblemKind::of(refusal), detail);
        if refusal == Refusal::Overloaded {
            problem = problem.with_retry_after_ms(2000);
        }
        self.0.metrics.problem(problem.kind);
        // The driver does not say for which URL: as it tells nobody anything, it is for all.
        for (name, value) in OPEN {
            problem = problem.with_field(name, value);
        }
        problem.reply(self.0.ids.draw().as_str())
    }
}

impl Core {
    fn act(&self, request: &Request<'_>) -> Result<Outcome, Problem> {
        let head = &request.head;
        if request.early && !head.method.is_safe() {
            let detail = "this method is not accepted in early data";
            return Err(Problem::new(ProblemKind::TooEarly, detail));
        }
        if !head.authority.is_empty() && !is_authority(head.authority) {
            let detail = "the authority is not a host name with an optional port";
            return Err(Problem::new(ProblemKind::BadAuthority, detail));
        }
        if head.target == "*" && head.method == Method::Options {
            return Ok(Outcome::Now(self.options(head, None)));
        }
        let target = Target::parse(head.target).map_err(|error| {
            let kind = match error {
                TargetError::TooLong => ProblemKind::TargetTooLong,
                TargetError::NotAbsolute
                | TargetError::EmptySegment
                | TargetError::DotSegment
                | TargetError::BadEscape
                | TargetError::ForbiddenEscape
                | TargetError::ForbiddenByte
                | TargetError::NotUtf8 => ProblemKind::BadPath,
            };
            Problem::new(kind, error.to_string())
        })?;
        let route = Route::of(&target.path).filter(|route| self.has(*route));
        let route = route.ok_or_else(not_found)?;
        if head.method == Method::Options {
            return Ok(Outcome::Now(self.options(head, Some(route))));
        }
        if !route.methods().has(head.method) {
            let allow = route.methods().allow();
            let detail = format!("this URL takes {allow}");
            let problem = Problem::new(ProblemKind::MethodNotAllowed, detail);
            return Err(problem.with_field("allow", allow));
        }
        if route.is_private() {
            let outcome = self.learn(request, &target, route)?;
            return Ok(self.api_outcome(head, outcome));
        }
        self.read(request, &target, route)
    }

    /// Whether the route leads anywhere on this server.
    fn has(&self, route: Route<'_>) -> bool {
        self.shared.learning.is_some() || !route.is_private()
    }

    fn read(
        &self,
        request: &Request<'_>,
        target: &Target<'_>,
        route: Route<'_>,
    ) -> Result<Outcome, Problem> {
        let head = &request.head;
        let reply = match route {
            Route::Content(path) => {
                self.hear(head, target);
                if self.shared.wants_signature(&target.path) {
                    let detail = "this content is served by signed URLs only";
                    return Err(Problem::new(ProblemKind::SignatureMissing, detail));
                }
                return self.content(head, &path, request.now);
            }
            Route::Signed(signed) => {
                self.hear(head, target);
                return self.signed(request, &signed);
            }
            Route::Page => self.page(head, "index.html")?,
            Route::PageFile(name) => self.page(head, name)?,
            Route::Icon => self.page(head, "icon.svg")?,
            Route::Problem(slug) => self.problem_page(head, slug)?,
            Route::Health => self.api(head, self.health()?),
            Route::OpenApi => self.api(head, self.openapi(head)?),
            Route::Courses => self.api(head, self.courses(request, target)?),
            Route::Course(id) => self.api(head, self.course(request, id)?),
            Route::ReceiptKeys => self.api(head, self.receipt_keys(head)?),
            Route::Sessions
            | Route::Renew
            | Route::DevToken
            | Route::Session
            | Route::Beats
            | Route::Enrolments
            | Route::Enrolment(_)
            | Route::Attempts
            | Route::Attempt(_)
            | Route::Answer(..)
            | Route::Submit(_) => return Err(not_found()),
        };
        Ok(Outcome::Now(reply))
    }

    /// Counts what a player tells.
    fn hear(&self, head: &RequestHead<'_>, target: &Target<'_>) {
        if let Some(told) = Cmcd::of(target.query, head.fields) {
            self.metrics.players.told(head.version, told);
        }
    }

    /// Every `/v1` reply names its request and says which origins may read it.
    fn api(&self, head: &RequestHead<'_>, reply: Reply) -> Reply {
        with_extra(reply, &self.api_fields(head))
    }

    /// The same of a reply that may have to wait.
    fn api_outcome(&self, head: &RequestHead<'_>, outcome: Outcome) -> Outcome {
        let fields = self.api_fields(head);
        outcome.map(move |reply| with_extra(reply, &fields))
    }

    fn api_fields(&self, head: &RequestHead<'_>) -> Fields {
        let mut fields = self.shared.origins.fields(head.fields.get("origin"));
        let id = self.ids.draw();
        fields.push(b"x-request-id", id.as_str().as_bytes());
        fields
    }

    /// The reply to a request that cannot be answered with content.
    fn refuse(&self, head: &RequestHead<'_>, mut problem: Problem) -> Reply {
        self.metrics.problem(problem.kind);
        problem.private |= is_private(without_query(head.target));
        if is_public_content(head.target) {
            // A player on another host must be able to read why.
            for (name, value) in OPEN {
                problem = problem.with_field(name, value);
            }
        } else if head.target.starts_with("/v1/") {
            let cors = self.shared.origins.fields(head.fields.get("origin"));
            for (name, value) in cors.iter() {
                problem.fields.push(name, value);
            }
        }
        let mut reply = problem.reply(self.ids.draw().as_str());
        if head.method == Method::Head {
            reply.body = Body::Empty;
        }
        reply
    }

    fn account(&self, request: &Request<'_>, reply: Reply) -> Reply {
        let head = &request.head;
        self.metrics.replied(head.version, reply.status());
        if self.log.wants() {
            let line = Line {
                version: head.version,
                method: head.method,
                path: path_of(head.target),
                took: runtime::now().saturating_duration_since(request.now),
                client: self.shared.client(request),
            };
            line.write(&reply);
        }
        reply
    }

    /// Completes a reply that has to wait. Dropping the future gives up the wait and counts
    /// nothing.
    fn finish(
        self: Rc<Self>,
        request: &Request<'_>,
        future: Pin<Box<dyn Future<Output = Result<Reply, Problem>>>>,
    ) -> Pin<Box<dyn Future<Output = Reply>>> {
        let (version, method, since) = (request.head.version, request.head.method, request.now);
        let (target, origin) = (
            request.head.target.to_owned(),
            origin_of(request.head.fields),
        );
        let client = self.log.is_on().then(|| self.shared.client(request));
        Box::pin(async move {
            let outcome = future.await;
            let head = RequestHead {
                version,
                method,
                authority: "",
                target: &target,
                fields: &origin,
            };
            let reply = outcome.unwrap_or_else(|problem| self.refuse(&head, problem));
            self.metrics.replied(version, reply.status());
            if let Some(client) = client.filter(|_| self.log.wants()) {
                let line = Line {
                    version,
                    method,
                    path: path_of(&target),
                    took: runtime::now().saturating_duration_since(since),
                    client,
                };
                line.write(&reply);
            }
            reply
        })
    }
}

/// Bytes of content taken in with a method that no URL here has.
const MISTAKEN_BYTES_MAX: usize = 16 * 1024;
const _: () = assert!(MISTAKEN_BYTES_MAX <= BODY_BYTES_MAX);

/// Methods that the server as a whole takes for sure.
pub(crate) const ALLOW: &str = Methods::Read.allow();

const OPEN: [(&str, &str); 2] = [
    ("access-control-allow-origin", "*"),
    ("timing-allow-origin", "*"),
];

pub(crate) fn not_found() -> Problem {
    Problem::new(ProblemKind::NotFound, "there is nothing at this URL")
}

/// What a log may say of a target: neither query nor signature.
fn path_of(target: &str) -> &str {
    split_token(without_query(target)).1
}

fn without_query(target: &str) -> &str {
    target.split('?').next().unwrap_or_default()
}

fn with_extra(mut reply: Reply, fields: &Fields) -> Reply {
    for (name, value) in fields.iter() {
        reply.extra.push(name, value);
    }
    reply
}

fn origin_of(fields: &Fields) -> Fields {
    let origin = fields.get("origin");
    origin.map_or_else(Fields::new, |origin| Fields::new().with("origin", origin))
}
