//! From a target to what it names: the one table of URLs.

use crate::base::limits::BODY_BYTES_MAX;
use crate::content;
use crate::http::Method;

/// What a path names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route<'a> {
    /// `/`
    Page,
    /// `/page/{file}`
    PageFile(&'a str),
    /// `/favicon.ico`
    Icon,
    /// `/v1/health`
    Health,
    /// `/v1/openapi.json`
    OpenApi,
    /// `/v1/courses`
    Courses,
    /// `/v1/courses/{course}`
    Course(&'a str),
    /// `/problems/{slug}`
    Problem(&'a str),
    /// `/v1/sessions`
    Sessions,
    /// `/v1/session/renew`
    Renew,
    /// `/v1/dev/token`
    DevToken,
    /// `/v1/session`
    Session,
    /// `/v1/session/beats`
    Beats,
    /// `/v1/enrolments`
    Enrolments,
    /// `/v1/enrolments/{course}`
    Enrolment(&'a str),
    /// `/v1/attempts`
    Attempts,
    /// `/v1/attempts/{attempt}`
    Attempt(&'a str),
    /// `/v1/attempts/{attempt}/answers/{item}`
    Answer(&'a str, &'a str),
    /// `/v1/attempts/{attempt}/submit`
    Submit(&'a str),
    /// `/v1/receipts/keys`
    ReceiptKeys,
    /// `/media/…`, `/quiz/…`, `/text/…`, `/files/…`
    Content(content::Path<'a>),
    /// `/s/{token}/media/…` and so on: the same with a signature.
    Signed(Signed<'a>),
}

/// Methods that a URL takes beside OPTIONS, which all take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Methods {
    /// GET and HEAD.
    Read,
    /// POST.
    Post,
    /// PUT.
    Put,
    /// DELETE.
    Delete,
    /// GET, HEAD and DELETE.
    ReadDelete,
}

/// A signed URL's parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signed<'a> {
    /// The signature, not looked at yet.
    pub token: &'a str,
    /// The path behind it.
    pub path: &'a str,
    /// What that path names.
    pub content: content::Path<'a>,
}

/// Path templates of all routes, as docs/openapi.json and docs/protocol.md list them.
pub const TEMPLATES: &[&str] = &[
    "/",
    "/page/{file}",
    "/favicon.ico",
    "/v1/health",
    "/v1/openapi.json",
    "/v1/courses",
    "/v1/courses/{course}",
    "/problems/{slug}",
    "/v1/sessions",
    "/v1/session",
    "/v1/session/renew",
    "/v1/dev/token",
    "/v1/session/beats",
    "/v1/enrolments",
    "/v1/enrolments/{course}",
    "/v1/attempts",
    "/v1/attempts/{attempt}",
    "/v1/attempts/{attempt}/answers/{item}",
    "/v1/attempts/{attempt}/submit",
    "/v1/receipts/keys",
    "/media/{course}/{lesson}/master.m3u8",
    "/media/{course}/{lesson}/manifest.mpd",
    "/media/{course}/{lesson}/{track}/playlist.m3u8",
    "/media/{course}/{lesson}/{track}/slides.m3u8",
    "/media/{course}/{lesson}/{track}/iframes.m3u8",
    "/media/{course}/{lesson}/{track}/{version}/init.mp4",
    "/media/{course}/{lesson}/{track}/{version}/{n}.m4s",
    "/media/{course}/{lesson}/{track}/{version}/slides/{n}.m4s",
    "/media/{course}/{lesson}/{track}/{version}/stills/{n}.m4s",
    "/media/{course}/{lesson}/subs/{lang}/playlist.m3u8",
    "/media/{course}/{lesson}/subs/{lang}/{version}/{n}.vtt",
    "/media/{course}/{lesson}/subs/{lang}/{version}/whole.vtt",
    "/media/{course}/{lesson}/source/{track}.mp4",
    "/quiz/{course}/{quiz}/{version}.json",
    "/text/{course}/{lesson}/{lang}",
    "/files/{course}/{path}",
    "/s/{token}/{url}",
];

impl<'a> Route<'a> {
    /// What a decoded path names; `None` is a 404.
    pub fn of(path: &'a str) -> Option<Self> {
        if is_public_content(path) {
            let (token, path) = split_token(path);
            let content = content::Path::parse(path)?;
            return Some(match token {
                None => Self::Content(content),
                Some(token) => Self::Signed(Signed {
                    token,
                    path,
                    content,
                }),
            });
        }
        Some(match path {
            "/" => Self::Page,
            "/favicon.ico" => Self::Icon,
            "/v1/health" => Self::Health,
            "/v1/openapi.json" => Self::OpenApi,
            "/v1/courses" => Self::Courses,
            "/v1/sessions" => Self::Sessions,
            "/v1/session/renew" => Self::Renew,
            "/v1/dev/token" => Self::DevToken,
            "/v1/session" => Self::Session,
            "/v1/session/beats" => Self::Beats,
            "/v1/enrolments" => Self::Enrolments,
            "/v1/attempts" => Self::Attempts,
            "/v1/receipts/keys" => Self::ReceiptKeys,
            _ => {
                if let Some(rest) = path.strip_prefix("/v1/attempts/") {
                    return Self::of_attempt(rest);
                }
                let (folder, name) = path.rsplit_once('/')?;
                match folder {
                    "/v1/courses" => Self::Course(name),
                    "/v1/enrolments" => Self::Enrolment(name),
                    "/page" => Self::PageFile(name),
                    "/problems" => Self::Problem(name),
                    _ => return None,
                }
            }
        })
    }
}

impl<'a> Route<'a> {
    /// What a path names behind `/v1/attempts/`.
    fn of_attempt(rest: &'a str) -> Option<Self> {
        let mut parts = rest.split('/');
        let attempt = parts.next().filter(|attempt| !attempt.is_empty())?;
        let route = match (parts.next(), parts.next()) {
            (None, _) => Self::Attempt(attempt),
            (Some("submit"), None) => Self::Submit(attempt),
            (Some("answers"), Some(item)) => Self::Answer(attempt, item),
            _ => return None,
        };
        parts.next().is_none().then_some(route)
    }
}

impl Route<'_> {
    /// What may be done with it.
    pub const fn methods(self) -> Methods {
        match self {
            Self::Sessions
            | Self::Renew
            | Self::DevToken
            | Self::Beats
            | Self::Enrolments
            | Self::Attempts
            | Self::Submit(_) => Methods::Post,
            Self::Answer(..) => Methods::Put,
            Self::Enrolment(_) => Methods::Delete,
            Self::Session => Methods::ReadDelete,
            Self::Page
            | Self::PageFile(_)
            | Self::Icon
            | Self::Health
            | Self::OpenApi
            | Self::Courses
            | Self::Course(_)
            | Self::Problem(_)
            | Self::Attempt(_)
            | Self::ReceiptKeys
            | Self::Content(_)
            | Self::Signed(_) => Methods::Read,
        }
    }

    /// Whether it is one learner's own.
    pub const fn is_private(self) -> bool {
        self.call().is_some()
    }

    /// The name of a learner's call in metrics.
    pub(crate) const fn call(self) -> Option<&'static str> {
        match self {
            Self::Sessions => Some("sign_in"),
            Self::Renew => Some("renew"),
            Self::DevToken => Some("dev_token"),
            Self::Session => Some("session"),
            Self::Beats => Some("beats"),
            Self::Enrolments => Some("enrol"),
            Self::Enrolment(_) => Some("leave"),
            Self::Attempts => Some("open"),
            Self::Attempt(_) => Some("attempt"),
            Self::Answer(..) => Some("answer"),
            Self::Submit(_) => Some("submit"),
            Self::Page
            | Self::PageFile(_)
            | Self::Icon
            | Self::Health
            | Self::OpenApi
            | Self::Courses
            | Self::Course(_)
            | Self::Problem(_)
            | Self::ReceiptKeys
            | Self::Content(_)
            | Self::Signed(_) => None,
        }
    }

    /// Bytes of content that its unsafe methods take.
    pub const fn content_bytes_max(self) -> usize {
        // A text of 4000 characters may be spelt in escapes.
        if matches!(self, Self::Beats | Self::Answer(..)) {
            BODY_BYTES_MAX
        } else if matches!(self, Self::Submit(_)) {
            LIST_BYTES_MAX
        } else {
            SMALL_BYTES_MAX
        }
    }
}

impl Methods {
    /// As `allow` lists them.
    pub const fn allow(self) -> &'static str {
        match self {
            Self::Read => "GET, HEAD, OPTIONS",
            Self::Post => "OPTIONS, POST",
            Self::Put => "OPTIONS, PUT",
            Self::Delete => "DELETE, OPTIONS",
            Self::ReadDelete => "DELETE, GET, HEAD, OPTIONS",
        }
    }

    /// Whether `method`, which is not OPTIONS, is one of them.
    pub const fn has(self, method: Method) -> bool {
        match self {
            Self::Read => matches!(method, Method::Get | Method::Head),
            Self::Post => matches!(method, Method::Post),
            Self::Put => matches!(method, Method::Put),
            Self::Delete => matches!(method, Method::Delete),
            Self::ReadDelete => matches!(method, Method::Get | Method::Head | Method::Delete),
        }
    }
}

/// Whether a path, decoded or not, is one learner's own: never kept, and nothing without the
/// memory.
pub(crate) fn is_private(path: &str) -> bool {
    let rest = path.strip_prefix("/v1/");
    rest.is_some_and(|rest| PRIVATE.iter().any(|begin| rest.starts_with(begin)))
}

/// Names of learners' calls in metrics.
pub(crate) const CALLS: [&str; 11] = [
    "sign_in",
    "renew",
    "dev_token",
    "session",
    "beats",
    "enrol",
    "leave",
    "open",
    "attempt",
    "answer",
    "submit",
];
/// How private paths go on after `/v1/`.
const PRIVATE: [&str; 4] = ["session", "enrolments", "attempts", "dev/"];
/// Bytes of content that a call with a few members takes.
const SMALL_BYTES_MAX: usize = 4 * 1024;
/// Bytes of content that names every item of a quiz.
const LIST_BYTES_MAX: usize = 16 * 1024;

/// Whether a path, decoded or not, lies where everything is open to every origin.
pub(crate) fn is_public_content(path: &str) -> bool {
    let (_, path) = split_token(path);
    let room = path.get(1..6).unwrap_or_default();
    matches!(room, "media" | "quiz/" | "text/" | "files")
}

/// The token of a signed URL and the path behind it; the path itself where there is none.
pub(crate) fn split_token(path: &str) -> (Option<&str>, &str) {
    let rest = path.strip_prefix("/s/");
    let split = rest.and_then(|rest| rest.split_at_checked(rest.find('/')?));
    split.map_or((None, path), |(token, path)| (Some(token), path))
}

#[cfg(test)]
mod tests {
    use super::*;

    const V: &str = "0123456789abcdef0123456789abcdef";

    #[test]
    fn every_template_leads_somewhere() {
        for template in TEMPLATES {
            let path = template
                .replace("{version}", V)
                .replace("{n}", "3")
                .replace("{lang}", "vi")
                .replace("{url}", "media/a/b/master.m3u8")
                .replace(['{', '}'], "");
            assert!(Route::of(&path).is_some(), "{path}");
        }
    }

    #[test]
    fn what_is_not_built_is_not_found() {
        for path in [
            "/v1",
            "/v1/session/",
            "/v1/sessions/x",
            "/v1/dev",
            "/v1/session/x",
            "/v1/enrolments/a/b",
            "/v1/courses/a/b",
            "/media",
            "/media/a/b/manifest.xml",
            "/page",
            "/page/a/b",
            "/mediax/a/b/master.m3u8",
            "/index.html",
            "/s/token",
            "/s/token/v1/courses",
            "/s/token/s/token/media/a/b/master.m3u8",
            "/s/media/a/b/master.m3u8",
            "/é",
            "/v1/exams/x",
        ] {
            assert_eq!(Route::of(path), None, "{path}");
        }
        assert_eq!(Route::of("/v1/courses/x"), Some(Route::Course("x")));
    }

    #[test]
    fn every_call_of_a_learner_is_counted_and_never_kept() {
        let paths = [
            "session",
            "session/beats",
            "enrolments",
            "enrolments/x",
            "attempts",
            "attempts/x",
            "attempts/x/answers/q1",
            "attempts/x/submit",
        ];
        for path in paths.map(|path| format!("/v1/{path}")) {
            let route = Route::of(&path).unwrap();
            assert!(CALLS.contains(&route.call().unwrap()), "{path}");
            assert!(is_private(&path) && route.is_private(), "{path}");
        }
    }

    #[test]
    fn no_url_takes_a_method_that_it_does_not_tell() {
        let routes = [
            Route::Page,
            Route::Beats,
            Route::Enrolment("x"),
            Route::Answer("x", "q1"),
        ];
        let methods = [
            (Method::Get, "GET"),
            (Method::Head, "HEAD"),
            (Method::Post, "POST"),
            (Method::Put, "PUT"),
            (Method::Delete, "DELETE"),
        ];
        for methods_of in routes.map(Route::methods) {
            for (method, name) in methods {
                let told = methods_of.allow().split(", ").any(|told| told == name);
                assert_eq!(methods_of.has(method), told, "{methods_of:?} {name}");
            }
            assert!(methods_of.allow().contains("OPTIONS"));
            assert!(!methods_of.has(Method::Other));
        }
    }
}
