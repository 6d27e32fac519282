//! What a provider says in headers about when it may be asked again.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use stratagem_domain::RateLimits;
use ureq::http::{HeaderMap, StatusCode};

/// How long the provider asks to wait: in milliseconds, in seconds, or until a date.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    if let Some(ms) = text(headers, "retry-after-ms").and_then(|text| text.parse::<f64>().ok()) {
        return duration(ms / 1e3);
    }
    let text = text(headers, "retry-after")?;
    if let Ok(seconds) = text.parse::<f64>() {
        return duration(seconds);
    }
    Some(Duration::from_secs(http_date(text)?).saturating_sub(since_1970()))
}

/// The requests that are left and when there are more, under the names that are in use.
pub(crate) fn rate_limits(headers: &HeaderMap, status: StatusCode) -> RateLimits {
    let first = |names: [&str; 2]| names.into_iter().find_map(|name| text(headers, name));
    let remaining = first(["x-ratelimit-remaining-requests", "x-ratelimit-remaining"]);
    let reset = first(["x-ratelimit-reset-requests", "x-ratelimit-reset"]);
    RateLimits {
        remaining: remaining.and_then(|text| text.parse().ok()),
        reset_ms: reset.and_then(reset_in).map(|reset| reset.as_millis() as u64),
        is_refused: status == StatusCode::TOO_MANY_REQUESTS,
    }
}

/// A time to wait (`6m0s`, `1.5s`, `20ms`, seconds), or a time since 1970 in seconds or milliseconds.
fn reset_in(text: &str) -> Option<Duration> {
    if let Ok(number) = text.parse::<f64>() {
        return match number {
            number if number >= 1e12 => Some(duration(number / 1e3)?.saturating_sub(since_1970())),
            number if number >= 1e9 => Some(duration(number)?.saturating_sub(since_1970())),
            number => duration(number),
        };
    }
    let (mut seconds, mut rest) = (0.0, text);
    while !rest.is_empty() {
        let digits = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.')?;
        let unit_end =
            rest[digits..].find(|letter: char| letter.is_ascii_digit()).unwrap_or(rest.len() - digits);
        let unit = match &rest[digits..digits + unit_end] {
            "h" => 3_600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 1e-3,
            "us" | "µs" => 1e-6,
            _ => return None,
        };
        seconds += rest[..digits].parse::<f64>().ok()? * unit;
        rest = &rest[digits + unit_end..];
    }
    duration(seconds)
}

/// Seconds since 1970 of a date such as `Sun, 06 Nov 1994 08:49:37 GMT`, the one form that is to be sent.
///
/// *Source*: RFC 9110, 5.6.7; Howard Hinnant, "chrono-compatible low-level date algorithms", `days_from_civil`.
fn http_date(text: &str) -> Option<u64> {
    const MONTHS: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";
    let parts: Vec<&str> = text.split([' ', ':']).collect();
    let [_, day, month, year, hour, minute, second, "GMT"] = parts[..] else { return None };
    let number = |text: &str| text.parse::<i64>().ok().filter(|number| (0..10_000).contains(number));
    let month = MONTHS.find(month).filter(|at| at % 3 == 0 && month.len() == 3)? as i64 / 3 + 1;
    let year = number(year)? - i64::from(month <= 2);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + number(day)? - 1;
    let days = year.div_euclid(400) * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    let of_day = number(hour)? * 3_600 + number(minute)? * 60 + number(second)?;
    u64::try_from(days * 86_400 + of_day).ok()
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

/// None for what is no time.
fn duration(seconds: f64) -> Option<Duration> {
    (0.0..=1e11).contains(&seconds).then(|| Duration::from_secs_f64(seconds))
}

fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn every_way_to_say_when_is_understood_and_nonsense_is_passed_over() {
        let wait = |name, value| retry_after(&headers(&[(name, value)]));
        assert_eq!(wait("retry-after", "7"), Some(Duration::from_secs(7)));
        assert_eq!(wait("retry-after", " 0.25 "), Some(Duration::from_millis(250)));
        assert_eq!(wait("retry-after-ms", "1500"), Some(Duration::from_millis(1_500)));
        assert_eq!(wait("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::ZERO));
        for nonsense in ["-1", "NaN", "inf", "soon", "", "1e300", "Sun, 06 Nov 1994 08:49:37 CET"] {
            assert_eq!(wait("retry-after", nonsense), None, "{nonsense}");
        }
        for (text, ms) in
            [("6m0s", 360_000), ("1.5s", 1_500), ("20ms", 20), ("1h1m1s", 3_661_000), ("3", 3_000)]
        {
            assert_eq!(reset_in(text), Some(Duration::from_millis(ms)), "{text}");
        }
        for nonsense in ["6 weeks", "s", "1..2s", "5x"] {
            assert_eq!(reset_in(nonsense), None, "{nonsense}");
        }
        let soon = (since_1970() + Duration::from_mins(1)).as_secs();
        for text in [soon.to_string(), (soon * 1_000).to_string()] {
            let reset = reset_in(&text).unwrap();
            assert!((Duration::from_secs(57)..Duration::from_secs(61)).contains(&reset), "{text}: {reset:?}");
        }
    }

    #[test]
    fn dates_are_counted_over_leap_years() {
        for (text, seconds) in [
            ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
            ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777),
            ("Tue, 29 Feb 2000 00:00:00 GMT", 951_782_400),
        ] {
            assert_eq!(http_date(text), Some(seconds), "{text}");
        }
    }
}
