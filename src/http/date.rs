//! HTTP dates (RFC 9110, 5.6.7): the one form we write and the three forms we must read.

use crate::base::calendar::civil_from_days;
use crate::base::calendar::days_from_civil;

/// A moment with a resolution of one second, counted from 1970 UTC; earlier ones do not exist here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct HttpDate(
    /// Seconds since 1970-01-01T00:00:00Z.
    pub u64,
);

const DAYS: [&[u8; 3]; 7] = [b"Thu", b"Fri", b"Sat", b"Sun", b"Mon", b"Tue", b"Wed"];
const MONTHS: [&[u8; 3]; 12] = [
    b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec",
];
const DAY_S: i64 = 86_400;
/// 9999-12-31T23:59:59Z, the last moment that four digits of year can say.
const LAST_S: u64 = 253_402_300_799;

impl HttpDate {
    /// The date as every message carries it: `Sun, 06 Nov 1994 08:49:37 GMT`.
    pub fn format(self) -> [u8; 29] {
        let seconds = i64::try_from(self.0.min(LAST_S)).unwrap_or(0);
        let (year, month, day) = civil_from_days(seconds / DAY_S);
        let weekday = DAYS.get(index(seconds / DAY_S % 7)).copied();
        let name = MONTHS.get(index(month - 1)).copied();
        let mut out = *b"Thu, 00 Jan 0000 00:00:00 GMT";
        put(&mut out, 0, weekday.unwrap_or(b"Thu"));
        put(&mut out, 5, &two(day));
        put(&mut out, 8, name.unwrap_or(b"Jan"));
        put(&mut out, 12, &two(year / 100));
        put(&mut out, 14, &two(year % 100));
        put(&mut out, 17, &two(seconds % DAY_S / 3600));
        put(&mut out, 20, &two(seconds % 3600 / 60));
        put(&mut out, 23, &two(seconds % 60));
        out
    }

    /// Reads IMF-fixdate, RFC 850 or asctime form; `None` for anything else and for dates before
    /// 1970. The day's name is not compared with the date.
    ///
    /// A year of two digits below 70 belongs to the 2000s, which keeps every date at most 50 years
    /// ahead, as RFC 9110 asks, until 2076 has begun to matter.
    pub fn parse(value: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(value).ok()?;
        let mut words = text.split_ascii_whitespace();
        let first = words.next()?;
        let date = if let Some(day) = first.strip_suffix(',') {
            let second = words.next()?;
            if let Some((day_number, rest)) = second.split_once('-') {
                let (month, year) = rest.split_once('-')?;
                weekday_long(day)?;
                Parts::new(day_number, month, &full_year(year)?, words.next()?)?
            } else {
                weekday(day)?;
                let (month, year) = (words.next()?, words.next()?);
                Parts::new(second, month, year, words.next()?)?
            }
        } else {
            weekday(first)?;
            let (month, day_number, time) = (words.next()?, words.next()?, words.next()?);
            let parts = Parts::new(day_number, month, words.next()?, time)?;
            return words.next().is_none().then(|| parts.seconds()).flatten();
        };
        let zone = words.next()? == "GMT" && words.next().is_none();
        zone.then(|| date.seconds()).flatten()
    }
}

struct Parts {
    year: i64,
    month: i64,
    day: i64,
    second_of_day: i64,
}

impl Parts {
    fn new(day: &str, month: &str, year: &str, time: &str) -> Option<Self> {
        let at = MONTHS.iter().position(|m| m[..] == *month.as_bytes())?;
        let month = i64::try_from(at).ok()? + 1;
        let (hour, rest) = time.split_once(':')?;
        let (minute, second) = rest.split_once(':')?;
        let (hour, minute) = (digits(hour, 2)?, digits(minute, 2)?);
        let (second, year) = (digits(second, 2)?, digits(year, 4)?);
        let day = digits(day, 2).or_else(|| digits(day, 1))?;
        // A leap second is allowed and read as the next second.
        let valid = year >= 1970 && day >= 1 && hour < 24 && minute < 60 && second <= 60;
        let valid = valid && day <= days_in_month(year, month);
        valid.then_some(Self {
            year,
            month,
            day,
            second_of_day: hour * 3600 + minute * 60 + second,
        })
    }

    fn seconds(&self) -> Option<HttpDate> {
        let days = days_from_civil(self.year, self.month, self.day);
        u64::try_from(days * DAY_S + self.second_of_day)
            .ok()
            .map(HttpDate)
    }
}

fn weekday(name: &str) -> Option<()> {
    let known = DAYS.iter().any(|d| d[..] == *name.as_bytes());
    known.then_some(())
}

fn weekday_long(name: &str) -> Option<()> {
    let short = name.get(..3)?;
    weekday(short)?;
    name.ends_with("day").then_some(())
}

fn full_year(two_digits: &str) -> Option<String> {
    let year = digits(two_digits, 2)?;
    let century = if year < 70 { 2000 } else { 1900 };
    Some((century + year).to_string())
}

fn digits(text: &str, len: usize) -> Option<i64> {
    let plain = text.len() == len && text.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

const fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

const fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn two(n: i64) -> [u8; 2] {
    let digit = |d: i64| b'0' + u8::try_from(d % 10).unwrap_or(0);
    [digit(n / 10), digit(n)]
}

fn index(n: i64) -> usize {
    usize::try_from(n).unwrap_or(0)
}

fn put(out: &mut [u8], at: usize, bytes: &[u8]) {
    for (to, from) in out.iter_mut().skip(at).zip(bytes) {
        *to = *from;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const EXAMPLE: HttpDate = HttpDate(784_111_777);

    #[test]
    fn all_three_forms_of_the_rfc_mean_the_same_second() {
        assert_eq!(&EXAMPLE.format(), b"Sun, 06 Nov 1994 08:49:37 GMT");
        for form in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
        ] {
            assert_eq!(HttpDate::parse(form.as_bytes()), Some(EXAMPLE), "{form}");
        }
    }

    #[test]
    fn nonsense_is_no_date_and_never_matches_by_accident() {
        for bad in [
            "",
            "0",
            "Sun, 06 Nov 1994 08:49:37",
            "Sun, 06 Nov 1994 08:49:37 UTC",
            "Sun, 31 Feb 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 24:00:00 GMT",
            "Sun, 06 Nov 1994 08:49:37 GMT x",
            "Sun, 06 Nov 1969 08:49:37 GMT",
            "Xxx, 06 Nov 1994 08:49:37 GMT",
            "Sun, +6 Nov 1994 08:49:37 GMT",
        ] {
            assert_eq!(HttpDate::parse(bad.as_bytes()), None, "{bad}");
        }
        assert_eq!(HttpDate::parse(b"Sun, 06 Nov \xff"), None);
    }

    #[test]
    fn two_digit_years_stay_within_fifty_years_ahead() {
        let early = HttpDate::parse(b"Tuesday, 01-Jan-69 00:00:00 GMT").unwrap();
        let late = HttpDate::parse(b"Thursday, 01-Jan-70 00:00:00 GMT").unwrap();
        assert_eq!(&early.format()[12..16], b"2069");
        assert_eq!(late, HttpDate(0));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(seconds in 0..=LAST_S) {
            let written = HttpDate(seconds).format();
            prop_assert_eq!(HttpDate::parse(&written), Some(HttpDate(seconds)));
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(
            bytes in proptest::collection::vec(any::<u8>(), 0..40),
        ) {
            let _ = HttpDate::parse(&bytes);
        }
    }
}
