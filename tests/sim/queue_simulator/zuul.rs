//! Situations from the test suite of Zuul, a merge queue, under the same names.

use paddock_engine::input::Input;
use paddock_model::event::{Dropped, Fact};
use paddock_model::gate::Purpose;
use paddock_model::ids::{EntryId, GateId, ObjectiveKey};
use paddock_model::train::Subject;

use super::queue::{Queue, Setup, objective, slug};
use super::target;
use super::world::Faults;

struct Gate {
    queue: Queue,
}

impl Gate {
    /// Queues this many changes, of which the given ones fail.
    fn new(changes: u32, failing: &[u32]) -> Self {
        let faults = Faults::default();
        let setup = Setup { faults, slots: 1, strict: false, flaky_retries: 0, given: Some(100_000) };
        let mut queue = Queue::new(7, &setup);
        let root = queue.integration.clone();
        for number in 1..=changes {
            let version = queue.world.chosen(failing.contains(&number));
            let head = queue.world.head_with(&root, version);
            queue.enqueue(&objective(number), head, 0);
        }
        queue.take(Input::Tick);
        queue.settle();
        Self { queue }
    }

    /// Returns the numbers of the changes in the batch that the gate runs on.
    fn gated(&self) -> Vec<u32> {
        let run = self.queue.state.open_gates().find(|run| !run.cancelled);
        let entries = match run.map(|run| &run.purpose) {
            Some(Purpose::Candidate { entries }) => entries.clone(),
            _ => Vec::new(),
        };
        entries.iter().map(|id| u32::try_from(id.0).unwrap() + 1).collect()
    }

    fn end_one(&mut self) {
        let gate = *self.queue.gates.keys().next().unwrap();
        self.queue.end_gate(gate);
        self.queue.settle();
    }

    fn drain(&mut self) {
        for _ in 0..200 {
            if self.queue.gates.is_empty() {
                break;
            }
            self.end_one();
        }
        assert!(self.queue.project().train.entries.is_empty(), "{:?}", self.queue.project().train);
    }

    /// Returns the batches in the order in which they landed.
    fn landed(&self) -> Vec<Vec<u32>> {
        let mut batches: Vec<Vec<u32>> = Vec::new();
        for event in &self.queue.events {
            if let Fact::Landed { entry, members, .. } = &event.fact
                && members.first() == Some(entry)
            {
                batches.push(members.iter().map(|id| u32::try_from(id.0).unwrap() + 1).collect());
            }
        }
        batches
    }

    fn dropped(&self) -> Vec<(u64, Dropped)> {
        let events = self.queue.events.iter();
        let dropped = events.filter_map(|event| match &event.fact {
            Fact::EntryDropped { entry, why, .. } => Some((entry.0 + 1, why.clone())),
            _ => None,
        });
        dropped.collect()
    }

    fn withdraw(&mut self, number: u32) {
        let subject = Subject::Objective(objective(number));
        let (entry, why) = (EntryId(u64::from(number) - 1), Dropped::Withdrawn);
        self.queue.record(Fact::EntryDropped { project: slug(), entry, subject, why });
        self.queue.take(Input::Tick);
        self.queue.settle();
    }

    fn stopped(&mut self) -> Vec<GateId> {
        let stopped: Vec<GateId> =
            self.queue.gates.iter().filter(|(_, stopped)| **stopped).map(|(id, _)| *id).collect();
        for gate in &stopped {
            self.queue.end_gate(*gate);
        }
        self.queue.settle();
        stopped
    }
}

#[test]
fn parallel_changes_all_succeed() {
    let mut gate = Gate::new(5, &[]);
    assert_eq!(gate.gated(), [1, 2, 3, 4, 5]);
    gate.drain();
    assert_eq!(gate.landed(), [[1, 2, 3, 4, 5]]);
    assert_eq!(gate.queue.gate_runs, 1);
}

#[test]
fn failed_change_at_head() {
    let mut gate = Gate::new(5, &[1]);
    gate.drain();
    assert_eq!(gate.dropped(), [(1, Dropped::Red)]);
    assert_eq!(gate.landed().concat(), [2, 3, 4, 5]);
    assert!(gate.queue.gate_runs <= 4, "{}", gate.queue.gate_runs);
}

#[test]
fn failed_change_in_middle() {
    let mut gate = Gate::new(5, &[3]);
    gate.drain();
    assert_eq!(gate.dropped(), [(3, Dropped::Red)]);
    assert_eq!(gate.landed().concat(), [1, 2, 4, 5]);
    assert_eq!(gate.landed()[0], [1, 2], "the longest green prefix lands at once");
}

#[test]
fn two_failed_changes_at_head() {
    let mut gate = Gate::new(6, &[1, 2]);
    gate.drain();
    assert_eq!(gate.dropped(), [(1, Dropped::Red), (2, Dropped::Red)]);
    assert_eq!(gate.landed().concat(), [3, 4, 5, 6]);
}

#[test]
fn head_is_dequeued_once() {
    let mut gate = Gate::new(4, &[]);
    assert_eq!(gate.gated(), [1, 2, 3, 4]);
    gate.withdraw(1);
    assert_eq!(gate.stopped().len(), 1, "the run with the dequeued change is cancelled at once");
    assert_eq!(gate.gated(), [2, 3, 4]);
    gate.drain();
    assert_eq!(gate.landed(), [[2, 3, 4]]);
}

#[test]
fn a_change_in_the_middle_is_dequeued() {
    let mut gate = Gate::new(5, &[]);
    gate.withdraw(3);
    gate.stopped();
    assert_eq!(gate.gated(), [1, 2, 4, 5]);
    gate.drain();
    assert_eq!(gate.landed(), [[1, 2, 4, 5]]);
}

#[test]
fn new_patchset_dequeues_old() {
    let mut gate = Gate::new(3, &[]);
    let root = gate.queue.integration.clone();
    let version = gate.queue.world.chosen(false);
    let head = gate.queue.world.head_with(&root, version);
    gate.queue.branches.insert(objective(2), head.clone());
    let objective = ObjectiveKey { project: slug(), id: objective(2) };
    gate.queue.take(Input::BranchSeen { objective, head });
    gate.queue.settle();
    assert_eq!(gate.dropped(), [(2, Dropped::HeadMoved)]);
    gate.stopped();
    assert_eq!(gate.gated(), [1, 3]);
    gate.drain();
}

#[test]
fn unreported_new_commits_stop_the_landing() {
    let mut gate = Gate::new(3, &[]);
    let root = gate.queue.integration.clone();
    let version = gate.queue.world.chosen(false);
    let head = gate.queue.world.head_with(&root, version);
    gate.queue.branches.insert(objective(2), head);
    gate.drain();
    assert_eq!(gate.dropped(), [(2, Dropped::HeadMoved)]);
    assert_eq!(gate.landed().concat(), [1, 3]);
}

#[test]
fn a_dependent_is_queued_only_after_its_dependency_has_landed() {
    // A dependent starts from a tip that contains its dependency: its head is a descendant of that landing.
    let mut gate = Gate::new(1, &[]);
    gate.drain();
    let tip = gate.queue.integration.clone();
    let version = gate.queue.world.chosen(false);
    let head = gate.queue.world.head_with(&tip, version);
    gate.queue.enqueue(&objective(2), head, 0);
    gate.queue.take(Input::Tick);
    gate.queue.settle();
    gate.drain();
    assert_eq!(gate.landed().concat(), [1, 2]);
}

#[test]
fn live_reconfiguration_with_changed_gate() {
    let mut gate = Gate::new(3, &[]);
    let before = gate.queue.state.open_gates().next().unwrap().terms.clone();
    let mut settings = gate.queue.project().settings.clone();
    settings.verify[0].run = "make check".to_owned();
    gate.queue.take(Input::ConfigRead { project: slug(), settings: Ok(Box::new(settings)) });
    gate.queue.settle();
    assert_eq!(gate.stopped().len(), 1, "the run of the old gate is cancelled");
    assert_eq!(gate.gated(), [1, 2, 3]);
    assert_ne!(gate.queue.state.open_gates().next().unwrap().terms, before);
    gate.drain();
    assert_eq!(gate.landed(), [[1, 2, 3]]);
}

#[test]
fn live_reconfiguration_of_the_queue_keeps_what_runs() {
    let mut gate = Gate::new(3, &[]);
    let mut settings = gate.queue.project().settings.clone();
    settings.description = "another".to_owned();
    gate.queue.take(Input::ConfigRead { project: slug(), settings: Ok(Box::new(settings)) });
    gate.queue.settle();
    assert!(gate.stopped().is_empty());
    gate.drain();
    assert_eq!(gate.queue.gate_runs, 1);
}

/// The user makes an empty commit.
fn commit_nothing(gate: &mut Gate) {
    let queue = &mut gate.queue;
    let tree = queue.world.at(&queue.target).tree.clone();
    queue.target = queue.world.commit(vec![queue.target.clone()], tree);
    target::look(queue);
    queue.settle();
}

#[test]
fn an_empty_commit_of_the_user_keeps_verdicts_and_gate_runs() {
    let mut gate = Gate::new(6, &[2]);
    let begun = gate.queue.gate_runs;
    commit_nothing(&mut gate);
    assert_eq!(gate.queue.project().integration.tip, gate.queue.target);
    assert!(gate.stopped().is_empty(), "the run's tree has not changed");
    // The batch is red, and half of it is tried when the user commits again.
    gate.end_one();
    commit_nothing(&mut gate);
    assert!(gate.stopped().is_empty());
    let mut other = Gate::new(6, &[2]);
    gate.drain();
    other.drain();
    assert_eq!(gate.landed().concat(), other.landed().concat());
    assert_eq!(gate.queue.gate_runs - begun, other.queue.gate_runs - begun, "the commits cost gate runs");
}

#[test]
fn a_commit_of_the_user_that_changes_a_file_restarts_the_search_for_the_culprit() {
    let mut gate = Gate::new(6, &[2]);
    gate.end_one();
    target::commit(&mut gate.queue);
    gate.queue.settle();
    assert_eq!(gate.stopped().len(), 1, "the run's tree has changed");
    gate.drain();
    assert_eq!(gate.landed().concat(), [1, 3, 4, 5, 6]);
}

#[test]
fn merge_conflict_within_the_queue_waits_for_its_turn() {
    let mut gate = Gate::new(0, &[]);
    let root = gate.queue.integration.clone();
    let versions: Vec<u32> = (0..3).map(|_| gate.queue.world.chosen(false)).collect();
    gate.queue.world.conflict(versions[0], versions[1]);
    for (number, version) in (1u32..).zip(&versions) {
        let head = gate.queue.world.head_with(&root, *version);
        gate.queue.enqueue(&objective(number), head, 0);
    }
    gate.queue.take(Input::Tick);
    gate.queue.settle();
    assert_eq!(gate.gated(), [1, 3]);
    assert!(gate.queue.project().train.is_separate(EntryId(1)));
    gate.drain();
    assert!(
        matches!(gate.dropped().as_slice(), [(2, Dropped::Conflict { .. })]),
        "the conflict is reported when its turn comes on the new tip"
    );
}

#[test]
fn an_urgent_change_waits_for_the_running_batch_and_overtakes_the_rest() {
    let mut gate = Gate::new(12, &[]);
    assert_eq!(gate.gated().len(), 7);
    let root = gate.queue.integration.clone();
    let version = gate.queue.world.chosen(false);
    let head = gate.queue.world.head_with(&root, version);
    gate.queue.enqueue(&objective(13), head, 5);
    gate.queue.take(Input::Tick);
    gate.queue.settle();
    gate.end_one();
    assert_eq!(gate.gated()[0], 13);
    gate.drain();
}

#[test]
fn no_entry_is_overtaken_more_than_eight_times_by_urgent_ones() {
    let mut gate = Gate::new(1, &[]);
    let root = gate.queue.integration.clone();
    for number in 2..=40 {
        let version = gate.queue.world.chosen(false);
        let head = gate.queue.world.head_with(&root, version);
        gate.queue.enqueue(&objective(number), head, 9);
    }
    gate.queue.take(Input::Tick);
    gate.queue.settle();
    gate.drain();
    let order = gate.landed().concat();
    assert!(order.iter().position(|number| *number == 1).unwrap() <= 8, "{order:?}");
}

#[test]
fn two_slots_try_two_prefixes_and_cancel_the_one_that_can_tell_nothing_new() {
    let faults = Faults::default();
    let setup = Setup { faults, slots: 2, strict: false, flaky_retries: 0, given: Some(100_000) };
    let mut queue = Queue::new(7, &setup);
    let root = queue.integration.clone();
    for number in 1..=20 {
        let version = queue.world.chosen(number == 1);
        let head = queue.world.head_with(&root, version);
        queue.enqueue(&objective(number), head, 0);
    }
    queue.take(Input::Tick);
    queue.settle();
    let runs: Vec<(GateId, usize)> =
        queue.state.open_gates().map(|run| (run.id, run.purpose.entries().len())).collect();
    assert_eq!(runs.len(), 2);
    let short = runs.iter().min_by_key(|(_, size)| *size).unwrap().0;
    let long = runs.iter().max_by_key(|(_, size)| *size).unwrap().0;
    queue.end_gate(short);
    queue.settle();
    assert!(queue.gates[&long], "the longer prefix contains the failing change too, so its run is cancelled");
}
