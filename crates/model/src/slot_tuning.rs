//! What a project's gate takes alone, and beside another: how many slots `queue.slots: auto` uses.
//!
//! Only green runs count, which do the whole of the gate's work, and only in folders where the gate has run before,
//! with its caches. Until it is measured there is one slot. It is measured on work that is useful anyway: while the
//! queue's gate runs, an entry is tried ahead of its turn in a slot more, a few times at most, and given up as soon
//! as the queue's own run has taken longer than two slots would be worth.

use serde::{Deserialize, Serialize};

use super::gate::{GateRun, Purpose, Verdict};
use super::settings::Slots;
use super::train::useful_slots;

/// Slots that `auto` uses at most: each has a worktree with its own caches, and what two gates cost each other says
/// ever less of more.
pub const AUTO_SLOTS_MAX: u32 = 4;
/// A gate that takes less, in milliseconds, is not worth a second folder.
const WORTH_MS: u64 = 2_000;
/// Measurements kept of each kind: the middle one counts.
const KEPT: usize = 5;
/// Measurements beside another before anything follows from them.
const ENOUGH: usize = 2;
/// Runs started beside another to find out, at most, for one gate.
const TRIES_MAX: u32 = 8;
/// Two slots are worth their contention when a run beside another takes less than log2(3) times as long: from here
/// on, in thousandths, nothing more is to be learned.
const WORTH_BESIDE: u64 = 1_585;
/// A run counts as alone when others ran beside it for less than this, in thousandths of its time.
const ALONE_BELOW: u64 = 50;
/// A run tells of one beside it when that ran for at least this, in thousandths of its time.
const BESIDE_FROM: u64 = 500;

/// What is known of how long a gate takes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SlotTuning {
    /// The commands and limits that this is about.
    pub terms: String,
    /// Milliseconds that it took alone, newest last.
    pub alone_ms: Vec<u64>,
    /// How many times as long it took beside one other, in thousandths, newest last.
    pub beside: Vec<u32>,
    /// Runs that were started beside another to find out.
    pub tries: u32,
    /// What came of it.
    pub found: Option<SlotsFound>,
}

/// How many slots a gate is worth, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotsFound {
    /// The slots.
    pub slots: u32,
    /// Milliseconds that a run takes alone.
    pub alone_ms: u64,
    /// How many times as long it takes beside another, in thousandths.
    pub beside: u32,
}

/// How much of a run's time others ran beside it, in thousandths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Company {
    /// Exactly one other.
    pub one: u64,
    /// More than one.
    pub more: u64,
}

impl Company {
    /// Of a run that is over, by the times of others.
    #[must_use]
    pub(crate) fn new<'r>(run: &GateRun, others: impl Iterator<Item = &'r GateRun>) -> Self {
        let (Some(end), start) = (run.finished_ms, run.started_ms) else { return Self::default() };
        let mut turns: Vec<(i64, i64)> = Vec::new();
        for other in others.filter(|other| other.id != run.id) {
            let (from, to) = (other.started_ms.max(start), other.finished_ms.unwrap_or(end).min(end));
            if from < to {
                turns.extend([(from, 1), (to, -1)]);
            }
        }
        turns.sort_unstable();
        let (mut one, mut more, mut count, mut at) = (0, 0, 0, start);
        for (when, change) in turns {
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

fn middle<T: Copy + Ord>(values: &[T]) -> Option<T> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len().saturating_sub(1) / 2).copied()
}

fn keep<T>(values: &mut Vec<T>, value: T) {
    values.push(value);
    let excess = values.len().saturating_sub(KEPT);
    values.drain(..excess);
}

impl SlotTuning {
    /// What is known under these terms: of another gate nothing is.
    pub(crate) fn under(&mut self, terms: &str) -> &mut Self {
        if self.terms != terms {
            *self = Self { terms: terms.to_owned(), ..Self::default() };
        }
        self
    }

    /// Takes in a run that is over, in a folder where the gate has run before.
    pub(crate) fn note(&mut self, run: &GateRun, company: Company) {
        let is_whole = matches!(
            run.purpose,
            Purpose::Candidate { .. } | Purpose::Base { .. } | Purpose::Ahead { .. } | Purpose::External
        );
        if !is_whole || run.verdict != Some(Verdict::Green) || run.cancelled || !run.commands.is_empty() {
            return;
        }
        let took_ms: u64 = run.results.iter().map(|result| result.took_ms).sum();
        let known = self.under(&run.terms);
        if company.more >= ALONE_BELOW {
            return;
        }
        if company.one < ALONE_BELOW {
            return keep(&mut known.alone_ms, took_ms);
        }
        let Some(alone_ms) = middle(&known.alone_ms).filter(|_| company.one >= BESIDE_FROM) else { return };
        // What was not done alone was done beside the other: in that time so much of the work.
        let beside_ms = took_ms.saturating_mul(company.one.min(1_000)) / 1_000;
        let work_ms = alone_ms.saturating_sub(took_ms.saturating_sub(beside_ms));
        if work_ms >= alone_ms / 5 && work_ms > 0 {
            let times = (beside_ms.saturating_mul(1_000) / work_ms).clamp(1_000, 8_000);
            keep(&mut known.beside, u32::try_from(times).unwrap_or(u32::MAX));
        }
    }

    /// How many slots follow from what was measured; none while that is too little.
    #[must_use]
    pub fn measured(&self) -> Option<SlotsFound> {
        let alone_ms = middle(&self.alone_ms)?;
        let beside = middle(&self.beside).filter(|_| self.beside.len() >= ENOUGH)?;
        let slots = useful_slots(AUTO_SLOTS_MAX, 1_000, u64::from(beside));
        Some(SlotsFound { slots, alone_ms, beside })
    }

    /// What was found for the gate of these terms.
    #[must_use]
    pub fn found(&self, terms: &str) -> Option<SlotsFound> {
        self.found.filter(|_| self.terms == terms)
    }

    /// Whether it is to be found out what two runs cost each other: how long, in milliseconds, the queue's own run
    /// may take beside another before that is given up.
    #[must_use]
    pub(crate) fn trial_ms(&self, slots: Slots, terms: &str) -> Option<i64> {
        let alone_ms = middle(&self.alone_ms).filter(|alone_ms| *alone_ms >= WORTH_MS)?;
        let is_due =
            slots == Slots::Auto && self.terms == terms && self.found.is_none() && self.tries < TRIES_MAX;
        is_due.then(|| i64::try_from(alone_ms.saturating_mul(WORTH_BESIDE) / 1_000).unwrap_or(i64::MAX))
    }

    /// Why so many slots are used, for people.
    #[must_use]
    pub(crate) fn why(&self, slots: Slots, terms: &str) -> String {
        let seconds = |ms: u64| format!("{:.1} s", ms as f64 / 1_000.0);
        let known = if self.terms == terms { self.alone_ms.as_slice() } else { &[] };
        match (slots, self.found(terms), middle(known)) {
            (Slots::Count(_), ..) => "set in the project file".to_owned(),
            (Slots::Auto, Some(found), _) => {
                let worth = if found.slots > 1 { "worth it" } else { "not worth it" };
                format!(
                    "a gate run takes {} alone and {:.2} times as long beside another: {worth}",
                    seconds(found.alone_ms),
                    f64::from(found.beside) / 1_000.0
                )
            }
            (Slots::Auto, None, Some(alone_ms)) if alone_ms < WORTH_MS => {
                format!("a gate run takes {} alone, which no second slot would shorten", seconds(alone_ms))
            }
            (Slots::Auto, None, _) if self.terms == terms && self.tries >= TRIES_MAX => {
                "it could not be measured what two gate runs cost each other; `queue.slots: N` sets it"
                    .to_owned()
            }
            (Slots::Auto, None, _) => "until it is measured whether two at once are faster".to_owned(),
        }
    }
}

#[cfg(test)]
#[path = "slot_tuning_tests.rs"]
mod tests;
