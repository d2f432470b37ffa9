//! When an agent says that it can go on, in every form that agents and vendors write.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::fmt::rfc2822;
use jiff::tz::TimeZone;

/// A moment this far back still counts as the one that is meant: agents cut seconds off.
const PAST_MAX_MS: i64 = 5 * 60_000;
/// Nothing is waited for longer than this: it is a mistake in reading.
const FUTURE_MAX_MS: i64 = 400 * 86_400_000;
/// So much of a message after a word like "resets" is looked at, in characters.
const AFTER_CHARS: usize = 80;

/// After these an agent says when.
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

/// The moment that a message names, judged against `now_ms` and, where it names no zone, in `zone`.
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
    found.into_iter().min().map(|(_, ms)| ms)
}

/// The moment that a `retry-after` header names: seconds, or a date.
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

/// `now` and so many milliseconds; none for what cannot be meant.
#[must_use]
pub(crate) fn after(ms: f64, now_ms: i64) -> Option<i64> {
    let is_meant = ms.is_finite() && ms >= 0.0 && ms <= FUTURE_MAX_MS as f64;
    is_meant.then(|| now_ms.saturating_add(ms.ceil() as i64))
}

/// Seconds or milliseconds since 1970, as a field of an event gives them.
#[must_use]
pub(crate) fn epoch_ms(value: f64, now_ms: i64) -> Option<i64> {
    // Seconds of today have ten digits, milliseconds thirteen.
    let ms = if value > 1e11 { value } else { value * 1_000.0 };
    let is_number = ms.is_finite() && ms.abs() < 1e15;
    is_number.then_some(ms as i64).filter(|ms| is_sane(*ms, now_ms))
}

fn is_sane(ms: i64, now_ms: i64) -> bool {
    // An epoch may be long over when a transcript is read late.
    (now_ms.saturating_sub(FUTURE_MAX_MS)..=now_ms.saturating_add(FUTURE_MAX_MS)).contains(&ms)
}

/// What stands after an anchor, in lower case.
fn moment(text: &str, now_ms: i64, zone: &TimeZone) -> Option<i64> {
    let text = text.trim_start_matches(|c: char| c.is_whitespace() || ":=,·".contains(c));
    if let Some(digits) = leading_digits(text).filter(|digits| digits.len() >= 10) {
        return epoch_ms(digits.parse().ok()?, now_ms);
    }
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    match word {
        "in" | "after" => duration_ms(rest).and_then(|ms| after(ms, now_ms)),
        "at" | "on" => clock(rest, now_ms, zone).or_else(|| moment_of_number(rest, now_ms)),
        _ => clock(text, now_ms, zone)
            .or_else(|| duration_ms(text).and_then(|ms| after(ms, now_ms)))
            .or_else(|| moment_of_number(text, now_ms)),
    }
}

/// An epoch, or a time as RFC 3339 writes it.
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

/// `3600s`, `1h2m3s`, `5 minutes`, `2 days 3 hours`, `1.5s`, `20ms`: in milliseconds. A number needs its unit.
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

/// `3pm (utc)`, `2:53 pm`, `nov 26, 1:33am (utc)`, `nov 26th, 2026 1:33 am`, `monday 9am`, `14:05`.
fn clock(text: &str, now_ms: i64, zone: &TimeZone) -> Option<i64> {
    let words: Vec<&str> =
        text.split([' ', ',', '(', '·']).map(str::trim).filter(|word| !word.is_empty()).take(8).collect();
    let now = Timestamp::from_millisecond(now_ms).ok()?;
    let day = day_of(&words);
    let rest = &words[day.as_ref().map_or(0, |(_, used)| *used).min(words.len())..];
    let rest = rest.strip_prefix(&["at"]).unwrap_or(rest);
    let (time, used) = time_of(rest)?;
    let named = rest.get(used).and_then(|word| zone_of(word));
    let zone = named.as_ref().unwrap_or(zone);
    let today = now.to_zoned(zone.clone()).date();
    let at = |date: Date| {
        DateTime::from_parts(date, time).to_zoned(zone.clone()).ok().map(|z| z.timestamp().as_millisecond())
    };
    let is_due = |ms: &i64| *ms >= now_ms.saturating_sub(PAST_MAX_MS);
    let found = match day.map(|(day, _)| day) {
        None => at(today).filter(is_due).or_else(|| at(today.tomorrow().ok()?)),
        Some(Day::Date { year: Some(year), month, day }) => at(Date::new(year, month, day).ok()?),
        Some(Day::Date { year: None, month, day }) => {
            let of_year = |year: i16| at(Date::new(year, month, day).ok()?);
            of_year(today.year()).filter(is_due).or_else(|| of_year(today.year().checked_add(1)?))
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

/// The day at the beginning, and how many words it takes.
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

/// The time of day at the beginning, and how many words it takes.
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
        None if !has_minute => return None,
        None => {}
        Some(_) if !(1..=12).contains(&hour) => return None,
        Some("pm") => hour = hour % 12 + 12,
        Some(_) => hour %= 12,
    }
    Some((Time::new(hour, minute, 0, 0).ok()?, used))
}

/// A zone by its name, as agents write it in brackets.
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
