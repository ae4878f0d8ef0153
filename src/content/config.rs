//! What may be set about content.

use crate::base::units::Size;
use crate::base::units::Span;
use crate::http::cache::MANIFEST_FRESH_S;
use crate::http::cache::MANIFEST_STALE_IF_ERROR_S;
use crate::http::cache::MANIFEST_STALE_WHILE_REVALIDATE_S;
use serde::Deserialize;
use serde::Serialize;
use std::path::PathBuf;

/// `[content]`: where courses lie and how much memory their chunks may take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Folder with one folder a course. Default `content`, relative to the working directory.
    pub dir: PathBuf,
    /// Memory for finished chunks (segments, playlists, quizzes), all of it used sooner or later.
    /// Default 512 MiB, 16 MiB to 1 TiB. Too little makes every segment a file read.
    pub cache: Size,
    /// Memory for sample tables of recordings lately asked for: 1 MiB an hour of video. Default
    /// 64 MiB, 1 MiB to 64 GiB. Too little makes every segment a parse of its recording's index.
    pub index_cache: Size,
    /// Length of segments aimed at; key frames decide. Default 4s, 1s to 30s. Shorter ones start
    /// faster and cost more requests. A change gives every segment a new URL.
    pub segment: Span,
    /// How long a replaced version stays fetchable. Default 12m, 0ms to 24h; the default is as
    /// long as caches may hand out the playlist that names it. Less makes players of cached
    /// playlists fail.
    pub keep_replaced: Span,
    /// Folder of hard links to recordings and captions, by which replaced ones stay readable.
    /// Default empty: `pins` in the data directory. It must lie on the file system of `dir`, and
    /// each process needs its own; else what nobody read lately is gone as soon as it is replaced.
    pub pins: PathBuf,
    /// How often the folder is looked at for changes. Default 30s, 1s to 24h; 0ms: only when told
    /// to (SIGHUP, the operations listener). A look costs about a second of one core for 100,000
    /// files.
    pub rescan: Span,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            dir: PathBuf::from("content"),
            cache: Size::mib(512),
            index_cache: Size::mib(64),
            segment: Span::secs(4),
            keep_replaced: Span::secs(PLAYLIST_LIFE_S),
            pins: PathBuf::new(),
            rescan: Span::secs(30),
        }
    }
}

/// Seconds for which somebody may come with a playlist that was replaced (RFC 9111, RFC 5861).
const PLAYLIST_LIFE_S: u64 =
    MANIFEST_FRESH_S + MANIFEST_STALE_WHILE_REVALIDATE_S + MANIFEST_STALE_IF_ERROR_S;

impl Config {
    /// Segment target in milliseconds, within its range.
    pub(crate) fn target_ms(&self) -> u32 {
        u32::try_from(self.segment.as_ms().clamp(1000, 30_000)).unwrap_or(4000)
    }

    /// Whether every value is within its range.
    ///
    /// # Errors
    /// A sentence about the first that is not.
    pub fn check(&self) -> Result<(), String> {
        let within = |key: &str, value: u64, least: u64, most: u64, words: &str| {
            if (least..=most).contains(&value) {
                return Ok(());
            }
            Err(format!("content.{key} must be {words}"))
        };
        let (mib, gib) = (1 << 20, 1 << 30);
        within(
            "cache",
            self.cache.as_bytes(),
            16 * mib,
            1024 * gib,
            "16 MiB to 1 TiB",
        )?;
        within(
            "index_cache",
            self.index_cache.as_bytes(),
            mib,
            64 * gib,
            "1 MiB to 64 GiB",
        )?;
        within("segment", self.segment.as_ms(), 1000, 30_000, "1s to 30s")?;
        let keep = self.keep_replaced.as_ms();
        within("keep_replaced", keep, 0, 24 * 3_600_000, "0ms to 24h")?;
        let rescan = self.rescan.as_ms();
        let least = u64::from(rescan > 0) * 1000;
        let words = "1s to 24h, or 0ms for never";
        within("rescan", rescan, least, 24 * 3_600_000, words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_in_range_and_nonsense_is_not() {
        assert_eq!(Config::default().check(), Ok(()));
        let config = Config {
            cache: Size::bytes(1),
            segment: Span::secs(90),
            ..Config::default()
        };
        assert!(
            config
                .check()
                .unwrap_err()
                .contains("content.cache must be 16 MiB")
        );
        assert_eq!(config.target_ms(), 30_000);
    }
}
