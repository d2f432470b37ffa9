//! Reads the time at which an agent can work again, in every form that agents and providers write.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::fmt::rfc2822;
use jiff::tz::TimeZone;

/// How far a time of day may lie in the past and still mean today.
///
/// Agents repeat a limit that they have kept, and cut off the seconds, so a time that has passed usually says
/// that the limit was lifted just now. A limit of a few hours cannot end at the same time tomorrow, and one of
/// days is told with its day. A wrong guess costs one short session if the limit still stands, and the next
/// cooldown is longer; the other wrong guess would cost most of a day.
const PAST_MAX_MS: i64 = 4 * 3_600_000;
/// How far a day of a month may lie in the past and still mean this year: no limit lasts longer.
const PAST_DAYS_MAX_MS: i64 = 45 * 86_400_000;
/// How far a time may lie in the future; anything beyond was misread.
const FUTURE_MAX_MS: i64 = 400 * 86_400_000;
/// How much of a message after an anchor is read, in characters.
const AFTER_CHARS: usize = 80;

/// Words that come before the time in a message.
const ANCHORS: [&str; 8] = [
    "limit reached|",
    "try again",
    "retry after",
    "retry in",
    "resets",
    "reset at",
    "reset in",
    "available again",
];

/// Returns the time that a message names, relative to `now_ms`. A time without a time zone is read in `zone`.
#[must_use]
pub(crate) fn reset_ms(message: &str, now_ms: i64, zone: &TimeZone) -> Option<i64> {
    let lower = message.to_lowercase();
    let mut found: Vec<(usize, i64)> = Vec::new();
    for anchor in ANCHORS {
        for (at, _) in lower.match_indices(anchor) {
            let after: String = lower[at + anchor.len()..].chars().take(AFTER_CHARS).collect();
            found.extend(moment(&after, now_ms, zone).map(|ms| (at, ms)));
        }
    }
    // The first time in the message counts: later ones repeat it or are about something else.
    found.into_iter().min().map(|(_, ms)| ms)
}

/// Returns the time that a `retry-after` header names, in seconds or as a date.
#[must_use]
pub(crate) fn retry_after_ms(value: &str, now_ms: i64) -> Option<i64> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<f64>() {
        return after(seconds * 1_000.0, now_ms);
    }
    let from_date = rfc2822::parse(value).ok().map(|zoned| zoned.timestamp().as_millisecond());
    from_date
        .or_else(|| duration_ms(value).and_then(|ms| after(ms, now_ms)))
        .filter(|ms| is_sane(*ms, now_ms))
}

/// Returns the time `ms` milliseconds after now, or `None` for a negative, infinite or absurdly long time.
#[must_use]
pub(crate) fn after(ms: f64, now_ms: i64) -> Option<i64> {
    let is_meant = ms.is_finite() && ms >= 0.0 && ms <= FUTURE_MAX_MS as f64;
    is_meant.then(|| now_ms.saturating_add(ms.ceil() as i64))
}

/// Returns the time for a number of seconds or milliseconds since 1970.
#[must_use]
pub(crate) fn epoch_ms(value: f64, now_ms: i64) -> Option<i64> {
    // Present times have ten digits in seconds and thirteen in milliseconds.
    let ms = if value > 1e11 { value } else { value * 1_000.0 };
    let is_number = ms.is_finite() && ms.abs() < 1e15;
    is_number.then_some(ms as i64).filter(|ms| is_sane(*ms, now_ms))
}

fn is_sane(ms: i64, now_ms: i64) -> bool {
    // A time in the past is fine: a transcript may be read long after it was written.
    (now_ms.saturating_sub(FUTURE_MAX_MS)..=now_ms.saturating_add(FUTURE_MAX_MS)).contains(&ms)
}

/// Reads the time in the lower-case text after an anchor.
fn moment(text: &str, now_ms: i64, zone: &TimeZone) -> Option<i64> {
    let text = text.trim_start_matches(|c: char| c.is_whitespace() || ":=,·".contains(c));
    // Ten digits or more are a time since 1970; fewer are an hour or a duration.
    if let Some(digits) = leading_digits(text).filter(|digits| digits.len() >= 10) {
        return epoch_ms(digits.parse().ok()?, now_ms);
    }
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    match word {
        // After these words only a duration makes sense, and after "at" and "on" only a time.
        "in" | "after" => duration_ms(rest).and_then(|ms| after(ms, now_ms)),
        "at" | "on" => clock(rest, now_ms, zone).or_else(|| moment_of_number(rest, now_ms)),
        _ => clock(text, now_ms, zone)
            .or_else(|| duration_ms(text).and_then(|ms| after(ms, now_ms)))
            .or_else(|| moment_of_number(text, now_ms)),
    }
}

/// Reads a time in RFC 3339, or in seconds or milliseconds since 1970.
fn moment_of_number(text: &str, now_ms: i64) -> Option<i64> {
    let word = text.split_whitespace().next()?.trim_end_matches(['.', ',', ')']);
    let upper = word.to_uppercase();
    let parsed = upper.parse::<Timestamp>().ok().map(Timestamp::as_millisecond);
    let epoch = || word.parse::<f64>().ok().filter(|value| *value > 1e9).and_then(|v| epoch_ms(v, now_ms));
    parsed.or_else(epoch).filter(|ms| is_sane(*ms, now_ms))
}

fn leading_digits(text: &str) -> Option<&str> {
    let length = text.bytes().take_while(u8::is_ascii_digit).count();
    (length > 0).then(|| &text[..length])
}

/// Reads a duration and returns it in milliseconds: `3600s`, `1h2m3s`, `5 minutes`, `2 days 3 hours`, `1.5s`,
/// `20ms`. A number without a unit is no duration.
fn duration_ms(text: &str) -> Option<f64> {
    let mut rest = text.trim_start_matches("about ").trim_start();
    let mut total = None;
    loop {
        let length = rest.bytes().take_while(|b| b.is_ascii_digit() || *b == b'.').count();
        let Ok(number) = rest[..length].trim_end_matches('.').parse::<f64>() else { break };
        let unit_text = rest[length..].trim_start();
        let letters = unit_text.bytes().take_while(u8::is_ascii_alphabetic).count();
        let Some(unit) = unit_ms(&unit_text[..letters]) else { break };
        total = Some(total.unwrap_or(0.0) + number * unit);
        rest = unit_text[letters..].trim_start_matches([',', ' ']);
        rest = rest.strip_prefix("and ").unwrap_or(rest);
    }
    total
}

fn unit_ms(unit: &str) -> Option<f64> {
    match unit {
        "ms" | "millisecond" | "milliseconds" => Some(1.0),
        "s" | "sec" | "secs" | "second" | "seconds" => Some(1_000.0),
        "m" | "min" | "mins" | "minute" | "minutes" => Some(60_000.0),
        "h" | "hr" | "hrs" | "hour" | "hours" => Some(3_600_000.0),
        "d" | "day" | "days" => Some(86_400_000.0),
        "w" | "week" | "weeks" => Some(7.0 * 86_400_000.0),
        _ => None,
    }
}

/// Reads a time of day with an optional day and zone: `3pm (utc)`, `2:53 pm`, `nov 26, 1:33am (utc)`,
/// `nov 26th, 2026 1:33 am`, `monday 9am`, `14:05`.
fn clock(text: &str, now_ms: i64, zone: &TimeZone) -> Option<i64> {
    let words: Vec<&str> =
        text.split([' ', ',', '(', '·']).map(str::trim).filter(|word| !word.is_empty()).take(8).collect();
    let now = Timestamp::from_millisecond(now_ms).ok()?;
    let day = day_of(&words);
    let rest = &words[day.as_ref().map_or(0, |(_, used)| *used).min(words.len())..];
    // "nov 26 at 1:33 am"
    let rest = rest.strip_prefix(&["at"]).unwrap_or(rest);
    let (time, used) = time_of(rest)?;
    let named = rest.get(used).and_then(|word| zone_of(word));
    let zone = named.as_ref().unwrap_or(zone);
    let today = now.to_zoned(zone.clone()).date();
    let at = |date: Date| {
        DateTime::from_parts(date, time).to_zoned(zone.clone()).ok().map(|z| z.timestamp().as_millisecond())
    };
    let is_due = |ms: &i64| *ms >= now_ms.saturating_sub(PAST_MAX_MS);
    let is_recent = |ms: &i64| *ms >= now_ms.saturating_sub(PAST_DAYS_MAX_MS);
    // A day that is not named in full is the next one that fits, or one that has only just passed.
    let found = match day.map(|(day, _)| day) {
        // Shortly after midnight, "11:50pm" is the evening before.
        None => [today.yesterday(), Ok(today)]
            .into_iter()
            .find_map(|day| at(day.ok()?).filter(is_due))
            .or_else(|| at(today.tomorrow().ok()?)),
        Some(Day::Date { year: Some(year), month, day }) => at(Date::new(year, month, day).ok()?),
        Some(Day::Date { year: None, month, day }) => {
            let of_year = |year: i16| at(Date::new(year, month, day).ok()?);
            [today.year().checked_sub(1)?, today.year()]
                .into_iter()
                .find_map(|year| of_year(year).filter(is_recent))
                .or_else(|| of_year(today.year().checked_add(1)?))
        }
        Some(Day::Week(weekday)) => {
            let this = if today.weekday() == weekday { at(today).filter(is_due) } else { None };
            this.or_else(|| at(today.nth_weekday(1, weekday).ok()?))
        }
    }?;
    is_sane(found, now_ms).then_some(found)
}

enum Day {
    Date { year: Option<i16>, month: i8, day: i8 },
    Week(Weekday),
}

/// Reads a day at the beginning. Returns it with the number of its words.
fn day_of(words: &[&str]) -> Option<(Day, usize)> {
    let first = words.first()?;
    let weekdays = [
        ("mon", Weekday::Monday),
        ("tue", Weekday::Tuesday),
        ("wed", Weekday::Wednesday),
        ("thu", Weekday::Thursday),
        ("fri", Weekday::Friday),
        ("sat", Weekday::Saturday),
        ("sun", Weekday::Sunday),
    ];
    if let Some((_, weekday)) = weekdays.iter().find(|(name, _)| first.starts_with(name)) {
        return Some((Day::Week(*weekday), 1));
    }
    let months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let month =
        months.iter().position(|name| first.starts_with(name)).and_then(|at| i8::try_from(at + 1).ok())?;
    let day: i8 = leading_digits(words.get(1)?)?.parse().ok()?;
    let year = words.get(2).filter(|word| word.len() == 4).and_then(|word| word.parse().ok());
    Some((Day::Date { year, month, day }, if year.is_some() { 3 } else { 2 }))
}

/// Reads a time of day at the beginning. Returns it with the number of its words.
fn time_of(words: &[&str]) -> Option<(Time, usize)> {
    let first = words.first()?.trim_end_matches(['.', ')']);
    let digits = leading_digits(first)?;
    let mut hour: i8 = digits.parse().ok().filter(|hour| *hour < 24)?;
    let mut rest = &first[digits.len()..];
    let mut minute: i8 = 0;
    let mut has_minute = false;
    if let Some(after) = rest.strip_prefix(':') {
        let text = leading_digits(after)?;
        minute = text.parse().ok()?;
        // Seconds are skipped.
        rest = after[text.len()..].trim_start_matches(|c: char| c == ':' || c.is_ascii_digit());
        has_minute = true;
    }
    let (half, used) = match rest {
        "" => {
            (words.get(1).map(|word| word.trim_matches(['.', ')'])).filter(|w| matches!(*w, "am" | "pm")), 2)
        }
        "am" | "pm" => (Some(rest), 1),
        _ => return None,
    };
    let used = if half.is_none() { 1 } else { used };
    match half {
        // A bare number is no time of day: "the counter resets 3 times".
        None if !has_minute => return None,
        None => {}
        // "13pm" was misread.
        Some(_) if !(1..=12).contains(&hour) => return None,
        Some("pm") => hour = hour % 12 + 12,
        Some(_) => hour %= 12,
    }
    Some((Time::new(hour, minute, 0, 0).ok()?, used))
}

/// Returns the time zone of this name, as agents write it in parentheses.
fn zone_of(word: &str) -> Option<TimeZone> {
    let name = word.trim_matches(['(', ')', '.', ',']);
    match name {
        "" => None,
        "utc" | "gmt" | "z" => Some(TimeZone::UTC),
        _ if name.contains('/') => TimeZone::get(name).ok(),
        _ => None,
    }
}

#[cfg(test)]
#[path = "reset_tests.rs"]
mod tests;
