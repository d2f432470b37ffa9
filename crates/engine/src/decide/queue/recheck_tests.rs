use crate::decide::queue::bed::{Bed, oid, result, slug};
use crate::decide::{Memo, next_timer, settled};
use crate::effect::Effect;
use crate::input::Input;
use paddock_model::command::Command;
use paddock_model::event::Fact;
use paddock_model::gate::{CommandResult, Purpose, Start};
use paddock_model::ids::GateId;
use paddock_model::reason::ReasonCode;
use paddock_model::session::Exit;

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

impl Bed {
    fn recheck(&self) -> Option<GateId> {
        self.state.open_gates().find(|run| run.purpose == Purpose::Recheck).map(|run| run.id)
    }

    /// Returns a project whose recheck runs: one landing from nothing, one with caches, and a day later.
    fn rechecking(slots: u32) -> (Self, GateId) {
        let mut bed = Self::new(slots);
        bed.land(&[1], true);
        bed.now_ms += HOUR_MS;
        bed.land(&[2], false);
        bed.tick_at(DAY_MS + 1);
        let gate = bed.recheck().unwrap();
        (bed, gate)
    }

    fn judged(&self) -> usize {
        self.events.iter().filter(|event| matches!(event.fact, Fact::RecheckJudged { .. })).count()
    }
}

#[test]
fn a_recheck_is_due_a_day_after_the_last_tree_from_nothing_if_something_landed_since() {
    let mut bed = Bed::new(1);
    bed.land(&[1], true);
    assert_eq!(bed.project().recheck.due_ms(&bed.project().settings.gate_terms(), bed.now_ms), None);
    bed.tick_at(3 * DAY_MS);
    assert_eq!(bed.recheck(), None, "a landing from nothing is the day's recheck");
    bed.now_ms = 1 + HOUR_MS;
    bed.land(&[2], false);
    assert_eq!(next_timer(&bed.state, &bed.memo), Some(1 + DAY_MS));
    bed.tick_at(DAY_MS);
    assert_eq!(bed.recheck(), None);
    bed.tick_at(1 + DAY_MS);
    let run = bed.state.gate(bed.recheck().unwrap()).unwrap();
    assert_eq!((run.start, &run.commit, &run.tree), (Start::FromNothing, &oid(202), &oid(302)));
    assert_eq!(settled(&bed.state, &bed.memo), None);
}

#[test]
fn without_an_earlier_one_the_day_begins_with_the_first_landing() {
    let mut bed = Bed::new(1);
    bed.now_ms = HOUR_MS;
    bed.land(&[1], false);
    bed.now_ms += HOUR_MS;
    bed.land(&[2], false);
    assert_eq!(next_timer(&bed.state, &bed.memo), Some(HOUR_MS + DAY_MS));
    let named: Vec<_> = bed.project().recheck.since.iter().map(|one| one.commit.clone()).collect();
    assert_eq!((named, bed.project().recheck.landings), (vec![oid(201), oid(202)], 2));
}

#[test]
fn a_due_recheck_gets_the_next_slot_of_a_queue_that_is_never_idle() {
    let mut bed = Bed::new(1);
    bed.land(&[1], false);
    bed.queue(2);
    bed.take(Input::Tick);
    bed.merge();
    let busy = bed.open()[0].id;
    bed.tick_at(2 * DAY_MS);
    assert_eq!(bed.open().len(), 1, "the open run is not cancelled for it");
    bed.exit(busy, 1, false);
    let gate = bed.recheck().expect("the repeat waits for the recheck");
    bed.queue(3);
    bed.tick_at(2 * DAY_MS + 1);
    assert!(!bed.state.gate(gate).unwrap().cancelled && bed.open().len() == 1);
    bed.exit(gate, 0, true);
    assert!(matches!(bed.open()[0].purpose, Purpose::Candidate { .. }));
}

#[test]
fn a_recheck_that_is_green_clears_the_landings_that_it_covers() {
    let (mut bed, gate) = Bed::rechecking(2);
    bed.land(&[3], false);
    bed.exit(gate, 0, true);
    let recheck = &bed.project().recheck;
    assert_eq!((recheck.landings, recheck.since[0].commit.clone()), (1, oid(203)));
    assert_eq!((recheck.last_ms, recheck.epoch, bed.hold()), (Some(1 + DAY_MS), 0, None));
    assert_eq!(next_timer(&bed.state, &bed.memo), Some(1 + 2 * DAY_MS));
}

#[test]
fn red_twice_holds_the_queue_names_the_landings_and_voids_the_caches() {
    let (mut bed, gate) = Bed::rechecking(2);
    bed.queue(3);
    bed.take(Input::Tick);
    bed.merge();
    bed.exit(gate, 1, true);
    assert_eq!((bed.judged(), bed.hold()), (0, None));
    let repeat = bed.recheck().unwrap();
    assert_eq!(bed.state.gate(repeat).unwrap().start, Start::FromNothing);
    bed.exit(repeat, 1, true);
    assert_eq!((bed.judged(), bed.hold()), (1, Some(ReasonCode::RecheckDiffers)));
    let held = bed.project().train.held.clone().unwrap();
    let says = |text: &str| assert!(held.text.contains(text), "{text}: {}", held.text);
    says(&format!("the gate command t (exit status 1, gate run {repeat}) is not green on the landed commit"));
    says("landed o2 (00000000");
    assert!(held.clears.contains(&format!("runtime/gates/{repeat}")), "{}", held.clears);
    assert_eq!((bed.project().recheck.epoch, bed.project().verdicts.len()), (1, 0));
    assert!(bed.open().iter().all(|run| run.cancelled), "a run with void caches may not decide");
    // The landed tree was judged, so a person who releases the queue does not get the same hold at once.
    for run in bed.open().iter().map(|run| run.id).collect::<Vec<_>>() {
        bed.exit(run, 1, false);
    }
    bed.command(Command::QueueRelease { project: slug() }).unwrap();
    assert_eq!((bed.recheck(), bed.hold()), (None, None));
    assert!(!bed.events.iter().any(|event| matches!(event.fact, Fact::FlakeSeen { .. })));
}

#[test]
fn a_red_recheck_whose_repeat_is_green_is_green() {
    let (mut bed, gate) = Bed::rechecking(1);
    bed.exit(gate, 1, true);
    let repeat = bed.recheck().unwrap();
    bed.exit(repeat, 0, true);
    let recheck = &bed.project().recheck;
    assert_eq!((recheck.epoch, recheck.landings, recheck.red, bed.hold()), (0, 0, 0, None));
    assert!(!bed.events.iter().any(|event| matches!(event.fact, Fact::FlakeSeen { .. })));
    let terms = bed.project().settings.gate_terms();
    assert!(!bed.project().verdicts.iter().any(|known| known.gate >= gate && known.terms == terms));
}

#[test]
fn a_recheck_without_a_verdict_is_tried_again_after_an_hour() {
    let (mut bed, gate) = Bed::rechecking(1);
    let starved = CommandResult { says_full: true, ..result(Exit::Code(1)) };
    bed.take(Input::GateExited { gate, results: None, from_nothing: false });
    let again_ms = 1 + DAY_MS + HOUR_MS;
    assert_eq!((bed.recheck(), next_timer(&bed.state, &bed.memo)), (None, Some(again_ms)));
    bed.tick_at(again_ms - 1);
    assert!(bed.recheck().is_none() && settled(&bed.state, &bed.memo).is_some());
    bed.tick_at(again_ms);
    let gate = bed.recheck().unwrap();
    bed.take(Input::GateExited { gate, results: Some(vec![starved.clone()]), from_nothing: true });
    bed.take(Input::Tick);
    assert_eq!((bed.recheck(), bed.judged()), (None, 0), "words of a full disk may pass");
    bed.tick_at(again_ms + HOUR_MS);
    let gate = bed.recheck().unwrap();
    bed.take(Input::GateExited { gate, results: Some(vec![starved]), from_nothing: true });
    assert_eq!((bed.recheck(), bed.judged()), (None, 1));
}

#[test]
fn no_recheck_starts_while_the_queue_is_held_or_the_disk_is_low() {
    let mut bed = Bed::new(1);
    bed.land(&[1], false);
    bed.command(Command::QueueHold { project: slug() }).unwrap();
    bed.tick_at(2 * DAY_MS);
    assert_eq!((bed.recheck(), next_timer(&bed.state, &bed.memo)), (None, None));
    let low = |text: Option<String>| {
        let (code, clears) = (ReasonCode::DiskLow, String::new());
        Input::HoldSeen { project: slug(), code, text, clears }
    };
    bed.take(low(Some("low".to_owned())));
    bed.command(Command::QueueRelease { project: slug() }).unwrap();
    assert_eq!(bed.recheck(), None);
    bed.take(low(None));
    assert!(bed.recheck().is_some());
}

#[test]
fn a_repeat_and_a_run_on_the_base_have_no_caches() {
    let mut bed = Bed::new(1);
    bed.land(&[1], false);
    bed.queue(2);
    bed.take(Input::Tick);
    bed.merge();
    let starts = |bed: &Bed| bed.open().iter().map(|run| run.start).collect::<Vec<_>>();
    assert_eq!(starts(&bed), [Start::Kept]);
    bed.exit(bed.open()[0].id, 1, false);
    assert_eq!(starts(&bed), [Start::WithoutCaches]);
    bed.exit(bed.open()[0].id, 1, false);
    let run = bed.open()[0].clone();
    assert_eq!((run.purpose.word(), run.start), ("base", Start::WithoutCaches));
}

#[test]
fn the_caches_of_a_run_are_kept_once_for_each_landing() {
    let mut bed = Bed::new(1);
    let decision = bed.land(&[1, 2], false);
    let landed = decision.events.iter().filter(|event| matches!(event.fact, Fact::Landed { .. })).count();
    let kept: Vec<_> =
        decision.effects.iter().filter(|effect| matches!(effect, Effect::KeepCaches { .. })).collect();
    assert_eq!((landed, kept.len()), (2, 1));
    let recheck = &bed.project().recheck;
    assert_eq!((recheck.landings, recheck.since[0].objectives.len()), (1, 2));
}

#[test]
fn a_person_asks_for_a_recheck_and_reports_one_without_a_supervisor() {
    let mut bed = Bed::new(1);
    let ask = || Command::AskRecheck { project: slug() };
    assert!(bed.command(ask()).unwrap_err().contains("nothing has landed in q through its gate yet"));
    bed.land(&[1], true);
    assert!(bed.command(ask()).unwrap().starts_with("the gate runs on the newest landed tree"));
    let gate = bed.recheck().unwrap();
    bed.exit(gate, 0, true);
    assert!(!bed.project().recheck.asked);
    bed.land(&[2], false);
    bed.memo = Memo::passive();
    assert!(bed.command(ask()).unwrap().contains("when a supervisor works"));
    let problem = "t: exit status 1".to_owned();
    let differs = Command::RecheckDiffers { project: slug(), commit: oid(202), problem };
    assert!(bed.command(differs).unwrap().contains("is held"));
    assert_eq!((bed.hold(), bed.project().recheck.epoch), (Some(ReasonCode::RecheckDiffers), 1));
    let text = bed.project().train.held.clone().unwrap().text;
    assert!(text.contains("(t: exit status 1): since the last run from nothing landed o2 ("), "{text}");
}

#[test]
fn names_of_landings_are_bounded_and_all_are_counted() {
    let mut bed = Bed::new(1);
    for entry in 1..=8 {
        bed.land(&[entry], false);
    }
    let words = super::since_in_words(&bed.project().recheck.since, 8);
    assert!(words.contains("landed o1 (") && words.ends_with(") and 3 more"), "{words}");
}
