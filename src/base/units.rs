//! Times and sizes as people write them in a configuration: `"30s"`, `"64 KiB"`.

use serde::Deserialize;
use serde::Deserializer;
use serde::Serialize;
use serde::Serializer;
use serde::de::Error as _;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// A span of time, in whole milliseconds; written as a number and one of `ms s m h d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    ms: u64,
}

/// A number of bytes; written as a number and one of `B KiB MiB GiB TiB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Size {
    bytes: u64,
}

/// The text is not a time or a size.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnitError {
    /// Not a time.
    #[error("`{0}` is not a time; write a whole number and ms, s, m, h or d, like \"30s\"")]
    Span(String),
    /// Not a size.
    #[error(
        "`{0}` is not a size; write a whole number and B, KiB, MiB, GiB or TiB, like \"64 KiB\""
    )]
    Size(String),
}

/// Units from the largest down, so that printing finds the largest that divides.
const SPAN_UNITS: [(&str, u64); 5] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1000),
    ("ms", 1),
];
const SIZE_UNITS: [(&str, u64); 5] = [
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("B", 1),
];

impl Span {
    /// `n` milliseconds.
    pub const fn ms(n: u64) -> Self {
        Self { ms: n }
    }

    /// `n` seconds.
    pub const fn secs(n: u64) -> Self {
        Self {
            ms: n.saturating_mul(1000),
        }
    }

    /// The same as the standard library's type.
    pub const fn duration(self) -> Duration {
        Duration::from_millis(self.ms)
    }

    /// Whole milliseconds.
    pub const fn as_ms(self) -> u64 {
        self.ms
    }
}

impl Size {
    /// `n` bytes.
    pub const fn bytes(n: u64) -> Self {
        Self { bytes: n }
    }

    /// `n` times 1024 bytes.
    pub const fn kib(n: u64) -> Self {
        Self {
            bytes: n.saturating_mul(1 << 10),
        }
    }

    /// `n` times 1024 KiB.
    pub const fn mib(n: u64) -> Self {
        Self {
            bytes: n.saturating_mul(1 << 20),
        }
    }

    /// The number of bytes.
    pub const fn as_bytes(self) -> u64 {
        self.bytes
    }

    /// The number of bytes as a length in memory.
    pub fn as_len(self) -> usize {
        usize::try_from(self.bytes).unwrap_or(usize::MAX)
    }
}

impl FromStr for Span {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let ms = parse(text, &SPAN_UNITS).ok_or_else(|| UnitError::Span(text.to_owned()))?;
        Ok(Self { ms })
    }
}

impl FromStr for Size {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let bytes = parse(text, &SIZE_UNITS).ok_or_else(|| UnitError::Size(text.to_owned()))?;
        Ok(Self { bytes })
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, n) = largest(self.ms, &SPAN_UNITS, "s");
        write!(f, "{n}{unit}")
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, n) = largest(self.bytes, &SIZE_UNITS, "B");
        write!(f, "{n} {unit}")
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Serialize for Size {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

/// A number and a unit with or without a space between; `None` on anything else or on overflow.
fn parse(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at_checked(digits)?;
    let unit = unit.trim_start_matches(' ');
    let (_, factor) = units.iter().find(|(name, _)| *name == unit)?;
    number.parse::<u64>().ok()?.checked_mul(*factor)
}

/// The largest unit that divides `n`, and how often; `zero` names the unit of nothing.
fn largest(n: u64, units: &[(&'static str, u64)], zero: &'static str) -> (&'static str, u64) {
    let mut fitting = units
        .iter()
        .filter(|(_, factor)| n != 0 && n.is_multiple_of(*factor));
    fitting
        .next()
        .map_or((zero, n), |(name, factor)| (*name, n / factor))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_time_or_size_without_a_known_unit_is_refused_with_the_remedy() {
        for text in [
            "",
            "30",
            "s",
            "3 0s",
            "-1s",
            "1.5s",
            "1S",
            "99999999999999999999s",
            "1sé",
        ] {
            let error = text.parse::<Span>().unwrap_err().to_string();
            assert!(error.contains("like \"30s\""), "{error}");
        }
        for text in ["64", "64 KB", "64 kib", "18446744073709551615 TiB"] {
            assert!(
                text.parse::<Size>()
                    .unwrap_err()
                    .to_string()
                    .contains("KiB")
            );
        }
    }

    #[test]
    fn people_read_the_largest_unit_that_fits() {
        let span = |text: &str| text.parse::<Span>().unwrap();
        assert_eq!(span("90s").to_string(), "90s");
        assert_eq!(span("120 s").to_string(), "2m");
        assert_eq!(span("0ms").to_string(), "0s");
        assert_eq!(span("30s").duration(), Duration::from_secs(30));
        assert_eq!(Size::kib(64).to_string(), "64 KiB");
        assert_eq!("1MiB".parse::<Size>().unwrap(), Size::mib(1));
    }

    proptest! {
        #[test]
        fn what_is_printed_reads_back_unchanged(n: u64) {
            let span = Span::ms(n);
            let size = Size::bytes(n);
            prop_assert_eq!(span.to_string().parse::<Span>(), Ok(span));
            prop_assert_eq!(size.to_string().parse::<Size>(), Ok(size));
        }
    }
}
