//! Settings and objectives of simulated projects.

use std::collections::BTreeMap;

use paddock_model::facts::{RepositoryFacts, TrustRecord};
use paddock_model::ids::{ObjectId, ObjectiveId, ProjectSlug};
use paddock_model::objective::ObjectiveSpec;
use paddock_model::settings::*;

use super::sim::Size;
use crate::rng::Rng;

pub(super) fn slug(number: usize) -> ProjectSlug {
    ProjectSlug::new(format!("p{number}")).unwrap()
}

fn agent(id: &str) -> AgentSettings {
    AgentSettings {
        id: id.into(),
        name: id.to_owned(),
        command: CommandTemplate { words: vec![id.to_owned()], shell: false },
        resume: None,
        cli_command: id.to_owned(),
        stdin: StdinRule::None,
        transcript: "plain".to_owned(),
        stop_signal: "TERM".to_owned(),
        env: BTreeMap::new(),
        planner: false,
        plans: false,
        enabled: true,
        description: String::new(),
    }
}

fn worker(id: &str, role: Role) -> WorkerSettings {
    WorkerSettings {
        id: id.into(),
        name: id.to_owned(),
        role,
        strategy: Strategy::Priority,
        agents: vec!["one".into(), "two".into()],
        template: "session-worker.md".to_owned(),
    }
}

pub(super) fn settings(rng: &mut Rng, calm: bool) -> ProjectSettings {
    let gate = GateCommand::new("tests", "true", 5);
    let manual = !calm && rng.percent(15);
    ProjectSettings {
        name: "Simulated".to_owned(),
        description: String::new(),
        repo_root: "/repo".to_owned(),
        worktrees_root: "/worktrees".to_owned(),
        target_branch: "main".to_owned(),
        enabled: true,
        max_parallel_sessions: u32::try_from(1 + rng.below(3)).unwrap(),
        integrator_only_patterns: Vec::new(),
        path_scope: ScopeRule::Enforce,
        path_conflicts: if rng.percent(70) { OverlapRule::Serialize } else { OverlapRule::Allow },
        shared_patterns: vec!["CHANGELOG.md".to_owned()],
        session_defaults: SessionDefaults {
            scope_level: ScopeLevel::Small,
            max_commits: 3,
            max_minutes: 30,
            max_tokens: (!calm && rng.percent(20)).then(|| 1_500 + rng.below(3_000) as u64),
            max_usd: None,
            stall_minutes: 20,
            finish_seconds: 30,
            planner_agent: None,
        },
        recovery: RecoverySettings {
            max_retries: if calm { 6 } else { u32::try_from(rng.below(4)).unwrap() },
            expand: vec!["docs/**".to_owned()],
            max_expansions: 0,
            max_sessions: if calm { 20 } else { u32::try_from(2 + rng.below(6)).unwrap() },
        },
        workplace: Workplace::default(),
        worktree: WorktreeSettings {
            copy: Vec::new(),
            setup: None,
            setup_timeout_minutes: 1,
            seed: Vec::new(),
        },
        ports: PortSettings::default(),
        verify: if rng.percent(80) { vec![gate] } else { Vec::new() },
        gate: GateSettings::default(),
        queue: QueueSettings {
            slots: if rng.percent(60) {
                Slots::Auto
            } else {
                Slots::Count(2 + u32::try_from(rng.below(3)).unwrap())
            },
            strict: rng.percent(15),
            flaky_retries: 1,
            canary: !calm && rng.percent(10),
            clean: false,
        },
        land: LandSettings {
            publish: if manual { PublishRule::Manual } else { PublishRule::Auto },
            push: (!calm && rng.percent(20)).then(|| "origin".to_owned()),
        },
        test_patterns: None,
        planner: PlannerSettings {
            agent: PlannerChoice::Auto,
            approval: ApprovalRule::Auto,
            context_files: Vec::new(),
        },
        budget: super::agents::budget(rng, calm),
        disk: DiskSettings { min_free_gb: 1.0, session_log_mb: 1, worktrees_gb: None },
        sign: false,
        notify: Vec::new(),
        agents: vec![agent("one"), agent("two")],
        workers: vec![worker("implementer", Role::Implementer), worker("integrator", Role::Integrator)],
    }
}

pub(super) fn repository(number: usize, target: ObjectId) -> RepositoryFacts {
    let trust = TrustRecord { entries: Vec::new() };
    RepositoryFacts {
        root: format!("/repo{number}"),
        common_dir: format!("/repo{number}/.git"),
        bare: false,
        target,
        trust,
    }
}

/// Returns the number of objectives at the start of a run.
pub(super) fn count(rng: &mut Rng, size: Size) -> usize {
    match size {
        Size::Mixed if rng.percent(4) => 8 + rng.below(40),
        Size::Small | Size::Mixed => 2 + rng.below(6),
        Size::Large => 40 + rng.below(261),
    }
}

/// Returns the dependencies of an objective: older ones, near or far, so that chains, fans and nets arise.
fn dependencies(rng: &mut Rng, number: usize) -> Vec<usize> {
    if number < 8 {
        return (0..number).filter(|_| rng.percent(100 / (number + 1).max(3))).collect();
    }
    let far = *rng.pick(&[1, 4, 20, number]);
    let mut found: Vec<usize> = (0..rng.below(4)).map(|_| number - 1 - rng.below(far.min(number))).collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// Returns `count` objectives, numbered from `first`. Each depends only on older ones, so there are no
/// cycles.
pub(super) fn objectives(rng: &mut Rng, first: usize, count: usize) -> Vec<(ObjectiveId, ObjectiveSpec)> {
    let id = |number: usize| ObjectiveId::new(format!("o{number}")).unwrap();
    (first..first + count)
        .map(|number| {
            let depends_on = dependencies(rng, number).into_iter().map(id).collect();
            let area = rng.below(4 + (first + count) / 8);
            let path_scope = match rng.below(10) {
                0 => Vec::new(),
                1 => vec![format!("area{area}/**"), format!("area{}/**", (area + 1) % 4)],
                _ => vec![format!("area{area}/**")],
            };
            let spec = ObjectiveSpec {
                title: format!("Objective {number}"),
                description: String::new(),
                acceptance_criteria: Vec::new(),
                path_scope,
                depends_on,
                context_refs: Vec::new(),
                worker: if rng.percent(15) { "integrator" } else { "implementer" }.into(),
                priority: i32::try_from(rng.below(3)).unwrap() - 1,
                max_commits: None,
                max_minutes: None,
                phase: None,
            };
            (id(number), spec)
        })
        .collect()
}
