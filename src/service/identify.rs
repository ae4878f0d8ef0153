//! Who asks: the session that a request carries, as bearer token or as cookie.

use crate::base::id::DeviceId;
use crate::http::Fields;
use crate::http::Problem;
use crate::http::ProblemKind;
use crate::http::Request;
use crate::identity::Session;
use crate::identity::SessionFault;
use crate::service::app::Core;
use crate::service::app::not_found;

/// The cookie of a session. The prefix binds it to this host, to TLS and to the whole site (draft
/// RFC 6265bis, 4.1.3.2): no other host can set or read it.
pub(crate) const COOKIE: &str = "__Host-lamplight";

/// What is wrong with a token, in the words of RFC 6750, 3.1.
pub(crate) const INVALID: &str = "invalid_token";

/// A session and how it came.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pass {
    pub(crate) session: Session,
    pub(crate) by: Carrier,
}

/// How a session's token travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Carrier {
    /// `authorization: Bearer`, which no browser sends by itself.
    Bearer,
    /// The cookie, which browsers send whoever asks them to.
    Cookie,
}

/// Why a request is nobody's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nobody {
    /// It carries no token.
    Missing,
    /// A page of somebody else's made the browser send the cookie.
    CrossSite,
    /// It speaks of another device than its session's.
    WrongDevice,
    /// The token is no good.
    Token(SessionFault),
}

impl Nobody {
    /// Words for counters.
    pub(crate) const REASONS: [&str; 3 + SessionFault::REASONS.len()] = {
        let [a, b, c, d, e, f, g] = SessionFault::REASONS;
        ["missing", "cross_site", "wrong_device", a, b, c, d, e, f, g]
    };

    pub(crate) const fn reason(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::CrossSite => "cross_site",
            Self::WrongDevice => "wrong_device",
            Self::Token(fault) => fault.reason(),
        }
    }
}

impl From<Nobody> for Problem {
    fn from(nobody: Nobody) -> Self {
        match nobody {
            Nobody::Missing => {
                let detail = "there is neither a bearer token nor the cookie";
                challenged(Self::new(ProblemKind::SessionMissing, detail), None)
            }
            Nobody::CrossSite => {
                let detail = "the cookie came from a page that may not act for the learner";
                Self::new(ProblemKind::CrossSite, detail)
            }
            Nobody::WrongDevice => {
                let detail = "`device` is not the device of this session";
                Self::new(ProblemKind::WrongDevice, detail)
            }
            Nobody::Token(fault) => refused(fault),
        }
    }
}

impl Core {
    /// The session that the request carries, opened. Whether it has been signed out since is for
    /// whoever has the learner's state.
    ///
    /// # Errors
    /// 401 without a good token; 403 if the cookie was sent from another site by an unsafe method;
    /// 503 if another node sealed it with a key that this one has not read yet. All are counted.
    pub(crate) fn identify(&self, request: &Request<'_>) -> Result<Session, Problem> {
        Ok(self.pass(request)?.session)
    }

    /// The same with how it came.
    pub(crate) fn pass(&self, request: &Request<'_>) -> Result<Pass, Problem> {
        let learning = self.shared.learning.as_ref().ok_or_else(not_found)?;
        let open = || {
            let (token, by) = carried(request.head.fields).ok_or(Nobody::Missing)?;
            if by == Carrier::Cookie && !request.head.method.is_safe() && !self.is_ours(request) {
                return Err(Nobody::CrossSite);
            }
            let session = learning.session_keys.open(token, seconds(request.unix_ms));
            let session = session.map_err(Nobody::Token)?;
            Ok(Pass { session, by })
        };
        open().map_err(|nobody| self.turned_away(nobody))
    }

    /// Whether what the request says of its device is true. A token that turns up with another
    /// device was copied: nothing happens, and somebody should know.
    ///
    /// # Errors
    /// 403, counted and logged.
    pub(crate) fn on_device(&self, session: &Session, named: DeviceId) -> Result<(), Problem> {
        if named == session.device {
            return Ok(());
        }
        if self.door.may_warn() {
            let (learner, device) = (session.learner, session.device);
            tracing::warn!(%learner, %device, %named, "a token is used on another device");
        }
        Err(self.turned_away(Nobody::WrongDevice))
    }

    fn turned_away(&self, nobody: Nobody) -> Problem {
        self.metrics.door.turned_away(nobody);
        nobody.into()
    }

    /// Whether a page that may act for the learner sent it: one of the host that was asked, or of
    /// an origin that is listed by name. Browsers say so in `sec-fetch-site` or `origin`; who says
    /// neither is no browser of today and has no business with cookies.
    fn is_ours(&self, request: &Request<'_>) -> bool {
        let fields = request.head.fields;
        let origin = fields.get("origin");
        let listed = origin.is_some_and(|origin| self.shared.origins.allows(origin));
        if listed {
            return true;
        }
        match fields.get("sec-fetch-site") {
            Some(site) => site == b"same-origin",
            None => origin.is_some_and(|origin| origin == self.asked_origin(request).as_bytes()),
        }
    }
}

/// The token that a request carries. A bearer token comes first: who sends one means it.
fn carried(fields: &Fields) -> Option<(&str, Carrier)> {
    let bearer = bearer(fields).map(|token| (token, Carrier::Bearer));
    bearer.or_else(|| cookie(fields).map(|token| (token, Carrier::Cookie)))
}

/// The token after `Bearer` (RFC 6750, 2.1), the scheme in any case (RFC 9110, 11.1).
pub(crate) fn bearer(fields: &Fields) -> Option<&str> {
    let (scheme, token) = fields.get_str("authorization")?.split_once(' ')?;
    let token = token.trim_matches(' ');
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

/// The session's cookie. HTTP/2 and HTTP/3 may split cookies over fields (RFC 9113, 8.2.3).
fn cookie(fields: &Fields) -> Option<&str> {
    let lines = fields
        .get_all("cookie")
        .filter_map(|line| std::str::from_utf8(line).ok());
    let mut pairs = lines
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.split_once('='));
    let found = pairs.find(|(name, _)| name.trim() == COOKIE);
    found.map(|(_, value)| value.trim())
}

fn refused(fault: SessionFault) -> Problem {
    let kind = match fault {
        SessionFault::NewerKey(_) => {
            let detail = "another node has a newer key than this one; it will have it in a moment";
            return Problem::new(ProblemKind::Overloaded, detail).with_retry_after_ms(1000);
        }
        SessionFault::Expired { .. } | SessionFault::TooOld => ProblemKind::SessionExpired,
        SessionFault::Malformed
        | SessionFault::UnknownKey(_)
        | SessionFault::Forged
        | SessionFault::Ahead { .. } => ProblemKind::SessionInvalid,
    };
    challenged(Problem::new(kind, fault.to_string()), Some(INVALID))
}

/// The same with what the client may do about it (RFC 6750, 3).
pub(crate) fn challenged(problem: Problem, error: Option<&str>) -> Problem {
    let challenge = match error {
        None => "Bearer realm=\"lamplight\"".to_owned(),
        Some(error) => format!("Bearer realm=\"lamplight\", error=\"{error}\""),
    };
    problem.with_field("www-authenticate", challenge)
}

/// Whole unix seconds of milliseconds.
pub(crate) fn seconds(unix_ms: u64) -> u32 {
    u32::try_from(unix_ms / 1000).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(fields: &[(&str, &str)]) -> Option<(String, Carrier)> {
        let all = fields.iter();
        let all = all.fold(Fields::new(), |all, (name, value)| all.with(name, value));
        carried(&all).map(|(token, by)| (token.to_owned(), by))
    }

    #[test]
    fn a_token_is_found_wherever_it_may_stand_and_nowhere_else() {
        let bearer = Some(("abc".to_owned(), Carrier::Bearer));
        let cookie = Some(("abc".to_owned(), Carrier::Cookie));
        assert_eq!(found(&[("authorization", "Bearer abc")]), bearer);
        assert_eq!(found(&[("authorization", "bearer  abc ")]), bearer);
        assert_eq!(
            found(&[("cookie", "a=b; __Host-lamplight=abc;c=d")]),
            cookie
        );
        let split = [("cookie", "a=b"), ("cookie", "__Host-lamplight=abc")];
        assert_eq!(found(&split), cookie);
        let both = [
            ("cookie", "__Host-lamplight=x"),
            ("authorization", "Bearer abc"),
        ];
        assert_eq!(found(&both), bearer);
        for nothing in [
            ("authorization", "Basic abc"),
            ("authorization", "Bearer"),
            ("authorization", "Bearer "),
            ("authorization", ""),
            ("cookie", "lamplight=abc; x__Host-lamplight=abc"),
            ("cookie", "__host-lamplight=abc"),
        ] {
            assert_eq!(found(&[nothing]), None, "{nothing:?}");
        }
    }

    #[test]
    fn every_reason_has_a_counter_of_its_own() {
        let faults = [Nobody::Missing, Nobody::CrossSite, Nobody::WrongDevice];
        for nobody in faults {
            assert!(Nobody::REASONS.contains(&nobody.reason()));
        }
        let mut all = Nobody::REASONS.to_vec();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), Nobody::REASONS.len());
    }
}
