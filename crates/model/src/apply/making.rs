//! Changes by events about merges: chains of entries, and merges ahead of their turn.

use crate::ids::{EntryId, ObjectId};
use crate::project::Project;
use crate::train::{Ahead, Candidate, Chain, Link, Made, Train};
use crate::verdicts::settle;

fn is_building(chain: &&mut Chain) -> bool {
    chain.is_building
}

pub(super) fn order_candidate(train: &mut Train, members: Vec<EntryId>, onto: &ObjectId, ahead: bool) {
    if ahead {
        let entry = members.first().and_then(|id| train.entries.iter_mut().find(|entry| entry.id == *id));
        if let Some(entry) = entry {
            entry.ahead = Some(Ahead { onto: onto.clone(), candidate: None });
        }
        return;
    }
    train.chains += 1;
    // The trees known so far stay useful: verdicts on them count, and gate runs on them continue.
    let before = train.chain.take().filter(|chain| chain.onto == *onto).and_then(|chain| chain.made);
    let made = before.map(|made| Made { is_stale: true, ..made });
    let (number, onto) = (train.chains, onto.clone());
    train.chain = Some(Chain { number, onto, asked: members, made, is_building: true });
}

pub(super) fn link_of(entry: EntryId, candidate: &Candidate) -> Link {
    Link { entry, commit: candidate.commit.clone(), tree: candidate.tree.clone() }
}

pub(super) fn chain_made(
    train: &mut Train,
    entry: EntryId,
    last: &Candidate,
    links: Vec<Link>,
    separate: &[EntryId],
) {
    let Some(chain) = train.chain.as_mut().filter(|chain| chain.asked.first() == Some(&entry)) else {
        return;
    };
    // Entries that conflicted with members of the chain still do, as long as these members stay.
    let mut all_separate = chain.made.take().map(|made| made.separate).unwrap_or_default();
    all_separate.extend(separate.iter().filter(|id| !links.iter().any(|link| link.entry == **id)));
    all_separate.sort_unstable();
    all_separate.dedup();
    chain.is_building = false;
    chain.made = Some(Made {
        onto_tree: last.onto_tree.clone(),
        links,
        separate: all_separate,
        sealed: last.sealed,
        is_stale: false,
    });
    // `build_failures` stays: a merge that can be made but never landed must not be tried for ever.
    if let Some(entry) = train.entries.iter_mut().find(|found| found.id == entry) {
        entry.not_before_ms = None;
    }
}

pub(super) fn set_ahead(train: &mut Train, entry: EntryId, candidate: &Candidate) {
    let entry = train.entries.iter_mut().find(|found| found.id == entry);
    if let Some(ahead) = entry.and_then(|entry| entry.ahead.as_mut()) {
        ahead.candidate = Some(candidate.clone());
    }
}

pub(super) fn drop_ahead(train: &mut Train, entry: EntryId) {
    if let Some(entry) = train.entries.iter_mut().find(|found| found.id == entry) {
        entry.ahead = None;
    }
}

/// Characters kept of a problem. A person needs to see where to look, not all of the output.
const PROBLEM_CHARS_MAX: usize = 300;

/// Records that a merge could not be made for an outside reason, and when to try again.
pub(super) fn candidate_failed(train: &mut Train, entry: EntryId, problem: &str, again_ms: i64) {
    if let Some(chain) = train.chain.as_mut().filter(is_building) {
        chain.is_building = false;
        // Without earlier merges nothing is left to keep of the chain.
        if chain.made.is_none() {
            train.chain = None;
        }
    }
    if let Some(entry) = train.entries.iter_mut().find(|found| found.id == entry) {
        entry.build_failures += 1;
        entry.problem = Some(problem.chars().take(PROBLEM_CHARS_MAX).collect());
        entry.not_before_ms = Some(again_ms);
    }
}

pub(super) fn discard_merges(train: &mut Train, entry: EntryId) {
    drop_ahead(train, entry);
    if train.chain.as_ref().is_some_and(|chain| chain.asked.contains(&entry)) {
        train.chain = None;
    }
}

/// Drops an entry from the queue without landing it. Verdicts against its own merges are settled: they led to
/// this, and must not count again when the branch comes back.
pub(super) fn drop_entry(project: &mut Project, entry: EntryId, is_red: bool) {
    for tree in project.train.own_trees(entry) {
        settle(&mut project.verdicts, &tree);
        project.compared.retain(|known| known.tree != tree || known.outcome.may_land());
    }
    // Commits of people say nothing about how often agents' branches fail.
    if let Some(found) = project.train.entry(entry).filter(|found| is_red && !found.subject.is_of_people()) {
        let has_passed = found.has_passed;
        project.train.rates.record(has_passed, true);
    }
    project.train.take_out(entry);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::ObjectId;
    use crate::train::{Entry, Subject};

    #[test]
    fn the_problem_of_a_failed_merge_is_kept_and_cut() {
        let head = ObjectId::new("a".repeat(40)).unwrap();
        let mut train = Train::default();
        train.entries.push(Entry::new(EntryId(1), Subject::Target, head, 0, 0));
        candidate_failed(&mut train, EntryId(1), &"磁盘已满 ".repeat(200), 7);
        let entry = train.entry(EntryId(1)).unwrap();
        assert_eq!((entry.build_failures, entry.not_before_ms), (1, Some(7)));
        assert_eq!(entry.problem.as_ref().map(|problem| problem.chars().count()), Some(PROBLEM_CHARS_MAX));
    }
}
