//! Explanations of why objectives do not move, for states that the engine's own decisions led to.

use paddock_engine::ANSWERS;
use paddock_engine::decide::next_timer;
use paddock_engine::input::Input;
use paddock_model::agent::{Check, PROBE_MS};
use paddock_model::answers::Surroundings;
use paddock_model::command::Command;
use paddock_model::facts::{CommitFacts, HarvestFacts};
use paddock_model::failure::{Failure, FailureClass};
use paddock_model::ids::{ObjectId, SessionId};
use paddock_model::reason::{Reason, ReasonCode};
use paddock_model::session::{Exit, ProcessEnd, Stop};

use crate::world::{World, key, slug};
use paddock_report::status::{View, document};
use paddock_report::status_text::render;

const FILE: &str = "slug: web\nname: Web\nrepo_root: /r\nworktrees_root: /wt\ntarget_branch: main\nmax_parallel_sessions: 1\nrecovery: {max_retries: 0}\nagents: [{id: scripted}]\n";

impl World {
    fn why(&self, id: &str, supervisor_running: bool) -> Reason {
        let facts = Surroundings { supervisor_running, now_ms: self.now_ms, max_parallel: None };
        ANSWERS.why_one(&self.state, self.state.objective(&key(id)).unwrap(), &facts).unwrap()
    }

    fn expect(&self, id: &str, code: ReasonCode, part: &str) {
        let reason = self.why(id, true);
        assert!(reason.code == code && reason.text.contains(part), "{id}: {reason:?}");
        assert!(!reason.clears.is_empty());
    }
}

#[test]
fn every_reason_why_a_ready_objective_waits_is_named() {
    let mut world = World::new(FILE);
    world.add("one", "src/**", &[]);
    world.expect("one", ReasonCode::PreparingWorktree, "is being made");
    assert_eq!(world.why("one", false).code, ReasonCode::NoSupervisor);
    world.worktree("one");
    world.expect("one", ReasonCode::Working, "session 1 by scripted is starting");
    world.add("two", "src/a.rs", &[]);
    world.expect("two", ReasonCode::ScopeOverlap, "overlaps that of one (active)");
    world.add("three", "docs/**", &[]);
    world.expect("three", ReasonCode::NoSlot, "(1 of 1)");
    world.add("four", "docs/**", &["three"]);
    world.expect("four", ReasonCode::Dependencies, "waits for three (ready)");
    world.command(Command::ProjectPause { project: slug(), paused: true });
    world.expect("two", ReasonCode::ProjectPaused, "paused");
    world.command(Command::ProjectEnable { project: slug(), enabled: false });
    world.expect("two", ReasonCode::ProjectDisabled, "disabled");
}

#[test]
fn a_missing_agent_is_the_reason_even_without_a_supervisor() {
    let mut world = World::new(&FILE.replace("agents: [{id: scripted}]\n", ""));
    world.add("one", "src/**", &[]);
    let reason = world.why("one", false);
    assert_eq!(reason.code, ReasonCode::NoAgent);
    assert!(reason.text.contains("implementer has no agent"), "{reason:?}");
}

#[test]
fn a_dependent_names_the_stuck_objective_and_the_status_names_a_command() {
    let mut world = World::new(FILE);
    world.add("one", "src/**", &[]);
    world.add("two", "docs/**", &["one"]);
    world.add("three", "docs/**", &["two"]);
    world.worktree("one");
    world.take(Input::SessionStarted { session: SessionId(1), pid: 42 });
    world.expect("one", ReasonCode::Working, "works on it");
    world.command(Command::SessionKill { session: SessionId(1) });
    world.expect("one", ReasonCode::Working, "is stopping");
    let process =
        ProcessEnd { exit: Exit::Signal(9), stop: Some(Stop::Human), awake_seconds: 120, survivors: 0 };
    world.take(Input::SessionExited { session: SessionId(1), process });
    world.expect("one", ReasonCode::Harvesting, "is being read");
    world.take(Input::Harvested { session: SessionId(1), facts: Err("no such folder".into()) });
    world.expect("one", ReasonCode::HarvestFailed, "no such folder");
    world.expect("three", ReasonCode::BlockedBy, "blocked by one, which is needs_review");

    let view = View {
        state: &world.state,
        answers: &ANSWERS,
        workspace: "/ws".into(),
        supervisor: None,
        now_ms: world.now_ms,
        day_ms: 0,
        all: false,
    };
    let status = document(&view, None);
    let project = &status.projects[0];
    assert_eq!((project.state, project.counts["needs_review"], project.counts["todo"]), ("waiting", 1, 2));
    assert_eq!(project.budget.session_minutes.used, Some(2));
    assert_eq!(project.sessions[0].exit.as_ref().unwrap().signal, Some(9));
    assert_eq!(project.objectives[0].id, "one");
    let text = render(&status, world.now_ms);
    assert!(text.contains("needs you") && text.contains("→ paddock objective show web/one"), "{text}");
    assert!(text.contains("objectives: 2 todo, 1 needs_review"), "{text}");
}

/// Ends session `number` with exit code 0 and one commit.
fn finish(world: &mut World, number: u64) {
    let session = SessionId(number);
    world.take(Input::SessionStarted { session, pid: 42 });
    let process = ProcessEnd { exit: Exit::Code(0), stop: None, awake_seconds: 60, survivors: 0 };
    world.take(Input::SessionExited { session, process });
    let head = ObjectId::new(number.to_string().repeat(40).replace('1', "a")).unwrap();
    let made = CommitFacts {
        commit: head.clone(),
        summary: "work".to_owned(),
        paths: 1,
        is_merge: false,
        is_empty: false,
    };
    let facts = HarvestFacts {
        head,
        commits: vec![made],
        net_paths: Vec::new(),
        bad_links: Vec::new(),
        left_behind: Vec::new(),
        set_up: paddock_model::facts::SetUpFacts::default(),
        integrator_paths: Vec::new(),
        secrets: Vec::new(),
        unsearched: Vec::new(),
        uncommitted: Vec::new(),
        salvage: None,
        head_elsewhere: None,
        tampered: Vec::new(),
        marks: Vec::new(),
        stash_taken: Vec::new(),
        summary: None,
        account: paddock_model::usage::Account::default(),
    };
    world.take(Input::Harvested { session, facts: Ok(Box::new(facts)) });
}

#[test]
fn queued_objectives_name_their_position_in_the_queue() {
    let mut world = World::new(FILE);
    for (number, id) in [(1, "one"), (2, "two")] {
        world.add(id, &format!("{id}/**"), &[]);
        world.worktree(id);
        finish(&mut world, number);
    }
    world.expect("one", ReasonCode::Building, "its merge is being made");
    world.expect("two", ReasonCode::QueueBehind, "number 2 in the merge queue, behind one");
    assert_eq!(world.why("two", false).code, ReasonCode::NoSupervisor);
    world.command(Command::QueueHold { project: slug() });
    world.expect("two", ReasonCode::QueueHeld, "a person holds");
}

#[test]
fn after_a_cooldown_one_session_probes_the_agent_and_the_others_wait_for_it() {
    let file = FILE.replace("max_parallel_sessions: 1", "max_parallel_sessions: 3");
    let at_work = |world: &World| world.state.open_sessions().count();
    let cooled = || {
        let mut world = World::new(&file);
        let failure = Failure::new(FailureClass::RateLimit, "429").until(Some(world.now_ms + 60_000));
        let check = Check { ok: false, version: None, latency_ms: 1, failure: Some(failure) };
        world.command(Command::AgentChecked { agent: "scripted".into(), check });
        for id in ["one", "two", "three"] {
            world.add(id, &format!("{id}/**"), &[]);
        }
        world.expect("two", ReasonCode::Cooling, "cooling until");
        world.now_ms += 90_000;
        world.take(Input::Tick);
        for id in ["one", "two", "three"] {
            world.worktree(id);
        }
        assert_eq!(at_work(&world), 1, "only one session probes the agent");
        world.expect("two", ReasonCode::Cooling, "session 1 shows whether scripted works again");
        world
    };
    let mut world = cooled();
    world.take(Input::SessionStarted { session: SessionId(1), pid: 42 });
    world.now_ms += PROBE_MS - 2_000;
    world.take(Input::Tick);
    assert_eq!(at_work(&world), 1);
    assert!(next_timer(&world.state, &world.memo).is_some(), "a timer is set for the end of the probe");
    world.take(Input::Tick);
    assert_eq!(at_work(&world), 3, "the probe has worked for long enough");

    let mut world = cooled();
    finish(&mut world, 1);
    assert_eq!(at_work(&world), 2, "the probe ended well");

    let mut world = cooled();
    world.take(Input::SessionStarted { session: SessionId(1), pid: 42 });
    let process = ProcessEnd { exit: Exit::Code(1), stop: None, awake_seconds: 1, survivors: 0 };
    world.take(Input::SessionExited { session: SessionId(1), process });
    world.now_ms += PROBE_MS;
    world.take(Input::Tick);
    assert_eq!(at_work(&world), 3, "a probe that fails does not hold the others for ever");
}
