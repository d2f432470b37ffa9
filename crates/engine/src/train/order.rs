//! The order in which entries are tried: by priority, then by time of approval. No entry is overtaken for
//! ever.

use paddock_model::ids::EntryId;
use std::collections::{BTreeMap, BTreeSet};

use paddock_model::train::{Entry, Train};

/// How often an entry may be overtaken by younger entries. Without the bound, a stream of entries of high
/// priority would keep one of low priority waiting for ever.
pub const OVERTAKEN_MAX: u32 = 8;

/// Entries that are ordered. In a longer queue the others wait behind them, by time of approval; this bounds
/// the cost of a plan, which is made at every event.
const ORDERED_MAX: usize = 256;

/// Entries that are known to conflict with each entry. Every pair is in it both ways.
pub(super) type Conflicts = BTreeMap<EntryId, BTreeSet<EntryId>>;

/// Returns the entries in the order in which they land if all are green: the commits of people, the members of
/// the chain, then the others by priority and time of approval.
#[must_use]
pub fn in_order(train: &Train) -> Vec<&Entry> {
    let chained: Vec<EntryId> =
        train.chain.as_ref().map(|chain| chain.members(usize::MAX)).unwrap_or_default();
    let mut users: Vec<&Entry> = train.entries.iter().filter(|entry| entry.subject.is_of_people()).collect();
    users.sort_by_key(|entry| (entry.subject.rank(), entry.id));
    let chained = chained.iter().filter_map(|id| train.entry(*id));
    let ordered = fresh_order(train, &[], &Conflicts::new(), usize::MAX);
    let mut seen = BTreeSet::new();
    // Entries beyond `ORDERED_MAX` come last, so that every entry is in the answer.
    let all = users.into_iter().chain(chained).chain(ordered).chain(&train.entries);
    all.filter(|entry| seen.insert(entry.id)).collect()
}

/// Returns up to `most` entries in the order in which they should land, beginning with those in `first`.
///
/// The others are ordered by these rules: entries that were overtaken [`OVERTAKEN_MAX`] times, then higher
/// priority, then fewer known conflicts, then earlier approval. An entry with few conflicts goes first
/// because its landing spoils the fewest other branches. The order after `first` never overtakes an entry
/// more often than the bound.
pub(super) fn fresh_order<'t>(
    train: &'t Train,
    first: &[EntryId],
    conflicts: &Conflicts,
    most: usize,
) -> Vec<&'t Entry> {
    let mut order: Vec<&Entry> = first.iter().filter_map(|id| train.entry(*id)).collect();
    let waiting = train.entries.iter().filter(|entry| !first.contains(&entry.id)).take(ORDERED_MAX);
    let mut rest: Vec<(&Entry, u32)> = waiting.map(|entry| (entry, entry.overtaken)).collect();
    for landed in &order {
        overtake(&mut rest, landed);
    }
    let degree = |entry: &Entry| conflicts.get(&entry.id).map_or(0, BTreeSet::len);
    rest.sort_by_key(|(entry, _)| {
        (entry.subject.rank(), -i64::from(entry.priority), degree(entry), entry.id)
    });
    // Entries in order of age overtake nobody, so no entry reaches the bound on the way and the loop below,
    // which is quadratic, can be skipped. This is the usual case.
    if rest.is_sorted_by_key(|(entry, _)| entry.id) && rest.iter().all(|(_, times)| *times < OVERTAKEN_MAX) {
        let missing = most.saturating_sub(order.len());
        order.extend(rest.into_iter().take(missing).map(|(entry, _)| entry));
        return order;
    }
    while !rest.is_empty() && order.len() < most {
        let due = rest.iter().enumerate().filter(|(_, (_, times))| *times >= OVERTAKEN_MAX);
        let due = due.min_by_key(|(_, (entry, _))| entry.id).map_or(0, |(place, _)| place);
        // The user's commits go first in any case: everything else lands on top of them.
        let place = if rest[0].0.subject.is_of_people() { 0 } else { due };
        let (next, _) = rest.remove(place);
        overtake(&mut rest, next);
        order.push(next);
    }
    order
}

/// Counts that `next` lands before the others. The user's commits overtake nobody: everything else lands on
/// them.
fn overtake(rest: &mut [(&Entry, u32)], next: &Entry) {
    if !next.subject.is_of_people() {
        rest.iter_mut().filter(|(older, _)| older.id < next.id).for_each(|(_, times)| *times += 1);
    }
}

/// Returns how many of the first members may land together without overtaking any other entry too often.
///
/// The order already respects the bound when the chain is made. An entry may have been overtaken since, so
/// the bound is checked again before anything lands.
pub(super) fn landable(train: &Train, members: &[EntryId]) -> usize {
    // Entries that are younger than all members are overtaken by none of them.
    let youngest = members.iter().max().copied().unwrap_or_default();
    let older = train.entries.iter().filter(|entry| entry.id <= youngest);
    let mut rest: Vec<(&Entry, u32)> = older.map(|entry| (entry, entry.overtaken)).collect();
    let mut may_land = 0;
    for (place, member) in members.iter().enumerate() {
        let Some(found) = rest.iter().position(|(entry, _)| entry.id == *member) else { continue };
        let (next, _) = rest.remove(found);
        overtake(&mut rest, next);
        // A longer prefix may be allowed although this one is not: the overtaken entry may be its next
        // member.
        if rest.iter().all(|(_, times)| *times <= OVERTAKEN_MAX) {
            may_land = place + 1;
        }
    }
    may_land
}
