//! Decides when the next frame is due, and how long the loop may sleep.

use std::time::Duration;

use super::Model;
use super::update::Urgency;

/// Returns whether to draw a frame now.
#[must_use]
pub(crate) fn is_due(due: Urgency, since_drawn: Duration, interval: Duration) -> bool {
    due == Urgency::Now || (due == Urgency::Soon && since_drawn >= interval)
}

/// Returns how long the loop may wait for a message; `None` if it may wait without a limit.
#[must_use]
pub(crate) fn wait(
    model: &Model,
    due: Urgency,
    since_drawn: Duration,
    interval: Duration,
) -> Option<Duration> {
    if due > Urgency::Never {
        return Some(interval.saturating_sub(since_drawn));
    }
    let note = model.note.as_ref().map(|note| note.until_ms - model.now_ms);
    // Wake at the full second, so that elapsed times advance evenly instead of skipping one now and then.
    let second = model.is_ticking().then(|| 1000 - model.now_ms.rem_euclid(1000));
    // Neither a message that ends nor a running clock: `None` lets the loop sleep for good.
    let wait = note.into_iter().chain(second).min()?;
    Some(Duration::from_millis(u64::try_from(wait.max(1)).unwrap_or(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_millis(100);

    #[test]
    fn an_idle_console_sleeps_until_something_comes() {
        let mut model = Model::new(paddock_engine::ANSWERS, crate::actions::keymap());
        assert_eq!(wait(&model, Urgency::Never, Duration::ZERO, INTERVAL), None);
        model.say("done".to_owned());
        assert_eq!(wait(&model, Urgency::Never, Duration::ZERO, INTERVAL), Some(Duration::from_secs(6)));
    }

    #[test]
    fn a_key_is_drawn_at_once_and_streamed_output_ten_times_a_second() {
        assert!(is_due(Urgency::Now, Duration::ZERO, INTERVAL));
        assert!(!is_due(Urgency::Soon, Duration::from_millis(99), INTERVAL));
        assert!(is_due(Urgency::Soon, INTERVAL, INTERVAL));
        let left = wait(
            &Model::new(paddock_engine::ANSWERS, crate::actions::keymap()),
            Urgency::Soon,
            Duration::from_millis(30),
            INTERVAL,
        );
        assert_eq!(left, Some(Duration::from_millis(70)));
    }
}
