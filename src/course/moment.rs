//! A moment on the calendar, as files and replies write it.

use std::fmt;
use toml::value::Datetime;
use toml::value::Offset;

/// A moment in whole seconds since 1970 UTC, shown as RFC 3339 in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
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

/// Days since 1970-01-01 of a date in the Gregorian calendar; years begin in March, so that the
/// leap day is the last of its year.
const fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let from_march = (month + 9) % 12;
    let of_year = (153 * from_march + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

const fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = (from_march + 2) % 12 + 1;
    let year = year + era * 400 + if month <= 2 { 1 } else { 0 };
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

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

    proptest! {
        #[test]
        fn days_and_dates_agree(days in -1_000_000_i64..3_000_000) {
            let (year, month, day) = civil_from_days(days);
            prop_assert!((1..=12).contains(&month) && (1..=31).contains(&day));
            prop_assert_eq!(days_from_civil(year, month, day), days);
        }
    }
}
