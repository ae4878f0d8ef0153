//! Where a request goes.

use crate::runtime::client::ClientError;
use http::Uri;

/// Scheme, host and port of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Whether TLS lies below HTTP.
    pub secure: bool,
    /// Name or address, the latter without brackets.
    pub host: String,
    /// Port.
    pub port: u16,
    /// As a request names it.
    pub authority: String,
}

impl Origin {
    /// The origin of `url`, and its path with query (`/` if it has none).
    ///
    /// # Errors
    /// [`ClientError::Url`].
    pub fn of(url: &str) -> Result<(Self, String), ClientError> {
        let wrong = || ClientError::Url(url.to_owned());
        let uri = url.parse::<Uri>().map_err(|_not_a_uri| wrong())?;
        let secure = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(wrong()),
        };
        let authority = uri.authority().ok_or_else(wrong)?;
        if authority.as_str().contains('@') || authority.host().is_empty() {
            return Err(wrong());
        }
        let default = if secure { 443 } else { 80 };
        let origin = Self {
            secure,
            host: authority.host().trim_matches(['[', ']']).to_owned(),
            port: authority.port_u16().unwrap_or(default),
            authority: authority.as_str().to_owned(),
        };
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        Ok((origin, path.to_owned()))
    }

    /// `https://host:port`.
    pub fn base(&self) -> String {
        let scheme = if self.secure { "https" } else { "http" };
        format!("{scheme}://{}", self.authority)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_that_names_no_server_is_refused_before_anything_is_sent() {
        let (origin, path) = Origin::of("https://[::1]:8443/a?b=c").unwrap();
        assert_eq!((origin.host.as_str(), origin.port), ("::1", 8443));
        assert_eq!(
            (origin.base().as_str(), path.as_str()),
            ("https://[::1]:8443", "/a?b=c")
        );
        let (origin, path) = Origin::of("http://learn.example").unwrap();
        assert_eq!(
            (origin.secure, origin.port, path.as_str()),
            (false, 80, "/")
        );
        for url in [
            "learn.example",
            "/a",
            "ftp://a/",
            "https://",
            "https://a@b/",
            "https://a b/",
        ] {
            assert!(Origin::of(url).is_err(), "{url}");
        }
    }
}
