//! Set-ups of worktrees that fail: the engine is called directly, because its pauses are long.

use paddock_engine::decide::{next_timer, settled};
use paddock_engine::input::Input;
use paddock_model::ids::SessionId;
use paddock_model::objective::Status;
use paddock_model::path::RepoPath;
use paddock_model::reason::ReasonCode;
use paddock_model::session::{Exit, ProcessEnd};

use super::decisions::facts;
use crate::world::{World, key, slug};

const FILE: &str = "slug: web\nname: Web\nrepo_root: /r\nworktrees_root: /wt\ntarget_branch: main\nmax_parallel_sessions: 2\nworktree: {setup: npm ci}\nagents: [{id: scripted}]\n";

fn world(objectives: &[&str]) -> World {
    let mut world = World::new(FILE);
    for (place, name) in objectives.iter().enumerate() {
        world.add(name, &format!("src/{place}/**"), &[]);
        world.worktree(name);
    }
    // The second worktree may have been ordered after the first answers.
    for name in objectives {
        world.worktree(name);
    }
    world
}

impl World {
    fn open(&self) -> Vec<u64> {
        self.state.open_sessions().map(|session| session.id.0).collect()
    }

    fn exit(&mut self, session: u64, exit: Exit) {
        let session = SessionId(session);
        self.take(Input::SessionStarted { session, pid: 42 });
        let process = ProcessEnd { exit, stop: None, awake_seconds: 1, survivors: 0 };
        self.take(Input::SessionExited { session, process });
        let mut facts = facts('1', &[]);
        facts.commits.clear();
        self.take(Input::Harvested { session, facts: Ok(Box::new(facts)) });
    }

    fn fail_open(&mut self) {
        for session in self.open() {
            self.exit(session, Exit::SetupFailed("exit status 1: ECONNRESET".to_owned()));
        }
    }

    /// Lets the time pass, timer by timer, until a session starts.
    fn wait(&mut self) {
        for _ in 0..20 {
            self.now_ms = next_timer(&self.state, &self.memo).unwrap() - 1_000;
            self.take(Input::Tick);
            if !self.open().is_empty() {
                return;
            }
        }
    }
}

#[test]
fn a_set_up_that_fails_for_all_holds_the_project_by_name_and_one_session_at_a_time_tries_it() {
    let mut world = world(&["one", "two", "three"]);
    assert_eq!(world.open().len(), 2);
    // One failure alone stops nobody: the third objective takes the free slot.
    while !world.open().is_empty() {
        world.fail_open();
    }
    let project = world.state.project(&slug()).unwrap();
    let held = project.set_up_hold().unwrap();
    assert!(held.text.contains("npm ci") && held.text.contains("ECONNRESET"), "{held:?}");
    assert!(paddock_engine::decide::waiting(&world.state, &world.memo).is_empty());
    assert_eq!(settled(&world.state, &world.memo), None);
    for _ in 0..3 {
        world.wait();
        assert_eq!(world.open().len(), 1, "one try");
        world.fail_open();
    }
    world.wait();
    let session = SessionId(world.open()[0]);
    world.take(Input::SessionStarted { session, pid: 42 });
    world.take(Input::SetUpDone { session });
    let project = world.state.project(&slug()).unwrap();
    assert!(project.set_up_hold().is_none() && project.set_ups.trouble.is_none());
    assert_eq!(world.open().len(), 2, "the others start while that agent works");
    for name in ["one", "two", "three"] {
        let objective = world.state.objective(&key(name)).unwrap();
        assert_eq!((objective.retries, objective.status == Status::NeedsReview), (0, false), "{name}");
    }
}

#[test]
fn a_person_is_asked_after_a_long_time_and_the_tries_go_on() {
    let mut world = world(&["one"]);
    let asks = |world: &World| {
        let waiting = paddock_engine::decide::waiting(&world.state, &world.memo);
        waiting.iter().any(|need| need.reason.code == ReasonCode::SetupFailing)
    };
    let mut tries = 1;
    world.fail_open();
    while !asks(&world) {
        world.wait();
        world.fail_open();
        tries += 1;
        assert!(tries < 20);
    }
    assert_eq!(world.state.objective(&key("one")).unwrap().status, Status::Ready);
    assert!(settled(&world.state, &world.memo).is_some());
    world.wait();
    let session = world.open()[0];
    world.exit(session, Exit::Code(1));
    assert!(!asks(&world) && world.state.project(&slug()).unwrap().set_up_hold().is_none());
}

#[test]
fn a_set_up_that_fails_for_one_objective_alone_is_that_objectives_own() {
    let mut world = world(&["one", "two"]);
    let [first, second] = world.open()[..] else { panic!("{:?}", world.open()) };
    world.exit(first, Exit::SetupFailed("exit status 3".to_owned()));
    world.exit(second, Exit::Code(1));
    let failing = world.state.session(SessionId(first)).unwrap().objective.clone();
    for _ in 0..9 {
        if world.state.objective(&failing).unwrap().status == Status::NeedsReview {
            break;
        }
        world.wait();
        for session in world.open() {
            let is_failing = world.state.session(SessionId(session)).unwrap().objective == failing;
            let exit = if is_failing { Exit::SetupFailed("exit status 3".to_owned()) } else { Exit::Code(1) };
            world.exit(session, exit);
        }
    }
    let objective = world.state.objective(&failing).unwrap();
    assert_eq!(objective.reason.as_ref().map(|reason| reason.code), Some(ReasonCode::SetupFailed));
    assert_eq!(objective.retries, 0);
}

#[test]
fn a_branch_with_what_the_set_up_made_goes_back_unless_its_scope_names_another_version() {
    let cases: [(&str, &[&str], &[&str], Status); 4] = [
        ("**", &["node_modules"], &[], Status::Ready),
        ("**", &[], &["gen/a.rs"], Status::Ready),
        ("gen/**", &["gen/a.rs"], &[], Status::Ready),
        ("gen/**", &[], &["gen/a.rs"], Status::Queued),
    ];
    for (scope, committed, changed, wanted) in cases {
        let mut world = World::new(FILE);
        world.add("one", scope, &[]);
        world.worktree("one");
        let session = SessionId(world.open()[0]);
        let mut found = facts('a', &[committed, changed].concat());
        found.set_up.committed = committed.iter().map(|path| RepoPath::new(path.as_bytes())).collect();
        found.set_up.changed = changed.iter().map(|path| RepoPath::new(path.as_bytes())).collect();
        world.take(Input::SessionStarted { session, pid: 42 });
        let process = ProcessEnd { exit: Exit::Code(0), stop: None, awake_seconds: 1, survivors: 0 };
        world.take(Input::SessionExited { session, process });
        world.take(Input::Harvested { session, facts: Ok(Box::new(found)) });
        let objective = world.state.objective(&key("one")).unwrap();
        assert_eq!(objective.status, wanted, "{scope} {committed:?} {changed:?}");
        let is_sent_back = format!("{:?}", objective.next.feedback).contains("worktree.setup");
        assert_eq!(is_sent_back, wanted == Status::Ready);
    }
}
