//! The order in which entries are tried: priority, then time of approval, and nobody overtaken for ever.

use paddock_model::ids::EntryId;
use std::collections::{BTreeMap, BTreeSet};

use paddock_model::train::{Entry, Subject, Train};

/// How often an entry may be overtaken by younger ones.
pub const OVERTAKEN_MAX: u32 = 8;

/// Entries looked at for an order: the rest of a longer queue waits behind them by time of approval.
const ORDERED_MAX: usize = 256;

/// Which entries are known to conflict with which, by their numbers, both ways.
pub(super) type Conflicts = BTreeMap<EntryId, BTreeSet<EntryId>>;

/// The entries as they will land when all goes well: the user's commits, what is being tried, then the others by
/// priority and time of approval.
#[must_use]
pub fn in_order(train: &Train) -> Vec<&Entry> {
    let chained: Vec<EntryId> =
        train.chain.as_ref().map(|chain| chain.members(usize::MAX)).unwrap_or_default();
    let users = train.entries.iter().filter(|entry| entry.subject == Subject::Target);
    let chained = chained.iter().filter_map(|id| train.entry(*id));
    let ordered = fresh_order(train, &[], &Conflicts::new(), usize::MAX);
    let mut seen = BTreeSet::new();
    let all = users.chain(chained).chain(ordered).chain(&train.entries);
    all.filter(|entry| seen.insert(entry.id)).collect()
}

/// The order after `first`, which is kept, up to so many: whoever was overtaken to the bound, then by priority;
/// among equals whoever stands in the way of the fewest others, then by time of approval. Every prefix of it may
/// land: no older entry is overtaken more often than the bound.
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
        (entry.subject != Subject::Target, -i64::from(entry.priority), degree(entry), entry.id)
    });
    // Where they go by age nobody is overtaken, so that nobody comes to be due.
    if rest.is_sorted_by_key(|(entry, _)| entry.id) && rest.iter().all(|(_, times)| *times < OVERTAKEN_MAX) {
        let room = most.saturating_sub(order.len());
        order.extend(rest.into_iter().take(room).map(|(entry, _)| entry));
        return order;
    }
    while !rest.is_empty() && order.len() < most {
        let due = rest.iter().enumerate().filter(|(_, (_, times))| *times >= OVERTAKEN_MAX);
        let due = due.min_by_key(|(_, (entry, _))| entry.id).map_or(0, |(place, _)| place);
        // The user's commits go first whatever is due.
        let place = if rest[0].0.subject == Subject::Target { 0 } else { due };
        let (next, _) = rest.remove(place);
        overtake(&mut rest, next);
        order.push(next);
    }
    order
}

/// One lands before these. The user's commits overtake nobody: they are what everything else lands on.
fn overtake(rest: &mut [(&Entry, u32)], next: &Entry) {
    if next.subject != Subject::Target {
        rest.iter_mut().filter(|(older, _)| older.id < next.id).for_each(|(_, times)| *times += 1);
    }
}

/// How many of the first members may land together without anybody who stays behind being overtaken too often.
pub(super) fn landable(train: &Train, members: &[EntryId]) -> usize {
    // Who is younger than all of them is overtaken by none.
    let youngest = members.iter().max().copied().unwrap_or_default();
    let older = train.entries.iter().filter(|entry| entry.id <= youngest);
    let mut rest: Vec<(&Entry, u32)> = older.map(|entry| (entry, entry.overtaken)).collect();
    let mut may_land = 0;
    for (place, member) in members.iter().enumerate() {
        let Some(found) = rest.iter().position(|(entry, _)| entry.id == *member) else { continue };
        let (next, _) = rest.remove(found);
        overtake(&mut rest, next);
        if rest.iter().all(|(_, times)| *times <= OVERTAKEN_MAX) {
            may_land = place + 1;
        }
    }
    may_land
}
