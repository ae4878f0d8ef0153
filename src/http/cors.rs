//! Cross-origin access (Fetch standard, section 3): the fields that say who may read a reply.

use crate::http::Fields;
use crate::http::Head;
use crate::http::Status;
use std::sync::Arc;

/// Seconds for which a browser remembers a preflight.
pub const PREFLIGHT_S: &str = "86400";

/// Adds what lets every page on every host use a public resource, its timings included. The reply
/// is the same for every origin, so caches need no `vary: origin`; and as no cookie is ever set or
/// read here, `*` may stand for all fields.
#[must_use]
pub fn open_to_all(fields: Fields) -> Fields {
    fields
        .with("access-control-allow-origin", "*")
        .with("access-control-expose-headers", "*")
        .with("timing-allow-origin", "*")
        .with("cross-origin-resource-policy", "cross-origin")
        .with("x-content-type-options", "nosniff")
}

/// The reply to OPTIONS on a public resource, preflight or not.
pub fn open_options(allow: &str) -> Arc<Head> {
    let fields = Fields::new()
        .with("allow", allow)
        .with("access-control-allow-origin", "*")
        .with("access-control-allow-methods", allow)
        .with("access-control-allow-headers", "*")
        .with("access-control-max-age", PREFLIGHT_S)
        .with("cache-control", "no-store");
    Head::new(Status(204), fields)
}

/// Origins that may read replies of `/v1`, from the configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origins {
    listed: Vec<String>,
    any: bool,
}

impl Origins {
    /// Those origins (`https://app.example`), or every origin if one of them is `*`.
    pub fn new(listed: &[String]) -> Self {
        Self {
            any: listed.iter().any(|o| o == "*"),
            listed: listed.to_vec(),
        }
    }

    /// Fields to add to a reply for a request with this `origin`: none when nobody is listed,
    /// `vary: origin` whenever the answer depends on it. Only origins that are listed by name may
    /// send cookies; with `*` a page has to show its session itself.
    pub fn fields(&self, origin: Option<&[u8]>) -> Fields {
        let mut fields = Fields::new();
        if self.any {
            fields.push(b"access-control-allow-origin", b"*");
            fields.push(b"access-control-expose-headers", b"*");
            fields.push(b"timing-allow-origin", b"*");
            return fields;
        }
        if self.listed.is_empty() {
            return fields;
        }
        fields.push(b"vary", b"origin");
        if let Some(origin) = origin.filter(|o| self.allows(o)) {
            fields.push(b"access-control-allow-origin", origin);
            fields.push(b"access-control-allow-credentials", b"true");
            fields.push(b"access-control-expose-headers", EXPOSED);
            fields.push(b"timing-allow-origin", origin);
        }
        fields
    }

    /// The reply to OPTIONS on such a URL.
    pub fn options(&self, origin: Option<&[u8]>, allow: &str) -> Arc<Head> {
        let mut fields = self.fields(origin);
        fields.push(b"allow", allow.as_bytes());
        fields.push(b"cache-control", b"no-store");
        if fields.get("access-control-allow-origin").is_some() {
            fields.push(b"access-control-allow-methods", allow.as_bytes());
            fields.push(b"access-control-allow-headers", SENT);
            fields.push(b"access-control-max-age", PREFLIGHT_S.as_bytes());
        }
        Head::new(Status(204), fields)
    }

    /// Whether the origin is listed by name.
    pub fn allows(&self, origin: &[u8]) -> bool {
        let named = self.listed.iter().filter(|listed| *listed != "*");
        named.map(String::as_bytes).any(|listed| listed == origin)
    }
}

/// Fields of replies that pages of listed origins may read, beside those that all may.
const EXPOSED: &[u8] = b"allow, content-range, date, etag, retry-after, www-authenticate, \
    x-request-id";
/// Fields that pages may send. `*` would leave out `authorization` (Fetch, 4.9).
const SENT: &[u8] = b"authorization, content-type, if-match, if-none-match, range";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_resource_is_the_same_for_every_origin() {
        let fields = open_to_all(Fields::new());
        assert_eq!(fields.get("access-control-allow-origin"), Some(&b"*"[..]));
        assert_eq!(fields.get("vary"), None);
        assert_eq!(open_options("GET").status(), Status(204));
    }

    #[test]
    fn only_listed_origins_read_the_api_and_caches_are_told() {
        let origins = Origins::new(&["https://app.example".to_owned()]);
        let yes = origins.fields(Some(b"https://app.example"));
        let allowed = yes.get_str("access-control-allow-origin");
        assert_eq!(allowed, Some("https://app.example"));
        let credentials = yes.get_str("access-control-allow-credentials");
        assert_eq!(credentials, Some("true"));
        for other in [
            None,
            Some(&b"https://app.example.evil"[..]),
            Some(b"null"),
            Some(b"*"),
        ] {
            let fields = origins.fields(other);
            assert_eq!(fields.get("access-control-allow-origin"), None);
            assert_eq!(fields.get("timing-allow-origin"), None);
            assert_eq!(fields.get("access-control-allow-credentials"), None);
            assert_eq!(fields.get_str("vary"), Some("origin"));
        }
        assert!(
            Origins::default()
                .fields(Some(b"https://app.example"))
                .is_empty()
        );
        let any = Origins::new(&["*".to_owned()]).fields(None);
        assert_eq!(
            (any.get_str("access-control-allow-origin"), any.get("vary")),
            (Some("*"), None)
        );
        assert_eq!(any.get("access-control-allow-credentials"), None);
        let all = Origins::new(&["*".to_owned()]);
        assert!(!all.allows(b"*") && !all.allows(b"https://app.example"));
    }

    #[test]
    fn a_preflight_of_a_stranger_allows_nothing() {
        let origins = Origins::new(&["https://app.example".to_owned()]);
        let head = origins.options(Some(b"https://evil.example"), "GET");
        assert_eq!(head.fields().get("access-control-allow-methods"), None);
        let head = origins.options(Some(b"https://app.example"), "GET");
        assert_eq!(
            head.fields().get_str("access-control-allow-methods"),
            Some("GET")
        );
    }
}
