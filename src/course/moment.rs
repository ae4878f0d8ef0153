//! A moment on the calendar, as files and replies write it.

use crate::base::calendar::civil_from_days;
use crate::base::calendar::days_from_civil;
use serde::Deserialize;
use serde::Serialize;
use std::fmt;
use toml::value::Datetime;
use toml::value::Offset;

/// A moment in whole seconds since 1970 UTC, shown as RFC 3339 in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Moment {
    /// Seconds since 1970 UTC.
    pub unix_s: i64,
}

impl Moment {
    /// The moment of a TOML date-time; `None` unless it has date, time and offset.
    pub fn of(value: &Datetime) -> Option<Self> {
        let (date, time) = (value.date?, value.time?);
        let offset_minutes = match value.offset? {
            Offset::Z => 0,
            Offset::Custom { minutes } => i64::from(minutes),
        };
        let days = days_from_civil(i64::from(date.year), date.month.into(), date.day.into());
        let hours = days * 24 + i64::from(time.hour);
        let minutes = hours * 60 + i64::from(time.minute) - offset_minutes;
        let seconds = i64::from(time.second.unwrap_or(0));
        Some(Self {
            unix_s: minutes * 60 + seconds,
        })
    }

    /// Milliseconds since 1970 UTC; 0 for what was before.
    pub fn unix_ms(self) -> u64 {
        u64::try_from(self.unix_s).unwrap_or(0).saturating_mul(1000)
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, second) = (
            self.unix_s.div_euclid(86_400),
            self.unix_s.rem_euclid(86_400),
        );
        let (year, month, day) = civil_from_days(days);
        let (hour, minute) = (second / 3600, second / 60 % 60);
        let rest = second % 60;
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{rest:02}Z"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Option<String> {
        let value: Datetime = text.parse().unwrap();
        Moment::of(&value).map(|m| m.to_string())
    }

    #[test]
    fn an_exam_opens_at_the_authors_hour_not_ours() {
        let utc = shown("2027-03-01T08:00:00+07:00");
        assert_eq!(utc.as_deref(), Some("2027-03-01T01:00:00Z"));
        let leap = shown("2028-02-29T23:59:59-01:30");
        assert_eq!(leap.as_deref(), Some("2028-03-01T01:29:59Z"));
        assert_eq!(
            shown("1970-01-01T00:00:00Z").as_deref(),
            Some("1970-01-01T00:00:00Z")
        );
        assert_eq!(shown("2027-03-01T08:00:00"), None);
    }
}
