//! The target: an `https` URL that the user named, and the guard around everything not loopback.

use std::net::IpAddr;
use std::net::SocketAddr;
use std::net::ToSocketAddrs;
use std::str::FromStr;

/// Why a target is refused.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TargetError {
    /// Not an absolute `https` URL.
    #[error("`{0}` is not an https URL; write it like https://localhost:4433/v1/health")]
    NotHttps(String),
    /// No host between `https://` and the path.
    #[error("`{0}` names no host; write it like https://localhost:4433/")]
    NoHost(String),
    /// The part after the colon is not a port.
    #[error("`{0}` has an unreadable port; ports are 1 to 65535")]
    BadPort(String),
    /// A space or control byte in the path.
    #[error("`{0}` holds a blank or control character; percent-encode it")]
    BadPath(String),
    /// The name has no address.
    #[error("`{0}` has no address; check the name or give the address itself")]
    Unresolved(String),
    /// Not loopback, and the user did not say that it is theirs.
    #[error(
        "{0} is not a loopback address; load only what is yours, and say so with \
         --i-own-this-target"
    )]
    NotMine(IpAddr),
}

/// An absolute `https` URL, split once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    /// Host without brackets, as certificate checks want it.
    pub(crate) host: String,
    /// UDP port, 443 when the URL names none.
    pub(crate) port: u16,
    /// `:authority` exactly as written.
    pub(crate) authority: String,
    /// Path and query, beginning with `/`.
    pub(crate) path: String,
}

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        let rest = text
            .strip_prefix("https://")
            .ok_or_else(|| TargetError::NotHttps(text.into()))?;
        let (authority, path) = match rest.find(['/', '?']) {
            Some(at) => rest.split_at(at),
            None => (rest, ""),
        };
        let (host, port) = split_authority(authority, text)?;
        if host.is_empty() || host.contains('@') {
            return Err(TargetError::NoHost(text.into()));
        }
        Ok(Self {
            host: host.into(),
            port,
            authority: authority.into(),
            path: origin_form(path)?,
        })
    }
}

fn split_authority<'a>(authority: &'a str, url: &str) -> Result<(&'a str, u16), TargetError> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(v6) => {
            let parts = v6.split_once(']');
            parts.ok_or_else(|| TargetError::NoHost(url.into()))?
        }
        None => match authority.find(':') {
            Some(at) => authority.split_at(at),
            None => (authority, ""),
        },
    };
    if port.is_empty() {
        return Ok((host, 443));
    }
    let number = port.strip_prefix(':').and_then(|p| p.parse().ok());
    match number {
        Some(number) if number != 0 => Ok((host, number)),
        _ => Err(TargetError::BadPort(url.into())),
    }
}

/// Path and query as a request target, without the fragment.
pub(crate) fn origin_form(path: &str) -> Result<String, TargetError> {
    let path = path.split('#').next().unwrap_or_default();
    if path.bytes().any(|b| b <= b' ' || b == 0x7f) {
        return Err(TargetError::BadPath(path.into()));
    }
    Ok(match path.starts_with('/') {
        true => path.into(),
        false => format!("/{path}"),
    })
}

impl Target {
    /// The first address of the host, if the user may load it.
    pub(crate) fn resolve(&self, owned: bool) -> Result<SocketAddr, TargetError> {
        let unresolved = || TargetError::Unresolved(self.host.clone());
        let mut all = (self.host.as_str(), self.port)
            .to_socket_addrs()
            .map_err(|_resolver| unresolved())?
            .collect::<Vec<_>>();
        // A server on `localhost` may listen on IPv4 only; the other way round is rare.
        all.sort_by_key(SocketAddr::is_ipv6);
        let address = *all.first().ok_or_else(unresolved)?;
        match owned || address.ip().is_loopback() {
            true => Ok(address),
            false => Err(TargetError::NotMine(address.ip())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Target, TargetError> {
        text.parse()
    }

    #[test]
    fn urls_split_into_what_the_wire_wants() {
        let all = parse("https://[::1]:4433/a/b?c=d#e").unwrap();
        assert_eq!((all.host.as_str(), all.port), ("::1", 4433));
        assert_eq!(
            (all.authority.as_str(), all.path.as_str()),
            ("[::1]:4433", "/a/b?c=d")
        );
        let short = parse("https://lamp.example").unwrap();
        assert_eq!((short.port, short.path.as_str()), (443, "/"));
        assert_eq!(parse("https://h?q").unwrap().path, "/?q");
    }

    #[test]
    fn unusable_urls_are_refused_with_their_reason() {
        let bad = |text: &str| parse(text).unwrap_err();
        assert!(matches!(bad("http://h/"), TargetError::NotHttps(_)));
        assert!(matches!(bad("https:///x"), TargetError::NoHost(_)));
        assert!(matches!(bad("https://u@h/x"), TargetError::NoHost(_)));
        assert!(matches!(bad("https://h:0/"), TargetError::BadPort(_)));
        assert!(matches!(bad("https://h:70000/"), TargetError::BadPort(_)));
        assert!(matches!(bad("https://h/a b"), TargetError::BadPath(_)));
        assert!(matches!(bad("https://[::1/"), TargetError::NoHost(_)));
    }

    #[test]
    fn foreign_hosts_are_not_loaded_by_accident() {
        let foreign = parse("https://192.0.2.1/").unwrap();
        assert!(matches!(
            foreign.resolve(false),
            Err(TargetError::NotMine(_))
        ));
        assert!(foreign.resolve(true).is_ok());
        assert!(
            parse("https://127.0.0.1:1/")
                .unwrap()
                .resolve(false)
                .is_ok()
        );
    }
}
