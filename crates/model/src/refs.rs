//! Refs and stashes of the user that changed while sessions ran.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

/// A ref of the user that changed while sessions ran.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MovedRef {
    /// Full name of the ref, or `HEAD` for that of the user's checkout.
    pub name: String,
    /// What it held: an id, or `ref: NAME`. `None` if it did not exist.
    pub before: Option<String>,
    /// What it holds now. `None` if it is gone.
    pub after: Option<String>,
    /// Ref of Paddock that keeps what it held; `None` for a new ref, for a symbolic one, and if the object
    /// was gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<String>,
}

/// Refs of the user that one event found moved or gone. New refs are not among them: nothing was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefsMoved {
    /// When that was found, in Unix milliseconds.
    pub at_ms: i64,
    /// Number of refs.
    pub total: u64,
    /// Names of the first of them.
    pub names: Vec<String>,
}

impl RefsMoved {
    /// Names that are kept of one event.
    const NAMED_MAX: usize = 10;

    /// Returns what an event on these refs, the first of `total`, says; `None` if all of them are new.
    pub(crate) fn new(at_ms: i64, total: u64, refs: &[MovedRef]) -> Option<Self> {
        let held = || refs.iter().filter(|moved| moved.before.is_some());
        // Of refs that the event does not name nothing is known.
        let total = if held().count() == refs.len() { total } else { held().count() as u64 };
        let names = held().take(Self::NAMED_MAX).map(|moved| moved.name.clone());
        (total > 0).then(|| Self { at_ms, total, names: names.collect() })
    }

    /// Returns how many refs these events are about, each name counted once, and the names.
    pub(crate) fn distinct<'m>(events: impl Iterator<Item = &'m Self>) -> (u64, BTreeSet<&'m str>) {
        let (mut names, mut nameless) = (BTreeSet::new(), 0);
        for event in events {
            names.extend(event.names.iter().map(String::as_str));
            nameless += event.total.saturating_sub(event.names.len() as u64);
        }
        (names.len() as u64 + nameless, names)
    }
}

impl MovedRef {
    /// Largest number of refs that one event names.
    pub const NAMED_MAX: usize = 50;
}

/// Returns a value for people: the beginning of an id, or the name of the other ref.
fn short(value: &str) -> &str {
    value.strip_prefix("ref: ").unwrap_or_else(|| value.get(..12).unwrap_or(value))
}

impl fmt::Display for MovedRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.before, &self.after) {
            (None, Some(after)) => write!(f, "{} made at {}", self.name, short(after))?,
            (Some(before), None) => write!(f, "{} deleted, was at {}", self.name, short(before))?,
            (before, after) => {
                let side = |value: &Option<String>| value.as_deref().map_or("nothing", short).to_owned();
                write!(f, "{} moved from {} to {}", self.name, side(before), side(after))?;
            }
        }
        match &self.kept {
            Some(kept) => write!(f, ", kept as {kept}"),
            None => Ok(()),
        }
    }
}

/// An entry of the user's stash whose content a session brought into its branch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StashTaken {
    /// The entry, as git names it, with its message: `stash@{0} 'On main: my wip'`.
    pub entry: String,
    /// Whether the session also took the entry off the list, so that Paddock put it back.
    pub put_back: bool,
    /// Files of the entry that are in the branch.
    pub paths: Vec<super::path::RepoPath>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(total: u64, refs: &[(&str, bool)]) -> Option<RefsMoved> {
        let moved = |(name, is_new): &(&str, bool)| MovedRef {
            name: (*name).to_owned(),
            before: (!is_new).then(|| "1".repeat(40)),
            after: None,
            kept: None,
        };
        RefsMoved::new(1, total, &refs.iter().map(moved).collect::<Vec<_>>())
    }

    #[test]
    fn a_ref_that_moves_twice_counts_once_and_a_new_one_not_at_all() {
        assert_eq!(event(1, &[("refs/heads/new", true)]), None);
        let events = [
            event(2, &[("refs/tags/v1", false), ("refs/heads/new", true)]),
            event(3, &[("refs/tags/v1", false)]),
        ];
        let (total, names) = RefsMoved::distinct(events.iter().flatten());
        // The second event leaves two refs without a name.
        assert_eq!((total, names), (3, BTreeSet::from(["refs/tags/v1"])));
    }
}
