//! Commands at moments that pass too fast to be caught in a real run: the engine is called directly.

use paddock_engine::decide::{Decision, outstanding};
use paddock_engine::effect::Effect;
use paddock_engine::input::{CandidateAnswer, ChainMade, Input};
use paddock_model::command::{Command, Reply};
use paddock_model::event::{Dropped, Fact};
use paddock_model::facts::{CommitFacts, HarvestFacts, LeftBehind, UnsearchedFact};
use paddock_model::failure::{Failure, FailureClass};
use paddock_model::finding::FindingCode;
use paddock_model::gate::CommandResult;
use paddock_model::ids::{AgentId, SessionId};
use paddock_model::objective::Status;
use paddock_model::operate::{Order, SpecEdit};
use paddock_model::path::RepoPath;
use paddock_model::session::{Exit, ProcessEnd, Stop};
use paddock_model::train::Link;
use paddock_model::usage::{Account, Usage};

use crate::world::{World, commit, key, slug};

const FILE: &str = "slug: web\nname: Web\nrepo_root: /r\nworktrees_root: /wt\ntarget_branch: main\nmax_parallel_sessions: 1\nrecovery: {max_retries: 0, expand: []}\nworktree: {copy: [\".env\"]}\nagents: [{id: scripted}]\n";

fn exited(code: i32) -> ProcessEnd {
    ProcessEnd { exit: Exit::Code(code), stop: None, awake_seconds: 1, survivors: 0 }
}

pub(super) fn facts(head: char, paths: &[&str]) -> HarvestFacts {
    let made = CommitFacts {
        commit: commit(head),
        summary: "work".to_owned(),
        paths: 1,
        is_merge: false,
        is_empty: false,
    };
    HarvestFacts {
        head: commit(head),
        commits: vec![made],
        net_paths: paths.iter().map(|path| RepoPath::new(path.as_bytes().to_vec())).collect(),
        set_up: paddock_model::facts::SetUpFacts::default(),
        uncommitted: Vec::new(),
        bad_links: Vec::new(),
        left_behind: Vec::new(),
        salvage: None,
        head_elsewhere: None,
        tampered: Vec::new(),
        marks: Vec::new(),
        stash_taken: Vec::new(),
        integrator_paths: Vec::new(),
        secrets: Vec::new(),
        unsearched: Vec::new(),
        summary: None,
        account: Account::default(),
    }
}

impl World {
    fn order(&mut self, objective: &str, order: Order) -> Decision {
        let by = "alice".into();
        self.take(Input::Command(Box::new(Command::Objective { objective: key(objective), order, by })))
    }

    fn refused(&mut self, objective: &str, order: Order) -> String {
        let decision = self.order(objective, order);
        assert!(decision.events.is_empty(), "a refused order made events: {:?}", decision.events);
        decision.reply.unwrap().unwrap_err().text
    }

    fn good(&mut self, objective: &str, order: Order) -> Decision {
        let decision = self.order(objective, order);
        let reply: &Reply = decision.reply.as_ref().unwrap();
        assert!(reply.is_ok(), "{reply:?}");
        decision
    }

    /// Adds an objective and reports its worktree as made.
    fn begin(&mut self, name: &str, scope: &str, depends_on: &[&str]) {
        self.add(name, scope, depends_on);
        self.worktree(name);
    }

    /// Lets a session start, exit with code 0, and be harvested with these facts.
    fn finish(&mut self, session: u64, facts: HarvestFacts) {
        let session = SessionId(session);
        self.take(Input::SessionStarted { session, pid: 42 });
        self.take(Input::SessionExited { session, process: exited(0) });
        self.take(Input::Harvested { session, facts: Ok(Box::new(facts)) });
    }

    /// Reports the merge of the first entry as made, as the effect does.
    fn merged(&mut self) {
        let entry = self.state.project(&slug()).unwrap().train.entries[0].id;
        let links = vec![Link { entry, commit: commit('c'), tree: commit('d') }];
        let sealed = !self.state.project(&slug()).unwrap().settings.verify.is_empty();
        let made = ChainMade { sealed, ..nothing_made() };
        let answer = CandidateAnswer::Made(Box::new(ChainMade { links, ..made }));
        let (members, onto) = (vec![entry], commit('1'));
        self.take(Input::CandidateAnswered { project: slug(), members, onto, ahead: false, answer });
    }

    fn status(&self, name: &str) -> Status {
        self.state.objective(&key(name)).unwrap().status
    }
}

fn nothing_made() -> ChainMade {
    ChainMade {
        onto_tree: commit('0'),
        links: Vec::new(),
        separate: Vec::new(),
        sealed: false,
        conflicts: Vec::new(),
        moved: Vec::new(),
    }
}

const GATE: &str = "verify: [{name: tests, run: \"true\"}]\n";

#[test]
fn no_order_changes_an_objective_that_is_landing() {
    let mut world = World::new(FILE);
    world.begin("one", "src/**", &[]);
    world.finish(1, facts('a', &["src/a"]));
    world.merged();
    let train = &world.state.project(&slug()).unwrap().train;
    assert!(train.is_landing(train.entries[0].id), "{train:?}");
    let note = || Some("now".to_owned());
    let orders = [
        Order::Skip,
        Order::Pause,
        Order::Cancel,
        Order::Escalate { note: note() },
        Order::Approve { note: note(), head: None },
    ];
    for order in orders {
        let said = world.refused("one", order.clone());
        assert!(said.contains("one is landing: nothing was changed"), "{order:?}: {said}");
    }
    for order in [
        Order::Retry { note: None },
        Order::Resume,
        Order::Reject { note: "no".into(), is_final: true },
        Order::Expand { globs: vec!["x/**".into()] },
        Order::Delete,
    ] {
        world.refused("one", order);
    }
    assert_eq!(world.status("one"), Status::Queued);
}

#[test]
fn an_objective_that_leaves_the_queue_stops_its_gate_run() {
    let mut world = World::new(&format!("{FILE}{GATE}"));
    world.begin("one", "src/**", &[]);
    world.finish(1, facts('a', &["src/a"]));
    world.merged();
    let gate = world.state.open_gates().next().unwrap().id;
    let decision = world.good("one", Order::Cancel);
    assert!(decision.effects.contains(&Effect::StopGate { gate }), "{:?}", decision.effects);
    let dropped = |fact: &Fact| matches!(fact, Fact::EntryDropped { why: Dropped::Withdrawn, .. });
    assert!(decision.events.iter().any(|event| dropped(&event.fact)));
    assert!(world.state.project(&slug()).unwrap().train.entries.is_empty());
    let late = CommandResult { took_ms: 1, ..CommandResult::new("tests", Exit::Code(1)) };
    world.take(Input::GateExited { gate, results: Some(vec![late]), from_nothing: false });
    assert_eq!(world.status("one"), Status::Cancelled, "a late verdict changes nothing");
}

#[test]
fn a_session_that_is_being_stopped_keeps_its_slot_and_its_worktree() {
    let mut world = World::new(FILE);
    world.begin("one", "src/**", &[]);
    world.begin("two", "docs/**", &[]);
    world.take(Input::SessionStarted { session: SessionId(1), pid: 42 });
    let decision = world.good("one", Order::Cancel);
    let stop = Effect::StopSession { session: SessionId(1), stop: Stop::Human, now: false };
    assert_eq!(decision.effects, [stop], "`two` has to wait for the slot");
    assert_eq!(world.status("one"), Status::Cancelled);
    let again = Effect::StopSession { session: SessionId(1), stop: Stop::Human, now: true };
    assert!(outstanding(&world.state).contains(&again), "after a restart the session is stopped at once");
    assert!(world.refused("one", Order::Cancel).contains("cancelled already"));
    let said = world.good("one", Order::Retry { note: Some("again".into()) }).reply.unwrap().unwrap().text;
    assert!(said.contains("when session 1 has ended"), "{said}");
    assert_eq!(world.status("one"), Status::Ready);
    let killed = ProcessEnd { stop: Some(Stop::Human), ..exited(1) };
    world.take(Input::SessionExited { session: SessionId(1), process: killed });
    world.take(Input::Harvested { session: SessionId(1), facts: Ok(Box::new(facts('a', &["src/a"]))) });
    let one = world.state.objective(&key("one")).unwrap();
    assert_eq!(one.head, Some(commit('a')), "the stopped session was harvested");
    assert_eq!(one.operated.note.as_ref().unwrap().text, "again", "the note is for the next session");
    assert_eq!(world.state.open_sessions().count(), 1);
}

#[test]
fn an_agent_that_falls_silent_while_it_waits_for_its_provider_has_met_a_limit() {
    for stop in [Stop::Waiting, Stop::Stalled] {
        let mut world = World::new(FILE);
        world.begin("one", "src/**", &[]);
        let session = SessionId(1);
        world.take(Input::SessionStarted { session, pid: 42 });
        let limit = Failure::new(FailureClass::RateLimit, "Reconnecting... 1/5 (429)");
        if stop == Stop::Waiting {
            // A wait without an end is reported once it has lasted too long.
            let (usage, waits) = (Usage::default(), Some(limit.clone()));
            let decision = world.take(Input::SessionReported { session, usage, waits });
            assert_eq!(decision.effects, [Effect::StopSession { session, stop, now: false }]);
        }
        let process = ProcessEnd { exit: Exit::Signal(15), stop: Some(stop), ..exited(0) };
        world.take(Input::SessionExited { session, process });
        let account = Account { failure: Some(limit), ..Account::default() };
        let facts = HarvestFacts { commits: Vec::new(), account, ..facts('1', &[]) };
        world.take(Input::Harvested { session, facts: Ok(Box::new(facts)) });
        // No retry is allowed here, and none was spent.
        assert_eq!(world.status("one"), Status::Ready, "{stop:?}");
        let health = world.state.agent_health(&"scripted".into()).unwrap();
        assert!(health.cooldown.is_some(), "{stop:?}");
    }
}

#[test]
fn a_session_whose_program_stayed_after_its_end_counts_by_what_it_left() {
    let mut world = World::new(FILE);
    world.begin("one", "src/**", &[]);
    let session = SessionId(1);
    world.take(Input::SessionStarted { session, pid: 42 });
    let process = ProcessEnd { exit: Exit::Signal(2), stop: Some(Stop::Finished), ..exited(0) };
    world.take(Input::SessionExited { session, process });
    world.take(Input::Harvested { session, facts: Ok(Box::new(facts('a', &["src/a"]))) });
    assert_eq!(world.status("one"), Status::Queued);
}

#[test]
fn a_file_that_was_not_searched_for_secrets_waits_for_a_person_who_may_accept_it() {
    let mut world = World::new(FILE);
    world.begin("one", "src/**", &[]);
    let path = Some(RepoPath::new("src/dump.bin"));
    let left = UnsearchedFact { commit: commit('a'), path };
    world.finish(1, HarvestFacts { unsearched: vec![left], ..facts('a', &["src/dump.bin"]) });
    assert_eq!(world.status("one"), Status::NeedsReview);
    let harvest = world.state.session(SessionId(1)).unwrap().harvest.clone().unwrap();
    let finding = &harvest.findings[0];
    assert_eq!(finding.code, FindingCode::Unsearched);
    assert!(finding.text.contains("`src/dump.bin`") && finding.text.contains("approve one"), "{finding:?}");
    world.good("one", Order::Approve { note: None, head: None });
    assert_eq!(world.status("one"), Status::Queued);
}

#[test]
fn what_could_not_be_brought_home_is_named_to_the_agent_and_a_person_may_accept_it() {
    let mut world = World::new(FILE);
    world.begin("one", "src/**", &[]);
    let left = |path: &str, reason: &str| LeftBehind { path: path.into(), reason: reason.to_owned() };
    let left_behind =
        vec![left("src/big.bin", "its content is nowhere"), left("src/x", "its commit is not here")];
    world.finish(1, HarvestFacts { left_behind, ..facts('a', &["src/big.bin", "src/x"]) });
    assert_eq!(world.status("one"), Status::NeedsReview);
    let harvest = world.state.session(SessionId(1)).unwrap().harvest.clone().unwrap();
    let finding = &harvest.findings[0];
    assert_eq!(
        (finding.code, finding.paths.len(), finding.names_its_paths()),
        (FindingCode::LeftBehind, 2, true)
    );
    assert!(
        finding.text.contains("(`src/big.bin`: its content is nowhere, `src/x`: its commit"),
        "{finding:?}"
    );
    assert_eq!(serde_json::to_value(finding.code).unwrap(), "left_behind");
    world.good("one", Order::Approve { note: None, head: None });
    assert_eq!(world.status("one"), Status::Queued);
}

#[test]
fn an_approval_covers_the_head_that_the_person_saw_but_never_copied_files() {
    let mut world = World::new(FILE);
    world.begin("one", "src/**", &[]);
    world.finish(1, facts('a', &["src/a", ".env"]));
    assert_eq!(world.status("one"), Status::NeedsReview);
    let said = world.refused("one", Order::Approve { note: None, head: None });
    assert!(said.contains("cannot be approved") && said.contains("reject one --note"), "{said}");

    world.begin("two", "docs/**", &[]);
    world.finish(2, facts('b', &["src/b"]));
    world.good("two", Order::Approve { note: None, head: Some(commit('e')) });
    let entry = world.state.project(&slug()).unwrap().train.entries[0].clone();
    assert_eq!(entry.head, commit('b'), "the entry is pinned to the head that was reviewed");
    let moved = ChainMade { moved: vec![entry.id], ..nothing_made() };
    let moved = CandidateAnswer::Made(Box::new(moved));
    world.take(Input::CandidateAnswered {
        project: slug(),
        members: vec![entry.id],
        ahead: false,
        onto: commit('1'),
        answer: moved,
    });
    assert_eq!(world.status("two"), Status::Review);
    world.take(Input::Harvested { session: SessionId(2), facts: Ok(Box::new(facts('e', &["src/b"]))) });
    assert_eq!(world.status("two"), Status::Queued, "the approval covers the head that the person saw");
    let entry = world.state.project(&slug()).unwrap().train.entries[0].clone();
    let moved = ChainMade { moved: vec![entry.id], ..nothing_made() };
    let moved = CandidateAnswer::Made(Box::new(moved));
    world.take(Input::CandidateAnswered {
        project: slug(),
        members: vec![entry.id],
        ahead: false,
        onto: commit('1'),
        answer: moved,
    });
    world.take(Input::Harvested { session: SessionId(2), facts: Ok(Box::new(facts('f', &["src/b"]))) });
    assert_eq!(world.status("two"), Status::NeedsReview, "a later head is reviewed anew");
}

#[test]
fn an_objective_that_could_not_be_reviewed_cannot_be_approved() {
    let mut world = World::new(FILE);
    world.begin("one", "src/**", &[]);
    let session = SessionId(1);
    world.take(Input::SessionStarted { session, pid: 42 });
    world.take(Input::SessionExited { session, process: exited(0) });
    world.take(Input::Harvested { session, facts: Err("the folder is gone".into()) });
    assert_eq!(world.status("one"), Status::NeedsReview);
    let said = world.refused("one", Order::Approve { note: None, head: Some(commit('a')) });
    assert!(said.contains("could not be read or reviewed"), "{said}");
}

#[test]
fn a_branch_is_reviewed_again_when_its_scope_was_narrowed_during_a_pause() {
    let mut world = World::new(FILE);
    world.begin("one", "src/**", &[]);
    world.take(Input::Command(Box::new(Command::QueueHold { project: slug() })));
    world.finish(1, facts('a', &["src/a"]));
    assert_eq!(world.status("one"), Status::Queued);
    let scope = |glob: &str| SpecEdit { path_scope: Some(vec![glob.to_owned()]), ..SpecEdit::default() };
    let narrow = || Order::Edit { edit: Box::new(scope("docs/**")) };
    assert!(world.refused("one", narrow()).contains("pause one"));
    world.good("one", Order::Pause);
    world.good("one", narrow());
    let decision = world.good("one", Order::Resume);
    assert!(decision.effects.contains(&Effect::Harvest { session: SessionId(1) }));
    world.take(Input::Harvested { session: SessionId(1), facts: Ok(Box::new(facts('a', &["src/a"]))) });
    assert_eq!(world.status("one"), Status::NeedsReview);
}

#[test]
fn an_objective_that_waited_for_a_person_still_does_after_pause_and_resume() {
    let mut world = World::new(FILE);
    world.begin("one", "src/**", &[]);
    world.good("one", Order::Escalate { note: Some("which?".into()) });
    world.good("one", Order::Pause);
    world.good("one", Order::Resume);
    let one = world.state.objective(&key("one")).unwrap();
    assert_eq!(one.status, Status::NeedsReview);
    assert!(one.reason.as_ref().unwrap().text.contains("which?"), "{:?}", one.reason);
}

#[test]
fn a_retried_objective_waits_for_its_scope_again() {
    let mut world = World::new(FILE);
    world.begin("one", "src/**", &[]);
    world.finish(1, facts('a', &["docs/a"]));
    assert_eq!(world.status("one"), Status::NeedsReview);
    world.begin("two", "src/**", &[]);
    assert_eq!(world.status("two"), Status::Active);
    world.good("one", Order::Retry { note: None });
    world.take(Input::Tick);
    assert_eq!(world.status("one"), Status::Ready, "`two` works in the same scope");
}

#[test]
fn a_worker_takes_its_agents_in_turn_and_skips_one_that_cannot_be_started() {
    let mut world = World::new(FILE);
    let mut settings = world.state.project(&slug()).unwrap().settings.clone();
    let own = settings.agents[0].clone();
    settings.agents.extend(
        ["a", "b", "c"].map(|id| paddock_model::settings::AgentSettings { id: id.into(), ..own.clone() }),
    );
    settings.max_parallel_sessions = 9;
    settings.workers[0].agents = ["a", "b", "c"].map(AgentId::from).to_vec();
    settings.workers[0].strategy = paddock_model::settings::Strategy::RoundRobin;
    world.take(Input::ConfigRead { project: slug(), settings: Ok(Box::new(settings)) });
    for name in ["one", "two", "three", "four"] {
        world.begin(name, &format!("{name}/**"), &[]);
    }
    let used: Vec<&str> = world.state.sessions().map(|session| session.agent.as_str()).collect();
    assert_eq!(used, ["a", "b", "c", "a"]);
    let session = SessionId(4);
    world.take(Input::SessionExited {
        session,
        process: ProcessEnd { exit: Exit::NotStarted("not found".into()), ..exited(0) },
    });
    world.take(Input::Harvested {
        session,
        facts: Ok(Box::new(HarvestFacts { commits: Vec::new(), ..facts('1', &[]) })),
    });
    let used: Vec<&str> = world.state.sessions().map(|session| session.agent.as_str()).collect();
    assert_eq!(used, ["a", "b", "c", "a", "b"]);
}
