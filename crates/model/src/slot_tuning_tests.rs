use super::*;
use crate::gate::{CommandResult, Start};
use crate::ids::{EntryId, GateId, ObjectId, ProjectSlug};
use crate::session::Exit;

fn run(id: u64, started_ms: i64, finished_ms: i64) -> GateRun {
    let oid = ObjectId::new("a".repeat(40)).unwrap();
    let took_ms = u64::try_from(finished_ms - started_ms).unwrap();
    let exit = Exit::Code(0);
    GateRun {
        id: GateId(id),
        project: ProjectSlug::new("p").unwrap(),
        purpose: Purpose::Candidate { entries: vec![EntryId(1)] },
        slot: 1,
        commands: Vec::new(),
        terms: "t".into(),
        start: Start::Kept,
        from_nothing: false,
        commit: oid.clone(),
        tree: oid,
        started_ms,
        finished_ms: Some(finished_ms),
        results: vec![CommandResult { took_ms, ..CommandResult::new("t", exit) }],
        verdict: Some(Verdict::Green),
        cancelled: false,
        compared: None,
    }
}

/// Measurements of a gate of ten seconds: once alone, and twice next to another run for its whole time.
fn measured(together_ms: i64) -> SlotTuning {
    let mut slot_tuning = SlotTuning::default();
    slot_tuning.record(&run(1, 0, 10_000), Company::default());
    assert_eq!(slot_tuning.measured(), None);
    for id in [2, 3] {
        let one = run(id, 0, together_ms);
        slot_tuning.record(&one, Company::new(&one, [run(9, -5, together_ms + 5)].iter()));
    }
    slot_tuning
}

#[test]
fn gates_that_slow_each_other_down_get_one_slot_and_others_get_more() {
    let slow = measured(17_000).measured().unwrap();
    assert_eq!((slow.slots, slow.alone_ms, slow.beside), (1, 10_000, 1_700));
    assert!(measured(11_000).measured().unwrap().slots >= 2);
    assert_eq!(measured(10_000).measured().unwrap().slots, AUTO_SLOTS_MAX);
}

#[test]
fn the_slowdown_is_measured_from_a_run_with_company_for_part_of_its_time() {
    let mut slot_tuning = SlotTuning::default();
    slot_tuning.record(&run(1, 0, 10_000), Company::default());
    // Four seconds alone, then the work of six seconds in twelve.
    let one = run(2, 0, 16_000);
    let company = Company::new(&one, [run(9, 4_000, 20_000)].iter());
    assert_eq!(company, Company { one: 750, more: 0 });
    slot_tuning.record(&one, company);
    assert_eq!(slot_tuning.beside, [2_000]);
}

#[test]
fn runs_that_do_not_do_all_of_the_gates_work_are_not_counted() {
    let mut slot_tuning = SlotTuning::default();
    let red = GateRun { verdict: Some(Verdict::Red), ..run(1, 0, 10_000) };
    let canary = GateRun { purpose: Purpose::Canary, ..run(2, 0, 10_000) };
    let given_up = GateRun { cancelled: true, ..run(3, 0, 10_000) };
    let without = GateRun { start: Start::WithoutCaches, ..run(4, 0, 10_000) };
    let start = Start::FromNothing;
    let recheck = GateRun { purpose: Purpose::Recheck, start, ..run(5, 0, 10_000) };
    for one in [red, canary, given_up, without, recheck] {
        slot_tuning.record(&one, Company::default());
    }
    assert!(slot_tuning.alone_ms.is_empty());
    let crowded = run(4, 0, 10_000);
    let others = [run(5, 0, 9_000), run(6, 0, 9_000)];
    slot_tuning.record(&crowded, Company::new(&crowded, others.iter()));
    assert!(slot_tuning.alone_ms.is_empty() && slot_tuning.beside.is_empty());
}

#[test]
fn trials_are_bounded_and_never_made_for_a_short_gate() {
    let mut slot_tuning = SlotTuning::default();
    assert_eq!(slot_tuning.trial_ms(Slots::Auto, "t"), None, "first it is known alone");
    slot_tuning.record(&run(1, 0, 10_000), Company::default());
    assert_eq!(slot_tuning.trial_ms(Slots::Auto, "t"), Some(15_850));
    assert_eq!(slot_tuning.trial_ms(Slots::Count(1), "t"), None);
    assert_eq!(slot_tuning.trial_ms(Slots::Auto, "another gate"), None);
    slot_tuning.tries = TRIES_MAX;
    assert_eq!(slot_tuning.trial_ms(Slots::Auto, "t"), None);
    let mut short = SlotTuning::default();
    short.record(&run(1, 0, 900), Company::default());
    assert_eq!(short.trial_ms(Slots::Auto, "t"), None);
    assert!(short.why(Slots::Auto, "t").contains("0.9 s alone"));
}

#[test]
fn another_gate_is_measured_from_the_start_and_the_reason_has_the_figures() {
    let mut slot_tuning = measured(17_000);
    slot_tuning.found = slot_tuning.measured();
    let why = slot_tuning.why(Slots::Auto, "t");
    assert!(
        why.contains("10.0 s alone and 1.70 times as long next to another: a second slot is not worth it"),
        "{why}"
    );
    assert_eq!(slot_tuning.found("other"), None);
    assert!(slot_tuning.why(Slots::Auto, "other").starts_with("one until it is measured"));
    slot_tuning.for_terms("other");
    assert!(slot_tuning.alone_ms.is_empty() && slot_tuning.found.is_none());
}
