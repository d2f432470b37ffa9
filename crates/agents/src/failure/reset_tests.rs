use proptest::prelude::*;

use super::*;

/// 2026-11-22T14:02:37Z, a Sunday.
const NOW_MS: i64 = 1_795_356_157_000;

fn berlin() -> TimeZone {
    TimeZone::get("Europe/Berlin").unwrap()
}

fn read(message: &str, zone: &TimeZone) -> Option<String> {
    reset_ms(message, NOW_MS, zone).map(|ms| Timestamp::from_millisecond(ms).unwrap().to_string())
}

#[test]
fn every_recorded_form_is_read() {
    let table = [
        ("You've hit your limit · resets 3pm (UTC)", "2026-11-22T15:00:00Z"),
        ("You've hit your limit · resets Nov 26, 1:33am (UTC)", "2026-11-26T01:33:00Z"),
        ("purchase more credits or try again at 2:53 PM.", "2026-11-22T14:53:00Z"),
        ("credits or try again at Nov 26th, 2026 1:33 AM.", "2026-11-26T01:33:00Z"),
        ("Please retry in 3600s.\nSuggested retry after 3600s.]\nPlease wait", "2026-11-22T15:02:37Z"),
        ("Limit 500, Used 500, Requested 1. Please try again in 2s.", "2026-11-22T14:02:39Z"),
        ("Claude AI usage limit reached|1795359650", "2026-11-22T15:00:50Z"),
        ("Please try again in 6m0s. Visit", "2026-11-22T14:08:37Z"),
        ("Please try again in 20ms.", "2026-11-22T14:02:37.02Z"),
        ("try again in 1 day 2 hours 3 minutes.", "2026-11-23T16:05:37Z"),
        ("limit resets at 2026-11-22T18:00:00Z.", "2026-11-22T18:00:00Z"),
        ("resets Monday 9am (UTC)", "2026-11-23T09:00:00Z"),
        ("resets at 16:30", "2026-11-22T16:30:00Z"),
        ("resets in 45 minutes", "2026-11-22T14:47:37Z"),
    ];
    for (message, expected) in table {
        assert_eq!(read(message, &TimeZone::UTC).as_deref(), Some(expected), "{message}");
    }
}

#[test]
fn a_time_without_a_zone_is_local_and_one_with_a_zone_is_not() {
    let read = |message: &str| read(message, &berlin());
    assert_eq!(read("try again at 3:30 PM.").as_deref(), Some("2026-11-22T14:30:00Z"));
    assert_eq!(read("resets 3pm (UTC)").as_deref(), Some("2026-11-22T15:00:00Z"));
    assert_eq!(read("resets 3pm (America/New_York)").as_deref(), Some("2026-11-22T20:00:00Z"));
    assert_eq!(read("try again at Nov 26th, 2026 1:33 AM.").as_deref(), Some("2026-11-26T00:33:00Z"));
}

#[test]
fn a_time_that_has_just_passed_means_now_and_an_older_one_tomorrow() {
    let read = |message: &str| read(message, &TimeZone::UTC);
    assert_eq!(read("resets 2pm (UTC)").as_deref(), Some("2026-11-22T14:00:00Z"));
    assert_eq!(read("try again at 10:14 AM.").as_deref(), Some("2026-11-22T10:14:00Z"));
    assert_eq!(read("resets 10am (UTC)").as_deref(), Some("2026-11-23T10:00:00Z"));
    assert_eq!(read("resets 12am (UTC)").as_deref(), Some("2026-11-23T00:00:00Z"));
    assert_eq!(read("resets Sunday 1pm (UTC)").as_deref(), Some("2026-11-22T13:00:00Z"));
    assert_eq!(read("resets Sunday 9am (UTC)").as_deref(), Some("2026-11-29T09:00:00Z"));
    assert_eq!(read("resets Nov 20, 1:33am (UTC)").as_deref(), Some("2026-11-20T01:33:00Z"));
    assert_eq!(read("resets Jan 2, 12:05pm (UTC)").as_deref(), Some("2027-01-02T12:05:00Z"));
    let early = "2026-01-01T00:10:00Z".parse::<Timestamp>().unwrap().as_millisecond();
    let read = |message: &str| reset_ms(message, early, &TimeZone::UTC).map(|ms| ms - early);
    assert_eq!(read("resets 11:50pm (UTC)"), Some(-20 * 60_000));
    assert_eq!(read("resets Dec 31, 11pm (UTC)"), Some(-70 * 60_000));
    assert_eq!(read("resets 1am (UTC)"), Some(50 * 60_000));
}

#[test]
fn a_message_without_a_time_has_no_reset() {
    for message in [
        "Please wait and try again later.",
        "try again in a moment",
        "try again in 9999999999999999999999 days",
        "resets 25:00",
        "resets 13pm",
        "retry after 3600",
        "resets Feb 30, 1am (UTC)",
        "the counter resets 3 times",
        "",
    ] {
        assert_eq!(read(message, &TimeZone::UTC), None, "{message}");
    }
}

#[test]
fn a_retry_after_header_is_seconds_or_a_date() {
    assert_eq!(retry_after_ms("3600", NOW_MS), Some(NOW_MS + 3_600_000));
    assert_eq!(retry_after_ms(" 1.5 ", NOW_MS), Some(NOW_MS + 1_500));
    assert_eq!(retry_after_ms("Sun, 22 Nov 2026 15:02:37 GMT", NOW_MS), Some(NOW_MS + 3_600_000));
    assert_eq!(retry_after_ms("2s", NOW_MS), Some(NOW_MS + 2_000));
    for nonsense in ["-1", "soon", "", "NaN", "1e300"] {
        assert_eq!(retry_after_ms(nonsense, NOW_MS), None, "{nonsense}");
    }
}

#[test]
fn an_epoch_is_seconds_or_milliseconds() {
    assert_eq!(epoch_ms(1_795_359_650.0, NOW_MS), Some(1_795_359_650_000));
    assert_eq!(epoch_ms(1_795_359_650_000.0, NOW_MS), Some(1_795_359_650_000));
    assert_eq!((epoch_ms(12.0, NOW_MS), epoch_ms(f64::NAN, NOW_MS)), (None, None));
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in ".{0,80}", now in any::<i64>()) {
        for anchor in ANCHORS {
            let _ = reset_ms(&format!("{anchor} {text}"), now, &berlin());
        }
        let _ = retry_after_ms(&text, now);
    }

    #[test]
    fn no_clock_makes_it_panic(h in 0u32..40, m in 0u32..99, d in 0u32..40, half in "(am|pm|)", now in any::<i64>()) {
        let _ = reset_ms(&format!("resets nov {d}, {h}:{m}{half} (utc)"), now, &berlin());
        let _ = reset_ms(&format!("try again at {h}:{m} {half}"), NOW_MS, &berlin());
    }
}
