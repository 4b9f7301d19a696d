//! Days, as expiry dates count them.

use std::time::{SystemTime, UNIX_EPOCH};

/// A day of the calendar; later days are greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day {
    year: i64,
    month: u32,
    day: u32,
}

impl Day {
    /// The day that `2027-01-31` names.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() || year.len() != 4 || month.len() != 2 || day.len() != 2 {
            return None;
        }
        let parsed =
            Self { year: year.parse().ok()?, month: month.parse().ok()?, day: day.parse().ok()? };
        let leap = parsed.year % 4 == 0 && (parsed.year % 100 != 0 || parsed.year % 400 == 0);
        let days = match parsed.month {
            1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
            4 | 6 | 9 | 11 => 30,
            2 if leap => 29,
            2 => 28,
            _ => return None,
        };
        (1..=days).contains(&parsed.day).then_some(parsed)
    }

    /// Today in UTC.
    #[must_use]
    pub fn today() -> Self {
        let seconds =
            SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        Self::since_epoch(i64::try_from(seconds / 86_400).unwrap_or(0))
    }

    /// The day that comes this many days after 1970-01-01.
    fn since_epoch(days: i64) -> Self {
        // Counted from 1 March of year 0, the leap day ends its year, and four hundred years have
        // the same number of days.
        let days = days + 719_468;
        let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
        let of_four = |days: i64| days - days / 1460 + days / 36_524 - days / 146_096;
        let year = of_four(of_era) / 365;
        let of_year = of_era - (365 * year + year / 4 - year / 100);
        let month = (5 * of_year + 2) / 153;
        let day = of_year - (153 * month + 2) / 5 + 1;
        let january = if month >= 10 { 1 } else { 0 };
        let month = if month < 10 { month + 3 } else { month - 9 };
        Self {
            year: year + era * 400 + january,
            month: u32::try_from(month).unwrap_or(1),
            day: u32::try_from(day).unwrap_or(1),
        }
    }
}

impl std::fmt::Display for Day {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

#[cfg(test)]
mod tests {
    use super::Day;

    #[test]
    fn days_are_counted_right() {
        for (days, text) in [
            (0, "1970-01-01"),
            (59, "1970-03-01"),
            (11_016, "2000-02-29"),
            (11_017, "2000-03-01"),
            (20_777, "2026-11-20"),
            (47_541, "2100-03-01"),
        ] {
            assert_eq!(Day::since_epoch(days), Day::parse(text).unwrap(), "{text}");
            assert_eq!(Day::since_epoch(days).to_string(), text);
        }
        for text in ["2026-02-29", "2026-13-01", "2026-1-01", "tomorrow", "2026-01-01-01"] {
            assert_eq!(Day::parse(text), None, "{text}");
        }
        assert!(Day::parse("2026-11-20") < Day::parse("2027-01-01"));
    }
}
