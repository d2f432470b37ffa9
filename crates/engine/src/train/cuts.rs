//! Where to run the gate next: the prefixes of a chain whose verdicts tell the most.
//!
//! The unknown is the first member that fails. A green prefix says that this member comes later, a red prefix
//! that the prefix contains it, so a gate run tells the most where both verdicts are equally likely. Without
//! a red prefix that is a batch of about ln 2 / p members, where p is the rate of failure. With a red prefix
//! it is the middle of the search, by probability. Above a rate of 0.38 it is the first member alone.

/// The state of a search in a chain.
pub(super) struct Search<'a> {
    /// Probability that each member fails, in order: the members of the chain, then entries that could join
    /// it.
    pub(super) failure: &'a [f64],
    /// Number of members of the shortest red prefix.
    pub(super) red: Option<usize>,
    /// Prefixes that the gate runs on now, by their number of members.
    pub(super) running: &'a [usize],
}

impl Search<'_> {
    /// Returns, for every count from 0, the probability that the first failing member is among the first
    /// `count`.
    fn within(&self) -> Vec<f64> {
        let last = self.red.unwrap_or(self.failure.len()).min(self.failure.len());
        let mut all_pass = 1.0;
        let mut within = vec![0.0];
        for failure in &self.failure[..last] {
            // A probability of exactly 0 or 1 would make `total` 0, or hide every later member.
            all_pass *= 1.0 - failure.clamp(1e-6, 1.0 - 1e-6);
            within.push(1.0 - all_pass);
        }
        // With a red prefix some member of it fails for certain: the probabilities are conditional on that.
        let total = if self.red.is_some() { 1.0 - all_pass } else { 1.0 };
        within.iter().map(|mass| mass / total).collect()
    }

    /// Returns the prefixes to try in this many free slots, by their number of members, the most telling
    /// first.
    ///
    /// Prefixes that already run divide the chain into gaps. Each slot goes to the gap that has the most
    /// probability for each of its cuts, and the cuts of a gap divide it evenly.
    pub(super) fn cuts(&self, slots: usize) -> Vec<usize> {
        let within = self.within();
        // The longest prefix whose verdict is unknown: a red prefix need not be tried again.
        let last = if self.red.is_some() { within.len().saturating_sub(2) } else { within.len() - 1 };
        let mut walls: Vec<usize> =
            self.running.iter().copied().filter(|cut| (1..=last).contains(cut)).collect();
        walls.sort_unstable();
        walls.dedup();
        let mut gaps: Vec<Gap> = Vec::new();
        let ends = walls.iter().copied().map(Some).chain([None]);
        let mut low = 0;
        for high in ends {
            let mass = high.map_or(1.0, |high| within[high]) - within[low];
            gaps.push(Gap { low, high, mass, cuts: 0 });
            low = high.unwrap_or(low);
        }
        for _ in 0..slots {
            let share = |gap: &Gap| gap.mass / (gap.cuts + 1) as f64;
            let open = gaps.iter_mut().filter(|gap| gap.cuts < gap.untried(last));
            if let Some(gap) = open.max_by(|one, other| share(one).total_cmp(&share(other))) {
                gap.cuts += 1;
            }
        }
        let mut cuts: Vec<usize> = gaps.iter().flat_map(|gap| gap.placed(&within, last)).collect();
        let off_middle = |cut: &usize| (within[*cut] - 0.5).abs();
        cuts.sort_by(|one, other| off_middle(one).total_cmp(&off_middle(other)));
        cuts
    }
}

/// The prefixes between two that are known or being tried.
struct Gap {
    /// Prefix below the gap, by its number of members.
    low: usize,
    /// Prefix above the gap. `None` if the gap reaches to the end of the chain.
    high: Option<usize>,
    /// Probability that the first failing member is in the gap.
    mass: f64,
    /// Number of prefixes to try in the gap.
    cuts: usize,
}

impl Gap {
    fn end(&self, last: usize) -> usize {
        self.high.map_or(last, |high| high - 1)
    }

    fn untried(&self, last: usize) -> usize {
        self.end(last).saturating_sub(self.low)
    }

    /// Returns the cuts that divide the gap into parts of the same probability, as nearly as its members
    /// allow.
    fn placed(&self, within: &[f64], last: usize) -> Vec<usize> {
        let mut placed = Vec::new();
        let mut from = self.low + 1;
        for number in 1..=self.cuts {
            let wanted = within[self.low] + self.mass * number as f64 / (self.cuts + 1) as f64;
            // Each of the cuts still to come needs a prefix of its own.
            let to = self.end(last) - (self.cuts - number);
            let off = |cut: &usize| (within[*cut] - wanted).abs();
            let cut = (from..=to).min_by(|one, other| off(one).total_cmp(&off(other)));
            let Some(cut) = cut else { break };
            placed.push(cut);
            from = cut + 1;
        }
        placed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cuts(failure: f64, members: usize, red: Option<usize>, running: &[usize], slots: usize) -> Vec<usize> {
        Search { failure: &vec![failure; members], red, running }.cuts(slots)
    }

    #[test]
    fn a_batch_holds_about_ln_2_by_p_members_and_one_above_a_rate_of_0_38() {
        assert_eq!(cuts(0.1, 40, None, &[], 1), [7]);
        assert_eq!(cuts(0.01, 200, None, &[], 1), [69]);
        assert_eq!(cuts(0.3, 40, None, &[], 1), [2]);
        assert_eq!(cuts(0.39, 40, None, &[], 1), [1]);
        assert_eq!(cuts(0.37, 40, None, &[], 1), [2]);
        assert_eq!(cuts(0.1, 3, None, &[], 1), [3]);
        assert_eq!(cuts(0.1, 0, None, &[], 1), [0; 0]);
    }

    #[test]
    fn only_the_failing_part_is_searched() {
        assert_eq!(cuts(0.1, 40, Some(7), &[], 1), [3]);
        assert_eq!(cuts(0.1, 40, Some(2), &[], 1), [1]);
        assert_eq!(cuts(0.1, 40, Some(1), &[], 1), [0; 0]);
    }

    #[test]
    fn more_slots_cut_finer_and_a_running_prefix_is_not_run_twice() {
        let three = cuts(0.1, 40, None, &[], 3);
        assert_eq!(three.len(), 3);
        assert_eq!(three[0], 7);
        let second = cuts(0.1, 40, None, &[7], 1);
        assert!(second == [3] || second == [13], "{second:?}");
        assert_eq!(cuts(0.1, 40, Some(3), &[1], 3), [2]);
        assert_eq!(cuts(0.1, 2, None, &[1, 2], 2), [0; 0]);
    }
}
