//! Lengths of time on the command line: `8h`, `90m`, `1h30m`, `1.5h`, or a number in the option's own unit.

use std::time::Duration;

/// Units of a length, with their seconds.
const UNITS: [(&str, f64); 4] = [("d", 86_400.0), ("h", 3_600.0), ("m", 60.0), ("s", 1.0)];

/// Longest length that is accepted, in seconds: a hundred years. Longer ones are typing errors.
const SECONDS_MAX: f64 = 100.0 * 365.0 * 86_400.0;

/// Parses a length; a number without a unit is in minutes.
pub(super) fn minutes(text: &str) -> Result<Duration, String> {
    parse(text, 60.0).ok_or_else(|| wrong(text, "minutes"))
}

/// Parses a length in whole minutes, at least one; a number without a unit is in minutes.
pub(super) fn whole_minutes(text: &str) -> Result<u32, String> {
    match more_minutes(text)? {
        0 => Err(format!("{text:?} is less than a minute")),
        minutes => Ok(minutes),
    }
}

/// Parses a length in whole minutes, which may be none; a number without a unit is in minutes.
pub(super) fn more_minutes(text: &str) -> Result<u32, String> {
    let seconds = minutes(text)?.as_secs_f64();
    match u32::try_from((seconds / 60.0) as u64) {
        Ok(whole) if seconds % 60.0 == 0.0 => Ok(whole),
        _ => Err(format!("{text:?} is not a whole number of minutes; write for example 90, 90m or 1h30m")),
    }
}

/// Parses a length in whole seconds; a number without a unit is in seconds.
pub(super) fn whole_seconds(text: &str) -> Result<u64, String> {
    let length = parse(text, 1.0).ok_or_else(|| wrong(text, "seconds"))?;
    match length.subsec_nanos() {
        0 => Ok(length.as_secs()),
        _ => Err(format!("{text:?} is not a whole number of seconds; write for example 90, 90s or 1m30s")),
    }
}

fn wrong(text: &str, unit: &str) -> String {
    format!(
        "{text:?} is no length of time; write for example 8h, 90m, 1h30m, 1.5h, 45s, or a number of {unit}"
    )
}

/// Parses a length; `unit` is the number of seconds of a number without a unit.
fn parse(text: &str, unit: f64) -> Option<Duration> {
    let text = text.trim().to_ascii_lowercase();
    let mut rest = text.as_str();
    let mut seconds = 0.0;
    let mut last = f64::INFINITY;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, after) = rest.split_at(end);
        let number: f64 = number.parse().ok()?;
        let word_end = after.find(|c: char| c.is_ascii_digit() || c == ' ').unwrap_or(after.len());
        let (word, after) = after.split_at(word_end);
        let size = match (word, last.is_infinite() && after.is_empty()) {
            ("", true) => unit,
            _ => of_unit(word)?,
        };
        // Each unit once, from the largest to the smallest: `1h30m`, but not `30m1h`.
        if size >= last {
            return None;
        }
        last = size;
        seconds += number * size;
        rest = after.trim_start();
    }
    let is_length = !last.is_infinite() && seconds <= SECONDS_MAX;
    // Rounded to milliseconds: 0.1 has no exact form.
    is_length.then(|| Duration::from_millis((seconds * 1_000.0).round() as u64))
}

fn of_unit(word: &str) -> Option<f64> {
    let short = match word {
        "day" | "days" => "d",
        "hour" | "hours" | "hr" | "hrs" => "h",
        "min" | "mins" | "minute" | "minutes" => "m",
        "sec" | "secs" | "second" | "seconds" => "s",
        short => short,
    };
    UNITS.iter().find(|(name, _)| *name == short).map(|(_, seconds)| *seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_read_with_units_with_fractions_and_as_bare_numbers() {
        for (text, seconds) in [
            ("480", 28_800.0),
            ("0.5", 30.0),
            ("8h", 28_800.0),
            ("90m", 5_400.0),
            ("1.5h", 5_400.0),
            ("1h30m", 5_400.0),
            ("1h 30min", 5_400.0),
            ("2D", 172_800.0),
            ("45s", 45.0),
            ("0", 0.0),
        ] {
            assert_eq!(minutes(text).map(|length| length.as_secs_f64()), Ok(seconds), "{text}");
        }
        for wrong in
            ["", "h", "-1", "1x", "30m1h", "1h1h", "1.2.3h", "1h30", "1e3", "9999999999d", "NaN", "8 hats"]
        {
            let said = minutes(wrong).unwrap_err();
            assert!(said.contains("8h, 90m, 1h30m") && said.contains("number of minutes"), "{wrong}: {said}");
        }
        assert_eq!((whole_minutes("1h30m"), whole_minutes("90")), (Ok(90), Ok(90)));
        assert!(whole_minutes("0.5").is_err() && whole_minutes("0").is_err());
        assert_eq!((whole_seconds("2m"), whole_seconds("300")), (Ok(120), Ok(300)));
        assert!(whole_seconds("0.5").is_err());
    }
}
