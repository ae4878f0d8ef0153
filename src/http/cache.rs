//! How long replies may be kept (RFC 9111, 5861, 8246, 9213), as a closed set of policies.

use crate::http::Fields;

/// Seconds for which caches serve catalogue and playlists without asking.
pub const MANIFEST_FRESH_S: u64 = 60;
/// Seconds after that in which they may serve a stale copy while they ask (RFC 5861, 3).
pub const MANIFEST_STALE_WHILE_REVALIDATE_S: u64 = 60;
/// Seconds after that in which they may serve a stale copy when we fail (RFC 5861, 4).
pub const MANIFEST_STALE_IF_ERROR_S: u64 = 600;
/// Who may keep a reply, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CachePolicy {
    /// The URL names a version: a year, never asked again.
    Immutable,
    /// Catalogue, playlists, reading pages: a minute, then stale while revalidating or failing.
    Manifest,
    /// Attachments and downloads: a day.
    Day,
    /// The page and its files: a minute.
    Short,
    /// What is not there: five seconds, so that a repaired folder shows soon and a storm of
    /// requests for a missing file stops at the edge.
    Missing,
    /// Never kept: health, errors, private things.
    NoStore,
}

impl CachePolicy {
    /// The value of `cache-control`.
    pub const fn cache_control(self) -> &'static str {
        match self {
            Self::Immutable => "public, max-age=31536000, immutable",
            Self::Manifest => "public, max-age=60, stale-while-revalidate=60, stale-if-error=600",
            Self::Day => "public, max-age=86400",
            Self::Short => "public, max-age=60",
            Self::Missing => "public, max-age=5",
            Self::NoStore => "no-store",
        }
    }

    /// The value of `cdn-cache-control` (RFC 9213); `None` where edges need nothing beside
    /// `cache-control`.
    pub const fn cdn_cache_control(self) -> Option<&'static str> {
        match self {
            Self::Immutable => Some("max-age=31536000"),
            Self::Manifest => Some("max-age=60, stale-while-revalidate=60, stale-if-error=600"),
            Self::Day => Some("max-age=86400"),
            Self::Short => Some("max-age=60"),
            Self::Missing => Some("max-age=5"),
            Self::NoStore => None,
        }
    }
}

/// Fields that keep a reply with this `cache-control` for `seconds` at most, stale use included;
/// `None` if it is not kept for longer anyway.
pub fn within(cache_control: &str, seconds: u64) -> Option<Fields> {
    let said = |name: &str| {
        let mut parts = cache_control
            .split(", ")
            .filter_map(|part| part.split_once('='));
        let value = parts.find(|(n, _)| *n == name).map(|(_, value)| value);
        value
            .and_then(|value| value.parse::<u64>().ok())
            .unwrap_or(0)
    };
    let fresh = said("max-age");
    if fresh + said("stale-while-revalidate") + said("stale-if-error") <= seconds {
        return None;
    }
    let max_age = format!("max-age={}", fresh.min(seconds));
    let fields = Fields::new().with("cache-control", format!("public, {max_age}"));
    Some(fields.with("cdn-cache-control", max_age))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_kept_longer_than_its_url_lives() {
        let within = |policy: CachePolicy, seconds| {
            let fields = within(policy.cache_control(), seconds)?;
            fields.get_str("cache-control").map(str::to_owned)
        };
        let short = within(CachePolicy::Immutable, 3600);
        assert_eq!(short.as_deref(), Some("public, max-age=3600"));
        let near = within(CachePolicy::Manifest, 300);
        assert_eq!(near.as_deref(), Some("public, max-age=60"));
        let nearer = within(CachePolicy::Manifest, 7);
        assert_eq!(nearer.as_deref(), Some("public, max-age=7"));
        assert_eq!(within(CachePolicy::Manifest, 720), None);
        assert_eq!(within(CachePolicy::NoStore, 0), None);
    }

    #[test]
    fn the_values_say_what_the_constants_say() {
        let value = CachePolicy::Manifest.cache_control();
        let said = |name: &str, seconds: u64| value.contains(&format!("{name}={seconds}"));
        assert!(said("max-age", MANIFEST_FRESH_S));
        assert!(said(
            "stale-while-revalidate",
            MANIFEST_STALE_WHILE_REVALIDATE_S
        ));
        assert!(said("stale-if-error", MANIFEST_STALE_IF_ERROR_S));
    }

    #[test]
    fn the_contract_says_what_caches_hear() {
        let contract = include_str!("../../docs/protocol.md");
        for policy in [
            CachePolicy::Immutable,
            CachePolicy::Manifest,
            CachePolicy::Day,
            CachePolicy::Short,
            CachePolicy::Missing,
            CachePolicy::NoStore,
        ] {
            let edges = policy.cdn_cache_control();
            let edges = edges.map_or_else(|| "–".to_owned(), |value| format!("`{value}`"));
            let row = format!("| `{}` | {edges} |", policy.cache_control());
            assert!(contract.contains(&row), "docs/protocol.md lacks {row}");
        }
    }

    #[test]
    fn what_may_not_be_stored_is_not_offered_to_edges() {
        assert_eq!(CachePolicy::NoStore.cdn_cache_control(), None);
    }
}
