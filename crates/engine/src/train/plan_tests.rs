use super::plan::{Action, View, plan};
use crate::judge::{Evidence, Rules};
use paddock_model::evidence::{KnownComparison, Outcome, TestedTree};
use paddock_model::gate::Verdict;
use paddock_model::ids::{EntryId, GateId, ObjectId, ObjectiveId};
use paddock_model::train::{Chain, Entry, Link, Made, Subject, Train};
use paddock_model::verdicts::KnownVerdict;

fn oid(digit: char) -> ObjectId {
    ObjectId::new(String::from(digit).repeat(40)).unwrap()
}

fn build<const COUNT: usize>(ids: [u64; COUNT]) -> Action {
    Action::Build(ids.map(EntryId).to_vec())
}

fn entry(id: u64, priority: i32) -> Entry {
    let subject = Subject::Objective(ObjectiveId::new(format!("o{id}")).unwrap());
    Entry::new(EntryId(id), subject, oid('9'), priority, 0)
}

fn train(entries: Vec<Entry>) -> Train {
    Train { entries, ..Train::default() }
}

/// Returns a chain of these entries on this tip. The trees of its prefixes are a, b, c and so on.
fn chain(onto: char, entries: &[u64]) -> Option<Chain> {
    let entries: Vec<EntryId> = entries.iter().copied().map(EntryId).collect();
    let trees = ['a', 'b', 'c', 'd'];
    let links = entries.iter().zip(trees).map(|(entry, tree)| Link {
        entry: *entry,
        commit: oid('2'),
        tree: oid(tree),
    });
    let made = Made {
        onto_tree: oid('4'),
        links: links.collect(),
        separate: Vec::new(),
        sealed: true,
        is_stale: false,
    };
    Some(Chain { number: 1, onto: oid(onto), asked: entries, made: Some(made), is_building: false })
}

fn known(tree: char, verdict: Verdict, runs: u32) -> KnownVerdict {
    let gate = GateId(u64::from(tree));
    let (tree, terms) = (oid(tree), String::new());
    KnownVerdict {
        tree,
        terms,
        verdict,
        gate,
        at_ms: 0,
        runs,
        has_crashed: false,
        may_be_passing: false,
        has_tests: false,
    }
}

fn planned(train: &Train, verdicts: &[KnownVerdict]) -> Vec<Action> {
    planned_with(train, verdicts, Evidence::default())
}

fn planned_with(train: &Train, verdicts: &[KnownVerdict], evidence: Evidence<'_>) -> Vec<Action> {
    plan(&view(train, &oid('1'), rules(verdicts, evidence)))
}

fn rules<'a>(verdicts: &'a [KnownVerdict], evidence: Evidence<'a>) -> Rules<'a> {
    Rules { verdicts, terms: "", flaky_retries: 1, now_ms: 0, evidence }
}

fn view<'a>(train: &'a Train, tip: &'a ObjectId, rules: Rules<'a>) -> View<'a> {
    View {
        train,
        tip,
        has_gate: true,
        may_move: true,
        slots: 1,
        trial_ms: None,
        runs: &[],
        is_strict: false,
        conflicts: &[],
        external: None,
        tip_tree: None,
        comparing: &[],
        rules,
    }
}

#[test]
fn a_batch_is_built_then_gated_then_landed() {
    let mut queue = train(vec![entry(1, 0), entry(2, 0)]);
    assert_eq!(planned(&queue, &[]), [build([1, 2])]);
    queue.chain = chain('1', &[1, 2]);
    assert_eq!(planned(&queue, &[]), [Action::Gate(2)]);
    assert_eq!(planned(&queue, &[known('b', Verdict::Green, 1)]), [Action::Land(2, Some(GateId(98)))]);
}

#[test]
fn a_red_batch_is_searched_by_prefixes_and_its_culprit_is_repeated_before_it_is_blamed() {
    let mut queue = train(vec![entry(1, 0), entry(2, 0)]);
    queue.chain = chain('1', &[1, 2]);
    let red = known('b', Verdict::Red, 1);
    assert_eq!(planned(&queue, std::slice::from_ref(&red)), [Action::Gate(1)]);
    assert_eq!(
        planned(&queue, &[red.clone(), known('a', Verdict::Green, 1)])[0],
        Action::Land(1, Some(GateId(97)))
    );
    assert_eq!(planned(&queue, &[red.clone(), known('a', Verdict::Red, 1)]), [Action::Gate(1)]);
    assert_eq!(planned(&queue, &[red.clone(), known('a', Verdict::Red, 2)]), [Action::GateBase]);
    let base = known('4', Verdict::Green, 1);
    let blamed = planned(&queue, &[red, known('a', Verdict::Red, 2), base]);
    assert!(matches!(blamed.as_slice(), [Action::Blame(EntryId(1), _)]), "{blamed:?}");
}

#[test]
fn a_chain_on_an_older_tip_is_made_again() {
    let mut queue = train(vec![entry(1, 0)]);
    queue.chain = chain('7', &[1]);
    assert_eq!(planned(&queue, &[]), [Action::Reset]);
}

#[test]
fn the_rest_of_a_red_batch_keeps_its_order_and_its_verdicts() {
    let mut queue = train(vec![entry(1, 0), entry(2, 0), entry(3, 0)]);
    queue.chain = chain('1', &[1, 2, 3]);
    queue.take_landed(EntryId(1), &oid('1'));
    queue.entries.push(entry(4, 7));
    assert_eq!(planned(&queue, &[known('c', Verdict::Red, 1)]), [build([2, 3, 4])]);
    assert_eq!(planned(&queue, &[]), [build([4, 2, 3])], "nothing is known: the urgent one first");
}

#[test]
fn the_users_own_commits_go_first_and_alone() {
    let mut users = entry(2, 0);
    users.subject = Subject::Target;
    let mut queue = train(vec![entry(1, 100), users]);
    assert_eq!(planned(&queue, &[]), [build([2])]);
    queue.chain = chain('1', &[1]);
    assert_eq!(planned(&queue, &[]), [Action::Reset]);
}

#[test]
fn entries_that_conflict_are_not_tried_together_and_those_without_conflicts_go_first() {
    let queue = train(vec![entry(1, 0), entry(2, 0), entry(3, 0)]);
    let rules =
        Rules { verdicts: &[], terms: "", flaky_retries: 1, now_ms: 0, evidence: Evidence::default() };
    let view = View {
        train: &queue,
        tip: &oid('1'),
        has_gate: true,
        may_move: true,
        slots: 1,
        trial_ms: None,
        runs: &[],
        is_strict: false,
        conflicts: &[(EntryId(1), EntryId(2)), (EntryId(1), EntryId(3))],
        external: None,
        tip_tree: None,
        comparing: &[],
        rules,
    };
    assert_eq!(plan(&view), [build([2, 3])]);
    assert_eq!(plan(&View { is_strict: true, ..view }), [build([2])]);
}

/// Returns a green verdict of a run that reported tests.
fn reported(tree: char) -> KnownVerdict {
    KnownVerdict { has_tests: true, ..known(tree, Verdict::Green, 1) }
}

fn tested(tree: char, gates: &[u64]) -> TestedTree {
    let gates = gates.iter().copied().map(GateId).collect();
    TestedTree { tree: oid(tree), terms: String::new(), gates }
}

/// Returns a comparison of the green run on a tree with these runs on the base, tree 4.
fn compared(tree: char, bases: &[u64], outcome: Outcome, faults: u32) -> KnownComparison {
    KnownComparison {
        tree: oid(tree),
        base_tree: oid('4'),
        terms: String::new(),
        gate: GateId(u64::from(tree)),
        bases: bases.iter().copied().map(GateId).collect(),
        entries: vec![EntryId(1)],
        outcome,
        faults,
    }
}

#[test]
fn a_green_candidate_lands_after_its_tests_were_compared_with_those_of_the_base() {
    let mut queue = train(vec![entry(1, 0)]);
    queue.chain = chain('1', &[1]);
    let (green, base) = ([reported('a')], oid('4'));
    let evidence = Evidence { base: Some(&base), ..Evidence::default() };
    assert_eq!(planned_with(&queue, &green, evidence), [Action::GateBase], "nothing to compare with");
    let tests = [tested('4', &[7])];
    let evidence = Evidence { tested: &tests, ..evidence };
    assert_eq!(planned_with(&queue, &green, evidence), [Action::Compare(1, GateId(97))]);
    let kept = [compared('a', &[7], Outcome::Kept, 0)];
    let landed = planned_with(&queue, &green, Evidence { compared: &kept, ..evidence });
    assert_eq!(landed, [Action::Land(1, Some(GateId(97)))]);
    // A gate that cannot be evaluated on the base leaves nothing to compare with.
    let crashed = KnownVerdict { runs: 2, has_crashed: true, ..known('4', Verdict::NotEvaluated, 2) };
    let evidence = Evidence { tested: &[], ..evidence };
    let verdicts = [reported('a'), crashed];
    assert_eq!(planned_with(&queue, &verdicts, evidence), [Action::Compare(1, GateId(97))]);
}

#[test]
fn a_candidate_with_fewer_tests_is_run_again_then_the_base_then_it_is_sent_back() {
    let mut queue = train(vec![entry(1, 0)]);
    queue.chain = chain('1', &[1]);
    let (green, base) = ([reported('a')], oid('4'));
    let plan_after = |faults, bases: &[u64], known_bases: &[u64]| {
        let tests = [tested('4', known_bases)];
        let fewer = [compared('a', bases, Outcome::FewerTests, faults)];
        planned_with(&queue, &green, Evidence { tested: &tests, compared: &fewer, base: Some(&base) })
    };
    assert_eq!(plan_after(1, &[7], &[7]), [Action::Gate(1)]);
    assert_eq!(plan_after(2, &[7], &[7]), [Action::GateBase]);
    assert_eq!(plan_after(2, &[7], &[7, 8]), [Action::Compare(1, GateId(97))], "with both runs");
    let blamed = plan_after(2, &[7, 8], &[7, 8]);
    assert!(matches!(blamed.as_slice(), [Action::Blame(EntryId(1), _)]), "{blamed:?}");
    let tests = [tested('4', &[7])];
    let removed = [compared('a', &[7], Outcome::Person, 1)];
    let asked =
        planned_with(&queue, &green, Evidence { tested: &tests, compared: &removed, base: Some(&base) });
    assert!(matches!(asked.as_slice(), [Action::Blame(EntryId(1), _)]), "at once: {asked:?}");
}

#[test]
fn a_batch_with_fewer_tests_is_searched_like_a_red_one() {
    let mut queue = train(vec![entry(1, 0), entry(2, 0)]);
    queue.chain = chain('1', &[1, 2]);
    let (tests, base) = ([tested('4', &[7])], oid('4'));
    let fewer = [compared('b', &[7], Outcome::FewerTests, 1)];
    let evidence = Evidence { tested: &tests, compared: &fewer, base: Some(&base) };
    assert_eq!(planned_with(&queue, &[reported('b')], evidence), [Action::Gate(1)]);
}

#[test]
fn the_tests_of_the_tip_are_found_out_before_anything_is_queued() {
    let queue = train(Vec::new());
    let (tip, tree) = (oid('1'), oid('4'));
    let red = [known('4', Verdict::Red, 1)];
    let at_work = |verdicts| {
        let known = view(&queue, &tip, rules(verdicts, Evidence::default()));
        View { tip_tree: Some(&tree), ..known }
    };
    assert_eq!(plan(&at_work(&[])), [Action::GateTip]);
    assert_eq!(plan(&at_work(&red)), [], "it has run there");
    assert_eq!(plan(&View { tip_tree: None, ..at_work(&[]) }), [], "nobody works");
}
