//! A project in memory whose inputs the engine decides one by one, for moments that pass too fast in a real
//! run.

use std::path::Path;

use paddock_config::project_file::parse;
use paddock_config::resolve::Surroundings;
use paddock_engine::decide::{Decision, Memo, step};
use paddock_engine::input::Input;
use paddock_model::command::Command;
use paddock_model::facts::{RepositoryFacts, TrustRecord};
use paddock_model::ids::{ObjectId, ObjectiveId, ObjectiveKey, ProjectSlug};
use paddock_model::objective::ObjectiveSpec;
use paddock_model::state::State;

/// The engine's state, and a clock that moves by one second with each input.
pub(crate) struct World {
    pub(crate) state: State,
    pub(crate) memo: Memo,
    pub(crate) now_ms: i64,
}

/// The slug of the only project.
pub(crate) fn slug() -> ProjectSlug {
    ProjectSlug::new("web").unwrap()
}

/// The key of an objective.
pub(crate) fn key(id: &str) -> ObjectiveKey {
    ObjectiveKey { project: slug(), id: ObjectiveId::new(id).unwrap() }
}

/// The commit whose hash is this digit forty times.
pub(crate) fn commit(digit: char) -> ObjectId {
    ObjectId::new(digit.to_string().repeat(40)).unwrap()
}

impl World {
    /// Makes a world with the project of this file, whose integration ref is at commit `1`.
    pub(crate) fn new(file: &str) -> Self {
        let file = parse(file.as_bytes(), "projects/web.yaml", None, Path::new("/"), None).unwrap();
        let around =
            Surroundings { head_branch: "main", repository_file: None, agreed: None, on_path: &|_| false };
        let settings = Box::new(file.resolve(&around).unwrap().settings);
        let repository = RepositoryFacts {
            root: "/r".into(),
            common_dir: "/r/.git".into(),
            bare: false,
            target: commit('1'),
            trust: TrustRecord { entries: Vec::new() },
        };
        let mut world = Self { state: State::default(), memo: Memo::default(), now_ms: 1_000_000 };
        world.command(Command::ProjectAdd { project: slug(), settings, repository });
        world.take(Input::IntegrationMade { project: slug(), tip: Ok(commit('1')) });
        world
    }

    /// Decides an input.
    pub(crate) fn take(&mut self, input: Input) -> Decision {
        self.now_ms += 1000;
        let decision = step(&mut self.state, &mut self.memo, input, self.now_ms);
        assert!(self.state.check_index());
        decision
    }

    /// Decides a command, which must not be refused.
    pub(crate) fn command(&mut self, command: Command) {
        self.take(Input::Command(Box::new(command))).reply.unwrap().unwrap();
    }

    /// Adds an objective.
    pub(crate) fn add(&mut self, id: &str, scope: &str, depends_on: &[&str]) {
        let spec = ObjectiveSpec {
            title: format!("标题 of {id}"),
            description: String::new(),
            acceptance_criteria: Vec::new(),
            path_scope: vec![scope.to_owned()],
            depends_on: depends_on.iter().map(|id| ObjectiveId::new(*id).unwrap()).collect(),
            context_refs: Vec::new(),
            worker: "implementer".into(),
            priority: 0,
            max_commits: None,
            max_minutes: None,
            phase: None,
        };
        self.command(Command::ObjectivesAdd { project: slug(), objectives: vec![(key(id).id, spec)] });
    }

    /// Reports the worktree of an objective as made.
    pub(crate) fn worktree(&mut self, id: &str) {
        self.take(Input::WorktreeAnswered { objective: key(id), epoch: 1, result: Ok(()) });
    }
}
