//! Problem documents (RFC 9457): one closed table of what can go wrong and what a client does.

use crate::http::Body;
use crate::http::CachePolicy;
use crate::http::Fields;
use crate::http::Head;
use crate::http::Refusal;
use crate::http::Reply;
use crate::http::Status;
use bytes::Bytes;
use serde::Serialize;
use std::borrow::Cow;

/// Every kind of problem this server answers with; docs/protocol.md lists the same table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProblemKind {
    /// The message is not a request we can read.
    Malformed,
    /// The path holds an escape, an empty or a dot segment.
    BadPath,
    /// A query parameter has a value we cannot use.
    BadQuery,
    /// `Host` or `:authority` is not a host name.
    BadAuthority,
    /// The content is not the JSON that this call takes.
    BadContent,
    /// Signing in needs an issuer's token and there is none.
    TokenMissing,
    /// The issuer's token is not believed.
    TokenInvalid,
    /// The issuer's token was good and its time is over.
    TokenExpired,
    /// The call needs a session and there is none.
    SessionMissing,
    /// The session's token opens nothing here.
    SessionInvalid,
    /// The session's time is over.
    SessionExpired,
    /// The learner has signed out.
    SessionEnded,
    /// A page that may not act for the learner made the browser send the cookie.
    CrossSite,
    /// This URL is served with a signature only.
    SignatureMissing,
    /// The signature was good and its time is over.
    SignatureExpired,
    /// The signature does not belong to this URL, or nobody here made it.
    SignatureInvalid,
    /// The session was begun on another device than the call speaks of.
    WrongDevice,
    /// Something else has to be passed before.
    NotEligible,
    /// The quiz opens later.
    QuizNotOpen,
    /// The quiz is closed.
    QuizClosed,
    /// Nothing is at this URL.
    NotFound,
    /// The method does not apply to this URL.
    MethodNotAllowed,
    /// The request did not arrive in time.
    RequestTimeout,
    /// A bound of this learner's is reached.
    LimitReached,
    /// What the learner has begun stands in the way.
    Unfinished,
    /// The number was used for another answer.
    AnswerConflict,
    /// The attempt was submitted.
    AttemptClosed,
    /// The attempt's time is over.
    TimeOver,
    /// The device has answered what this node has not seen.
    AnswersMissing,
    /// The version that this URL names was replaced, long enough ago.
    Gone,
    /// `If-Match` or `If-Unmodified-Since` does not hold.
    PreconditionFailed,
    /// The content is larger than this URL takes.
    ContentTooLarge,
    /// The target is longer than we read.
    TargetTooLong,
    /// The content is no JSON, or coded.
    UnsupportedMediaType,
    /// No byte of the range exists.
    RangeNotSatisfiable,
    /// An unsafe method in early data (RFC 8470).
    TooEarly,
    /// More costly requests from one network than are served.
    TooManyRequests,
    /// The field section is larger than we announced.
    FieldsTooLarge,
    /// Our fault.
    Internal,
    /// The content exists but cannot be read or built at the moment.
    ContentUnavailable,
    /// The issuer's keys cannot be had, so its token cannot be judged.
    IssuerAway,
    /// The disk has no room for what would be acknowledged.
    StorageFull,
    /// The disk failed: this node acknowledges nothing any more.
    StorageFailed,
    /// No room for this request at the moment.
    Overloaded,
    /// This node finishes what it has and takes nothing new.
    Draining,
}

/// One line of the table.
#[derive(Debug, Clone, Copy)]
pub struct ProblemEntry {
    /// The kind.
    pub kind: ProblemKind,
    /// Last segment of the problem's `type`, e.g. `not-found` in `/problems/not-found`.
    pub slug: &'static str,
    /// Status code.
    pub status: Status,
    /// Short title, the same for every occurrence.
    pub title: &'static str,
    /// Whether the same request may succeed later.
    pub retry: bool,
    /// What a client does about it.
    pub client: &'static str,
}

const fn entry(
    kind: ProblemKind,
    status: u16,
    slug: &'static str,
    title: &'static str,
    retry: bool,
    client: &'static str,
) -> ProblemEntry {
    let status = Status(status);
    ProblemEntry {
        kind,
        slug,
        status,
        title,
        retry,
        client,
    }
}

/// The line of whatever should have one and has not.
const INTERNAL: ProblemEntry = entry(
    ProblemKind::Internal,
    500,
    "internal",
    "The server made a mistake",
    true,
    "Try again with back-off; report the request id if it stays.",
);

/// The table, in the order of [`ProblemKind`].
#[rustfmt::skip]
pub const PROBLEMS: &[ProblemEntry] = {
    use ProblemKind as K;
    &[
        entry(K::Malformed, 400, "malformed", "The request cannot be read", false,
            "Mend the request; the same bytes fail again."),
        entry(K::BadPath, 400, "bad-path", "The path is not acceptable", false,
            "Send the path as it was given to you, without escapes, dot or empty segments."),
        entry(K::BadQuery, 400, "bad-query", "A query parameter is not usable", false,
            "Correct the parameter that `detail` names."),
        entry(K::BadAuthority, 400, "bad-authority", "The host is not a host name", false,
            "Send the host of the URL."),
        entry(K::BadContent, 400, "bad-content", "The content is not what this call takes", false,
            "Correct what `detail` names."),
        entry(K::TokenMissing, 401, "token-missing", "Signing in needs a token of an issuer", false,
            "Send the issuer's token as `Authorization: Bearer`."),
        entry(K::TokenInvalid, 401, "token-invalid", "The issuer's token is not believed", false,
            "Get another token from the issuer; `detail` says what is wrong with this one."),
        entry(K::TokenExpired, 401, "token-expired", "The issuer's token has expired", false,
            "Get a fresh token from the issuer and sign in at once."),
        entry(K::SessionMissing, 401, "session-missing", "This call needs a session", false,
            "Sign in, and send the session's token."),
        entry(K::SessionInvalid, 401, "session-invalid", "This is no session of ours", false,
            "Sign in again; keep what is not saved yet and send it then."),
        entry(K::SessionExpired, 401, "session-expired", "The session has expired", false,
            "Sign in again; keep what is not saved yet and send it then."),
        entry(K::SessionEnded, 401, "session-ended", "The learner has signed out", false,
            "Sign in again; keep what is not saved yet for this learner."),
        entry(K::CrossSite, 403, "cross-site", "Another site's page may not act here", false,
            "Call from a page of this host or a listed origin, or send the token as bearer."),
        entry(K::SignatureMissing, 403, "signature-missing", "This URL needs a signature", false,
            "Ask the platform for a signed URL."),
        entry(K::SignatureExpired, 403, "signature-expired", "The signature has expired", false,
            "Ask the platform for a new URL and go on with it."),
        entry(K::SignatureInvalid, 403, "signature-invalid", "The signature is not valid here",
            false, "Use the URL exactly as it was given; it opens no other."),
        entry(K::WrongDevice, 403, "wrong-device", "The session belongs to another device", false,
            "Sign in on this device; one session is for one device."),
        entry(K::NotEligible, 403, "not-eligible", "Something else comes first", false,
            "Do first what `detail` names."),
        entry(K::QuizNotOpen, 403, "quiz-not-open", "The quiz is not open yet", true,
            "Try again after `retry_after_ms`."),
        entry(K::QuizClosed, 403, "quiz-closed", "The quiz is closed", false,
            "Tell the learner; no attempt can be opened any more."),
        entry(K::NotFound, 404, "not-found", "Nothing is here", false,
            "Ask the catalogue again for current URLs."),
        entry(K::MethodNotAllowed, 405, "method-not-allowed",
            "The method does not apply here", false,
            "Use a method that `Allow` lists."),
        entry(K::RequestTimeout, 408, "request-timeout",
            "The request took too long to arrive", true,
            "Send it again on a better connection."),
        entry(K::LimitReached, 409, "limit-reached", "A bound is reached", false,
            "Make room as `detail` says, then send it again."),
        entry(K::Unfinished, 409, "unfinished", "Something begun stands in the way", false,
            "Finish what `detail` names, then send it again."),
        entry(K::AnswerConflict, 409, "answer-conflict",
            "This number was used for another answer", false,
            "Number the answer above all that the attempt lists, then send it again."),
        entry(K::AttemptClosed, 409, "attempt-closed", "The attempt was submitted", false,
            "Ask for the attempt and show its result."),
        entry(K::TimeOver, 409, "time-over", "The time of the attempt is over", false,
            "Submit the attempt; what was acknowledged in time counts."),
        entry(K::AnswersMissing, 409, "answers-missing",
            "Answers were given that this node has not seen", true,
            "Send the answers to the items that `detail` names again, then submit."),
        entry(K::Gone, 410, "gone", "This version was replaced", false,
            "Load the playlist or the course again and follow its URLs."),
        entry(K::PreconditionFailed, 412, "precondition-failed",
            "A precondition does not hold", false,
            "Fetch the present version and decide again."),
        entry(K::ContentTooLarge, 413, "content-too-large", "The content is too large", false,
            "Send less, in several requests."),
        entry(K::TargetTooLong, 414, "target-too-long", "The URL is too long", false,
            "Shorten the path or the query."),
        entry(K::UnsupportedMediaType, 415, "unsupported-media-type",
            "The content has another form than this call takes", false,
            "Send JSON as `application/json`, not compressed."),
        entry(K::RangeNotSatisfiable, 416, "range-not-satisfiable",
            "No byte of the range exists", false,
            "Read the length from `Content-Range` and ask within it."),
        entry(K::TooEarly, 425, "too-early", "Not safe in early data", true,
            "Send it again when the handshake is complete."),
        entry(K::TooManyRequests, 429, "too-many-requests",
            "Too many costly requests", true,
            "Try again after `retry_after_ms`, with jitter."),
        entry(K::FieldsTooLarge, 431, "fields-too-large", "The header fields are too large", false,
            "Send fewer or shorter header fields."),
        INTERNAL,
        entry(K::ContentUnavailable, 503, "content-unavailable",
            "The content cannot be read at the moment", true,
            "Try again after `retry_after_ms`."),
        entry(K::IssuerAway, 503, "issuer-away", "The issuer cannot be asked at the moment", true,
            "Try again after `retry_after_ms` with the same token."),
        entry(K::StorageFull, 503, "storage-full", "Nothing can be saved at the moment", true,
            "Keep it and try again after `retry_after_ms`, with jitter."),
        entry(K::StorageFailed, 503, "storage-failed", "This node can save nothing any more", false,
            "Keep it and send it again over a new connection; another node answers."),
        entry(K::Overloaded, 503, "overloaded", "The server is full at the moment", true,
            "Try again after `retry_after_ms`, with jitter."),
        entry(K::Draining, 503, "draining", "This node is going away", true,
            "Open a new connection; another node answers."),
    ]
};

impl ProblemKind {
    /// The kind's line in the table.
    pub fn entry(self) -> &'static ProblemEntry {
        let mut known = PROBLEMS.iter();
        known.find(|entry| entry.kind == self).unwrap_or(&INTERNAL)
    }

    /// The kind of a driver's refusal.
    pub const fn of(refusal: Refusal) -> Self {
        match refusal {
            Refusal::BodyTooLarge => Self::ContentTooLarge,
            Refusal::FieldsTooLarge => Self::FieldsTooLarge,
            Refusal::Timeout => Self::RequestTimeout,
            Refusal::Malformed => Self::Malformed,
            Refusal::TooEarly => Self::TooEarly,
            Refusal::Overloaded => Self::Overloaded,
        }
    }
}

/// One occurrence.
#[derive(Debug, Clone)]
pub struct Problem {
    /// Its kind.
    pub kind: ProblemKind,
    /// What happened this time, one sentence; never anything secret, nor raw client bytes.
    pub detail: Cow<'static, str>,
    /// When to try again, milliseconds.
    pub retry_after_ms: Option<u64>,
    /// Fields this occurrence needs (`allow`, `content-range`, CORS).
    pub fields: Fields,
    /// Whether it is one learner's: then no cache keeps it.
    pub private: bool,
}

#[derive(Serialize)]
struct Document<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    retry: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<u64>,
    request_id: &'a str,
}

impl Problem {
    /// An occurrence with its sentence.
    pub fn new(kind: ProblemKind, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind,
            detail: detail.into(),
            retry_after_ms: None,
            fields: Fields::new(),
            private: false,
        }
    }

    /// The same with a field.
    #[must_use]
    pub fn with_field(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.fields = self.fields.with(name, value);
        self
    }

    /// The same with a time to wait, told as `retry-after` too (whole seconds, rounded up).
    #[must_use]
    pub fn with_retry_after_ms(mut self, ms: u64) -> Self {
        self.retry_after_ms = Some(ms);
        self.with_field("retry-after", ms.div_ceil(1000).to_string())
    }

    /// The reply; `request_id` is the id in the log.
    pub fn reply(&self, request_id: &str) -> Reply {
        let entry = self.kind.entry();
        let document = Document {
            r#type: format!("/problems/{}", entry.slug),
            title: entry.title,
            status: entry.status.0,
            detail: &self.detail,
            retry: entry.retry,
            retry_after_ms: self.retry_after_ms,
            request_id,
        };
        // A struct of strings and numbers always serialises.
        let body = serde_json::to_vec(&document).unwrap_or_default();
        let policy = match entry.status.0 {
            404 | 410 if !self.private => CachePolicy::Missing,
            _ => CachePolicy::NoStore,
        };
        let mut fields = Fields::new()
            .with("content-type", "application/problem+json")
            .with("content-length", body.len().to_string())
            .with("cache-control", policy.cache_control());
        if let Some(value) = policy.cdn_cache_control() {
            fields.push(b"cdn-cache-control", value.as_bytes());
        }
        fields.push(b"x-content-type-options", b"nosniff");
        for (name, value) in self.fields.iter() {
            fields.push(name, value);
        }
        fields.push(b"x-request-id", request_id.as_bytes());
        let head = Head::new(entry.status, fields);
        Reply::new(head, Body::slice(Bytes::from(body)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_kind_has_one_line_and_one_type() {
        let kinds: HashSet<_> = PROBLEMS.iter().map(|p| p.kind).collect();
        let slugs: HashSet<_> = PROBLEMS.iter().map(|p| p.slug).collect();
        assert_eq!((kinds.len(), slugs.len()), (PROBLEMS.len(), PROBLEMS.len()));
        for entry in PROBLEMS {
            assert_eq!(entry.kind.entry().slug, entry.slug);
            assert!((400..600).contains(&entry.status.0) && entry.client.ends_with('.'));
        }
        assert_eq!(ProblemKind::Internal.entry().slug, "internal");
    }

    #[test]
    fn a_problem_says_what_to_do_and_is_not_kept_longer_than_it_may() {
        let reply = Problem::new(ProblemKind::NotFound, "no course \"x\"").reply("r1");
        assert_eq!(reply.status(), Status(404));
        let fields = reply.head.fields();
        assert_eq!(fields.get_str("cache-control"), Some("public, max-age=5"));
        assert_eq!(fields.get_str("x-request-id"), Some("r1"));
        let length = reply.body.len().unwrap().to_string();
        assert_eq!(fields.get_str("content-length"), Some(length.as_str()));
        let Body::Slices(slices) = reply.body else {
            panic!("no body")
        };
        let json: serde_json::Value = serde_json::from_slice(&slices[0]).unwrap();
        assert_eq!(json["type"], "/problems/not-found");
        assert_eq!(json["detail"], "no course \"x\"");
        assert_eq!(json.get("retry_after_ms"), None);

        let problem = Problem::new(ProblemKind::Overloaded, "full").with_retry_after_ms(1500);
        let fields = problem.reply("r2").head.fields().clone();
        assert_eq!(fields.get_str("retry-after"), Some("2"));
        assert_eq!(fields.get_str("cache-control"), Some("no-store"));
    }
}
