//! Measurements of gate runs alone and next to another run, from which `queue.slots: auto` follows.
//!
//! Until enough is measured, one slot is used. The measurement costs little, because it is made on useful
//! work: while the queue's own run is going, an entry is tried ahead of its turn in an extra slot. Such a
//! trial is given up as soon as the own run takes longer than two slots would be worth, and each gate gets
//! only a few of them.
//!
//! Only green runs count, since others do not do all of the work, and only runs in folders with warm caches.

use serde::{Deserialize, Serialize};

use super::gate::{GateRun, Purpose, Start, Verdict};
use super::settings::Slots;
use super::train::useful_slots;

/// Largest number of slots for `auto`. Each slot has a worktree with its own caches, and what two runs cost
/// each other says little about more of them.
pub const AUTO_SLOTS_MAX: u32 = 4;
/// Duration in milliseconds below which a gate is not worth a second folder.
const WORTH_MS: u64 = 2_000;
/// Measurements kept of each kind, of which the median counts.
const KEPT: usize = 5;
/// Measurements next to another run that are needed before a conclusion is drawn.
const ENOUGH: usize = 2;
/// Largest number of trials for one gate.
const TRIES_MAX: u32 = 8;
/// Slowdown, in thousandths, up to which a second slot is worthwhile: log2(3), by [`useful_slots`]. Above it
/// a trial can teach nothing more.
const WORTH_BESIDE: u64 = 1_585;
/// A run counts as alone if others ran during less than this share of its time, in thousandths.
const ALONE_BELOW: u64 = 50;
/// A run counts as measured next to another one if that ran during at least this share of its time, in
/// thousandths.
const BESIDE_FROM: u64 = 500;

/// Measurements of one gate.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SlotTuning {
    /// Fingerprint of the gate that was measured.
    pub terms: String,
    /// Durations alone, in milliseconds, newest last.
    pub alone_ms: Vec<u64>,
    /// Slowdowns next to one other run, in thousandths, newest last.
    pub beside: Vec<u32>,
    /// Number of trials that were started.
    pub tries: u32,
    /// The conclusion; `None` until it is drawn.
    pub found: Option<SlotsFound>,
}

/// Number of slots that a gate is worth, with the measurements behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotsFound {
    /// Number of slots.
    pub slots: u32,
    /// Duration of a run alone, in milliseconds.
    pub alone_ms: u64,
    /// Slowdown next to another run, in thousandths.
    pub beside: u32,
}

/// Shares of a run's time during which other runs were going, in thousandths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Company {
    /// Share with exactly one other run.
    pub one: u64,
    /// Share with more than one other run.
    pub more: u64,
}

impl Company {
    /// Measures the company of a finished run.
    #[must_use]
    pub(crate) fn new<'r>(run: &GateRun, others: impl Iterator<Item = &'r GateRun>) -> Self {
        let (Some(end), start) = (run.finished_ms, run.started_ms) else { return Self::default() };
        // Sweep over the starts and ends of the others, clipped to the run's own time.
        let mut boundaries: Vec<(i64, i64)> = Vec::new();
        for other in others.filter(|other| other.id != run.id) {
            let (from, to) = (other.started_ms.max(start), other.finished_ms.unwrap_or(end).min(end));
            if from < to {
                boundaries.extend([(from, 1), (to, -1)]);
            }
        }
        // At equal times ends sort before starts, so that runs that only touch count as one after the other.
        boundaries.sort_unstable();
        let (mut one, mut more, mut count, mut at) = (0, 0, 0, start);
        for (when, change) in boundaries {
            match count {
                0 => {}
                1 => one += when - at,
                _ => more += when - at,
            }
            (count, at) = (count + change, when);
        }
        let whole = (end - start).max(1);
        let share = |time: i64| u64::try_from(time.saturating_mul(1_000) / whole).unwrap_or(0);
        Self { one: share(one), more: share(more) }
    }
}

fn median<T: Copy + Ord>(values: &[T]) -> Option<T> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len().saturating_sub(1) / 2).copied()
}

fn push_bounded<T>(values: &mut Vec<T>, value: T) {
    values.push(value);
    let excess = values.len().saturating_sub(KEPT);
    values.drain(..excess);
}

impl SlotTuning {
    /// Returns the measurements for these terms, after discarding those of another gate.
    pub(crate) fn for_terms(&mut self, terms: &str) -> &mut Self {
        if self.terms != terms {
            *self = Self { terms: terms.to_owned(), ..Self::default() };
        }
        self
    }

    /// Records a finished run from a folder with warm caches.
    pub(crate) fn record(&mut self, run: &GateRun, company: Company) {
        let is_whole = matches!(
            run.purpose,
            Purpose::Candidate { .. } | Purpose::Base { .. } | Purpose::Ahead { .. } | Purpose::External
        );
        // Only a green, whole run of the project's own commands does all of the gate's work, and only one with
        // its caches takes the usual time.
        if run.start != Start::Kept
            || !is_whole
            || run.verdict != Some(Verdict::Green)
            || run.cancelled
            || !run.commands.is_empty()
        {
            return;
        }
        let took_ms: u64 = run.results.iter().map(|result| result.took_ms).sum();
        let known = self.for_terms(&run.terms);
        // A run next to several others says nothing about two.
        if company.more >= ALONE_BELOW {
            return;
        }
        if company.one < ALONE_BELOW {
            return push_bounded(&mut known.alone_ms, took_ms);
        }
        let Some(alone_ms) = median(&known.alone_ms).filter(|_| company.one >= BESIDE_FROM) else { return };
        // The rest of the run was alone and went at the known speed. What remains of the work was done next
        // to the other run, in `beside_ms`.
        let beside_ms = took_ms.saturating_mul(company.one.min(1_000)) / 1_000;
        let work_ms = alone_ms.saturating_sub(took_ms.saturating_sub(beside_ms));
        // A small remainder is mostly noise, as the difference of two measured times.
        if work_ms >= alone_ms / 5 && work_ms > 0 {
            let times = (beside_ms.saturating_mul(1_000) / work_ms).clamp(1_000, 8_000);
            push_bounded(&mut known.beside, u32::try_from(times).unwrap_or(u32::MAX));
        }
    }

    /// Returns the number of slots that follows from the measurements; `None` while there are too few.
    #[must_use]
    pub fn measured(&self) -> Option<SlotsFound> {
        let alone_ms = median(&self.alone_ms)?;
        let beside = median(&self.beside).filter(|_| self.beside.len() >= ENOUGH)?;
        let slots = useful_slots(AUTO_SLOTS_MAX, 1_000, u64::from(beside));
        Some(SlotsFound { slots, alone_ms, beside })
    }

    /// Returns the conclusion for the gate of these terms.
    #[must_use]
    pub fn found(&self, terms: &str) -> Option<SlotsFound> {
        self.found.filter(|_| self.terms == terms)
    }

    /// Returns how long, in milliseconds, the queue's own run may take next to a trial before that is given
    /// up; `None` if no trial is due.
    #[must_use]
    pub(crate) fn trial_ms(&self, slots: Slots, terms: &str) -> Option<i64> {
        let alone_ms = median(&self.alone_ms).filter(|alone_ms| *alone_ms >= WORTH_MS)?;
        let is_due =
            slots == Slots::Auto && self.terms == terms && self.found.is_none() && self.tries < TRIES_MAX;
        is_due.then(|| i64::try_from(alone_ms.saturating_mul(WORTH_BESIDE) / 1_000).unwrap_or(i64::MAX))
    }

    /// Returns the reason for the number of slots, for people.
    #[must_use]
    pub(crate) fn why(&self, slots: Slots, terms: &str) -> String {
        let seconds = |ms: u64| format!("{:.1} s", ms as f64 / 1_000.0);
        let known = if self.terms == terms { self.alone_ms.as_slice() } else { &[] };
        match (slots, self.found(terms), median(known)) {
            (Slots::Count(_), ..) => "set in the project file".to_owned(),
            (Slots::Auto, Some(found), _) => {
                let worth =
                    if found.slots > 1 { "more slots are worth it" } else { "a second slot is not worth it" };
                format!(
                    "a gate run takes {} alone and {:.2} times as long next to another: {worth}",
                    seconds(found.alone_ms),
                    f64::from(found.beside) / 1_000.0
                )
            }
            // Checked before the number of trials: for such a gate none is ever made.
            (Slots::Auto, None, Some(alone_ms)) if alone_ms < WORTH_MS => {
                format!("a gate run takes {} alone, too short for a second slot to help", seconds(alone_ms))
            }
            (Slots::Auto, None, _) if self.terms == terms && self.tries >= TRIES_MAX => {
                "measuring two gate runs at once gave no result; `queue.slots: N` sets the number".to_owned()
            }
            (Slots::Auto, None, _) => {
                "one until it is measured whether two runs at once are faster".to_owned()
            }
        }
    }
}

#[cfg(test)]
#[path = "slot_tuning_tests.rs"]
mod tests;
