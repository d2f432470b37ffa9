use super::*;

const NOW: i64 = 1_700_000_000_000;

fn limit(reset_ms: Option<i64>) -> Failure {
    Failure::new(FailureClass::RateLimit, "429").until(reset_ms)
}

fn after(health: &AgentHealth, failure: &Failure, began_ms: i64, now_ms: i64) -> Option<Cooldown> {
    cooldown_after(health, &"claude".into(), failure, (began_ms, 7), now_ms)
}

#[test]
fn a_cooldown_ends_soon_after_the_time_that_the_agent_named() {
    let reset = NOW + 3_600_000;
    let cooldown = after(&AgentHealth::default(), &limit(Some(reset)), NOW - 1, NOW).unwrap();
    assert!((reset..=reset + JITTER_MAX_MS).contains(&cooldown.until_ms), "{cooldown:?}");
    assert!(cooldown.named && cooldown.in_a_row == 1);
    assert_eq!(after(&AgentHealth::default(), &limit(Some(reset)), NOW - 1, NOW), Some(cooldown));
}

#[test]
fn without_a_named_time_the_waits_grow_until_a_success() {
    let mut health = AgentHealth::default();
    let mut now_ms = NOW;
    let mut waits = Vec::new();
    for _ in 0..12 {
        let cooldown = after(&health, &limit(None), now_ms, now_ms + 1).unwrap();
        waits.push(cooldown.until_ms - cooldown.since_ms);
        now_ms = cooldown.until_ms + 1;
        health.cooldown = Some(cooldown);
    }
    assert!((60_000..=75_000).contains(&waits[0]), "{waits:?}");
    assert!((120_000..=150_000).contains(&waits[1]), "{waits:?}");
    assert!((1_800_000..=2_250_000).contains(&waits[11]), "{waits:?}");
    health.succeeded(now_ms);
    let cooldown = after(&health, &limit(None), now_ms, now_ms + 1).unwrap();
    assert!(cooldown.until_ms - cooldown.since_ms <= 75_000);
}

#[test]
fn parallel_sessions_that_hit_one_limit_count_as_one_failure() {
    let mut health = AgentHealth::default();
    health.cooldown = after(&health, &limit(None), NOW - 50, NOW);
    assert_eq!(after(&health, &limit(None), NOW - 40, NOW + 10), None);
    // One that names a time knows more.
    let named = after(&health, &limit(Some(NOW + 90_000)), NOW - 40, NOW + 10).unwrap();
    assert!(named.named && named.in_a_row == 1);
    health.cooldown = Some(named);
    assert_eq!(after(&health, &limit(None), NOW - 40, NOW + 20), None);
    assert_eq!(after(&health, &limit(Some(NOW + 30_000)), NOW - 40, NOW + 20), None);
}

#[test]
fn cooldowns_are_bounded_for_past_and_for_distant_times() {
    let just = after(&AgentHealth::default(), &limit(Some(NOW - 5)), NOW, NOW).unwrap();
    assert!(just.named && just.until_ms == NOW + COOLDOWN_MIN_MS);
    let past = after(&AgentHealth::default(), &limit(Some(NOW - 3_600_000)), NOW, NOW).unwrap();
    assert!(!past.named && past.until_ms >= NOW + 60_000);
    let far = after(&AgentHealth::default(), &limit(Some(i64::MAX - 5)), NOW, NOW).unwrap();
    assert_eq!(far.until_ms, NOW + COOLDOWN_MAX_MS);
}

#[test]
fn durations_are_formatted_for_people() {
    let all = [(900, "1 s"), (119_000, "119 s"), (120_000, "2 min"), (11_100_000, "3 h 5 min")];
    for (ms, text) in all {
        assert_eq!(length(ms), text);
    }
    assert_eq!(length(187_200_000), "2 d 4 h");
}
