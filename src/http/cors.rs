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
    /// `vary: origin` whenever the answer depends on it.
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
            let exposed = b"content-range, date, etag, retry-after, x-request-id";
            fields.push(b"access-control-expose-headers", exposed);
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
            let headers = b"authorization, content-type, if-match, if-none-match, range";
            fields.push(b"access-control-allow-headers", headers);
            fields.push(b"access-control-max-age", PREFLIGHT_S.as_bytes());
        }
        Head::new(Status(204), fields)
    }

    fn allows(&self, origin: &[u8]) -> bool {
        self.listed.iter().any(|o| o.as_bytes() == origin)
    }
}

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
        for other in [
            None,
            Some(&b"https://app.example.evil"[..]),
            Some(b"null"),
            Some(b"*"),
        ] {
            let fields = origins.fields(other);
            assert_eq!(fields.get("access-control-allow-origin"), None);
            assert_eq!(fields.get("timing-allow-origin"), None);
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
