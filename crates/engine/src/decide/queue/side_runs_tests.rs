use crate::decide::queue::bed::{Bed, oid, slug};
use crate::effect::Effect;
use crate::input::{Input, Problem};
use paddock_model::event::{Dropped, Fact};
use paddock_model::facts::TrustFound;
use paddock_model::ids::EntryId;
use paddock_model::path::RepoPath;
use paddock_model::side_runs::SideTree;
use paddock_model::train::Entry;

/// Returns a project with an entry under guard whose tree is ordered.
fn guarded() -> Bed {
    let mut bed = Bed::new(1);
    bed.queue(1);
    let paths = vec![RepoPath::new("tests/a.sh")];
    bed.apply(Fact::GuardAsked { project: slug(), entry: EntryId(1), paths });
    bed.take(Input::Tick);
    bed
}

/// Returns the trees that were ordered for guards.
fn ordered(bed: &Bed) -> Vec<SideTree> {
    let trees = bed.effects.iter().filter_map(|effect| {
        let Effect::PrepareTree { side_tree, .. } = effect else { return None };
        matches!(side_tree, SideTree::Guard { .. }).then(|| side_tree.clone())
    });
    trees.collect()
}

fn fail(bed: &mut Bed) {
    let (side_tree, problem) = (ordered(bed).pop().unwrap(), Problem::new("no such object"));
    bed.take(Input::TreePrepared { project: slug(), side_tree, result: Err(problem) });
}

#[test]
fn an_entry_whose_guard_cannot_be_made_leaves_the_queue() {
    let mut bed = guarded();
    fail(&mut bed);
    let dropped = bed.events.iter().any(|event| {
        matches!(&event.fact, Fact::EntryDropped { entry: EntryId(1), why: Dropped::Refused(_), .. })
    });
    assert!(dropped, "{:?}", bed.events);
    assert!(bed.project().train.entries.is_empty());
}

#[test]
fn while_the_project_is_held_the_guard_waits_and_is_made_afterwards() {
    let mut bed = guarded();
    let trust = |bed: &Bed, needed: &[&str]| TrustFound {
        before: bed.project().trust.clone(),
        needed: needed.iter().map(|name| (*name).to_owned()).collect(),
        off: Vec::new(),
    };
    // The same look that finds the change makes the tree fail.
    let found = trust(&bed, &["filter=x for a.txt"]);
    bed.take(Input::TrustRead { project: slug(), trust: found });
    assert!(!bed.project().is_workable());
    fail(&mut bed);
    assert!(bed.project().train.entry(EntryId(1)).is_some_and(Entry::waits_for_guard));
    assert_eq!(ordered(&bed).len(), 1);
    let found = trust(&bed, &[]);
    bed.take(Input::TrustRead { project: slug(), trust: found });
    assert!(bed.project().is_workable());
    let again = ordered(&bed);
    assert_eq!(again.len(), 2);
    assert_eq!(
        again[0],
        SideTree::Guard {
            entry: EntryId(1),
            head: oid(101),
            onto: oid(1),
            paths: vec![RepoPath::new("tests/a.sh")]
        }
    );
}
