//! What each route answers to GET and HEAD, and all of them to OPTIONS.

use crate::content;
use crate::content::LoadError;
use crate::content::Lookup;
use crate::content::Told;
use crate::http::Body;
use crate::http::CachePolicy;
use crate::http::Declined;
use crate::http::Fields;
use crate::http::Head;
use crate::http::Method;
use crate::http::PROBLEMS;
use crate::http::Problem;
use crate::http::ProblemKind;
use crate::http::Reply;
use crate::http::Request;
use crate::http::RequestHead;
use crate::http::Resource;
use crate::http::Status;
use crate::http::Target;
use crate::http::cache;
use crate::http::cors;
use crate::runtime;
use crate::service::app::ALLOW;
use crate::service::app::Core;
use crate::service::app::Outcome;
use crate::service::app::not_found;
use crate::service::catalogue::ListQuery;
use crate::service::reference;
use crate::service::route::Route;
use crate::service::route::Signed;
use crate::service::signing::Refused;
use std::sync::Arc;
use std::sync::LazyLock;
use std::time::Duration;
use std::time::Instant;

impl Core {
    /// A file of the demo page.
    pub(crate) fn page(&self, head: &RequestHead<'_>, name: &str) -> Result<Reply, Problem> {
        let page = self.shared.page.as_ref().ok_or_else(not_found)?;
        answer(
            page.file(name).ok_or_else(not_found)?,
            head.method,
            head.fields,
        )
    }

    /// 204 while this node takes new learners.
    pub(crate) fn health(&self) -> Result<Reply, Problem> {
        if self.shared.shutdown.is_running() {
            return Ok(Reply::new(Arc::clone(&HEALTHY), Body::Empty));
        }
        let problem = Problem::new(ProblemKind::Draining, "this node finishes what it has");
        Err(problem.with_retry_after_ms(1000))
    }

    /// The description of this interface for machines.
    pub(crate) fn openapi(&self, head: &RequestHead<'_>) -> Result<Reply, Problem> {
        answer(&reference::OPENAPI, head.method, head.fields)
    }

    /// A page of the catalogue.
    pub(crate) fn courses(
        &self,
        request: &Request<'_>,
        target: &Target<'_>,
    ) -> Result<Reply, Problem> {
        let query = ListQuery::of(target)?;
        if !query.is_usual() {
            self.charge(request)?;
        }
        let catalogue = self.shared.library.catalogue();
        let list = self.prepared.borrow_mut().list(&catalogue, &query);
        answer(&list, request.head.method, request.head.fields)
    }

    /// Takes costly work off what the client's network may ask for.
    fn charge(&self, request: &Request<'_>) -> Result<(), Problem> {
        let client = self.shared.client(request);
        if self.allowance.take(client, request.now) {
            return Ok(());
        }
        let detail = "this network asks for more than is worked out for it in a second";
        let problem = Problem::new(ProblemKind::TooManyRequests, detail);
        Err(problem.with_retry_after_ms(1000))
    }

    /// Scheme and host that content URLs begin with: configured, or those the client asked.
    fn base(&self, request: &Request<'_>) -> String {
        let configured = &self.shared.config.media_base;
        if !configured.is_empty() {
            return configured.to_owned();
        }
        self.asked_origin(request)
    }

    /// Scheme and host that the client asked, lowercase; empty if it named no host.
    pub(crate) fn asked_origin(&self, request: &Request<'_>) -> String {
        let told = self.shared.told(request);
        match told.host.unwrap_or(request.head.authority) {
            "" => String::new(),
            host => {
                let scheme = told.scheme.unwrap_or("https");
                format!("{scheme}://{}", host.to_ascii_lowercase())
            }
        }
    }

    /// One course, with URLs on the media host or on the host that was asked.
    pub(crate) fn course(&self, request: &Request<'_>, id: &str) -> Result<Reply, Problem> {
        let base = self.base(request);
        let head = &request.head;
        let catalogue = self.shared.library.catalogue();
        let mut prepared = self.prepared.borrow_mut();
        if !prepared.keeps(&catalogue, &base) {
            self.charge(request)?;
        }
        let course = prepared.course(&catalogue, id, &base);
        let course = course.ok_or_else(|| {
            Problem::new(
                ProblemKind::NotFound,
                "the catalogue has no course of this id",
            )
        })?;
        answer(&course, head.method, head.fields)
    }

    /// What a problem's `type` leads to.
    pub(crate) fn problem_page(
        &self,
        head: &RequestHead<'_>,
        slug: &str,
    ) -> Result<Reply, Problem> {
        let entry = PROBLEMS.iter().find(|p| p.slug == slug);
        let resource = reference::problem(entry.ok_or_else(not_found)?);
        answer(&resource, head.method, head.fields)
    }

    /// Media, quizzes and attachments.
    pub(crate) fn content(
        &self,
        head: &RequestHead<'_>,
        path: &content::Path<'_>,
        now: Instant,
    ) -> Result<Outcome, Problem> {
        let found = self.found(head, path, now)?;
        if matches!(path, content::Path::File(..)) {
            return Ok(found.map(guarded));
        }
        if matches!(path, content::Path::Text(..)) {
            return Ok(found.map(readable));
        }
        if let content::Path::Source(place, track) = path {
            let name = format!("{}-{track}.mp4", place.lesson);
            return Ok(found.map(move |reply| downloaded(reply, &name)));
        }
        Ok(found)
    }

    /// The same for whoever holds a good signature; no cache keeps the reply longer than it.
    pub(crate) fn signed(
        &self,
        request: &Request<'_>,
        signed: &Signed<'_>,
    ) -> Result<Outcome, Problem> {
        let keys = &self.shared.url_keys;
        if keys.is_empty() {
            return Err(not_found());
        }
        let now = request.unix_ms / 1000;
        let until = keys.verify(signed.token, signed.path, now);
        let until = until.map_err(|refused| match refused {
            Refused::Invalid => Problem::new(ProblemKind::SignatureInvalid, INVALID),
            Refused::Expired => Problem::new(ProblemKind::SignatureExpired, EXPIRED),
        })?;
        let left = until.saturating_sub(now);
        let outcome = self.content(&request.head, &signed.content, request.now)?;
        Ok(outcome.map(move |reply| kept_within(reply, left)))
    }

    fn found(
        &self,
        head: &RequestHead<'_>,
        path: &content::Path<'_>,
        now: Instant,
    ) -> Result<Outcome, Problem> {
        let mut building = match self.shared.library.find(path, now) {
            Lookup::Hit(chunk) => {
                return answer(chunk.resource(), head.method, head.fields).map(Outcome::Now);
            }
            Lookup::File(file) => {
                let reply = answer(&file.resource(), head.method, head.fields)?;
                // Read as it is sent, so nothing is kept (RFC 9211, 2.2).
                let reply = said(reply, "lamplight; fwd=bypass", "cache;desc=file");
                return Ok(Outcome::Now(reply));
            }
            Lookup::Gone => return self.sat(head, path).ok_or_else(gone),
            Lookup::NotFound => return self.sat(head, path).ok_or_else(not_found),
            Lookup::Miss(building) => building,
        };

        let (method, fields) = (head.method, head.fields.clone());
        Ok(Outcome::Later(Box::pin(async move {
            let begun = runtime::now();
            let landed = (&mut building).await;
            let chunk = landed.map_err(|error| unavailable(&error))?;
            let reply = answer(chunk.resource(), method, &fields)?;
            let waited = runtime::now().saturating_duration_since(begun);
            let (status, timing) = came_about(building.told(), waited);
            Ok(said(reply, status, &timing))
        })))
    }

    /// OPTIONS, preflight or not; `None` for the server as a whole.
    pub(crate) fn options(&self, head: &RequestHead<'_>, route: Option<Route<'_>>) -> Reply {
        let head = if let Some(Route::Content(_) | Route::Signed(_)) = route {
            Arc::clone(&OPEN_OPTIONS)
        } else {
            let allow = route.map_or(ALLOW, |route| route.methods().allow());
            let origin = head.fields.get("origin");
            self.shared.origins.options(origin, allow)
        };
        Reply::new(head, Body::Empty)
    }
}

static OPEN_OPTIONS: LazyLock<Arc<Head>> = LazyLock::new(|| cors::open_options(ALLOW));
static HEALTHY: LazyLock<Arc<Head>> = LazyLock::new(|| {
    let no_store = CachePolicy::NoStore.cache_control();
    Head::new(Status(204), Fields::new().with("cache-control", no_store))
});

/// The resource's reply, or the problem that its conditions come to.
pub(crate) fn answer(
    resource: &Resource,
    method: Method,
    fields: &Fields,
) -> Result<Reply, Problem> {
    resource
        .reply(method, fields)
        .map_err(|declined| match declined {
            Declined::PreconditionFailed => {
                let detail = "the representation is not the one that the condition names";
                Problem::new(ProblemKind::PreconditionFailed, detail)
            }
            Declined::RangeNotSatisfiable(len) => {
                let detail = format!("the representation has {len} bytes");
                let problem = Problem::new(ProblemKind::RangeNotSatisfiable, detail);
                problem.with_field("content-range", format!("bytes */{len}"))
            }
        })
}

/// The reply with another word on where its bytes came from (RFC 9211; Server Timing).
fn said(mut reply: Reply, cache_status: &str, timing: &str) -> Reply {
    let fields = Fields::new()
        .with("cache-status", cache_status)
        .with("server-timing", timing);
    reply.head = reply.head.replacing(&fields);
    reply
}

const INVALID: &str = "the signature was not made for this path, or not with a key of this server";
const EXPIRED: &str = "the signature was good and its time is over";

/// The reply, kept by nobody for longer than `seconds`.
fn kept_within(mut reply: Reply, seconds: u64) -> Reply {
    let kept = reply.head.fields().get_str("cache-control");
    if let Some(fields) = kept.and_then(|kept| cache::within(kept, seconds)) {
        reply.head = reply.head.replacing(&fields);
    }
    reply
}

/// An attachment may be a page or a drawing with scripts in it, and it lies on the origin of the
/// demo page: it is shown, if at all, without scripts and as if from nowhere.
fn guarded(mut reply: Reply) -> Reply {
    reply
        .extra
        .push(b"content-security-policy", ATTACHMENT_POLICY);
    reply
}

/// A reading page holds nothing that could act; should it ever, the browser lets nothing act.
fn readable(mut reply: Reply) -> Reply {
    reply.extra.push(b"content-security-policy", READING_POLICY);
    reply
}

const READING_POLICY: &[u8] = b"default-src 'none'; img-src 'self'; \
    style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// A recording for download gets a name that says what it is; `name` is made of ids, which are
/// letters, digits and hyphens.
fn downloaded(mut reply: Reply, name: &str) -> Reply {
    if reply.status().0 < 300 {
        let disposition = format!("attachment; filename=\"{name}\"");
        let extra = &mut reply.extra;
        extra.push(b"content-disposition", disposition.as_bytes());
    }
    reply
}

const ATTACHMENT_POLICY: &[u8] = b"default-src 'none'; style-src 'unsafe-inline'; sandbox";

/// What `cache-status` and `server-timing` say of a chunk that was not in the cache. The wait
/// holds the build and the turn in the queue before it.
fn came_about(told: Told, waited: Duration) -> (&'static str, String) {
    let waited = milliseconds(waited);
    if told.collapsed {
        let timing = format!("cache;desc=collapsed, wait;dur={waited}");
        return ("lamplight; fwd=uri-miss; collapsed", timing);
    }
    let built = milliseconds(told.built_in);
    let timing = format!("cache;desc=miss, build;dur={built}, wait;dur={waited}");
    ("lamplight; fwd=uri-miss; stored", timing)
}

fn milliseconds(took: Duration) -> String {
    let us = took.as_micros();
    format!("{}.{:03}", us / 1000, us % 1000)
}

fn gone() -> Problem {
    let detail = "this version was replaced; load the playlist or the course again";
    Problem::new(ProblemKind::Gone, detail)
}

pub(crate) fn unavailable(error: &LoadError) -> Problem {
    let (kind, detail, ms) = match error {
        LoadError::Folder { .. } | LoadError::Changed { .. } => (
            ProblemKind::ContentUnavailable,
            "its source cannot be read at the moment",
            5000,
        ),
        LoadError::Gone { .. } => return gone(),
        LoadError::Busy => (
            ProblemKind::Overloaded,
            "too much content is being prepared",
            1000,
        ),
        LoadError::Internal => (ProblemKind::Internal, "preparing the content failed", 5000),
    };
    tracing::warn!(%error, "content not served");
    Problem::new(kind, detail).with_retry_after_ms(ms)
}
