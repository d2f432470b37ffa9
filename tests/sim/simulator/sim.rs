//! One run: a supervisor gets inputs one by one, can be killed between any two steps, and is started again.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use paddock_engine::decide::{Memo, next_timer, step};
use paddock_engine::effect::Effect;
use paddock_engine::input::{Input, Panicked};
use paddock_model::command::{Command, StopMode};
use paddock_model::event::Event;
use paddock_model::ids::ProjectSlug;
use paddock_model::state::State;

use super::checks::{self, Seen};
use super::git::Repo;
use super::rows::Rows;
use super::world::World;
use super::{effects, people, planning, setup};
use crate::rng::{Rng, mix};

/// Number of objectives at the start of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Size {
    /// At most seven.
    Small,
    /// Sometimes dozens.
    Mixed,
    /// Up to three hundred.
    Large,
}

/// The kind of a run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kind {
    /// Whether agents do the same in every run, users do nothing, and nothing outside fails.
    pub calm: bool,
    /// Whether supervisors are killed.
    pub crashes: bool,
    /// Whether there is a goal, and a planner for it.
    pub planner: bool,
    /// Whether clocks jump, machines sleep, and disks fill up.
    pub wild: bool,
    /// How many objectives there are.
    pub size: Size,
    /// Number of steps before the quiet end.
    pub steps: usize,
}

/// A run.
pub(super) struct Sim {
    pub rng: Rng,
    /// Generator for settings and objectives, which must not depend on the course of the run.
    pub plan: Rng,
    pub kind: Kind,
    pub state: State,
    pub memo: Memo,
    pub world: World,
    pub pool: Vec<Effect>,
    /// Effects that have panicked. Each panics at most once, since three panics would hold its project.
    pub panicked: BTreeSet<String>,
    pub rows: Rows,
    pub folded: State,
    pub seen: Seen,
    pub now_ms: i64,
    pub quiet: bool,
    pub stopping: Option<StopMode>,
    pub story: Option<VecDeque<String>>,
    pub story_lines: usize,
    /// Steps that shrinking leaves out.
    pub skipped: BTreeSet<usize>,
    /// The current step.
    pub at: usize,
    /// Offset of the user's time zone from UTC, in milliseconds.
    pub zone_ms: i64,
    /// How many more times the user changes the target branch during the quiet end.
    pub last_words: usize,
}

impl Sim {
    pub(super) fn new(seed: u64, kind: Kind, story_lines: usize) -> Self {
        let mut rng = Rng::new(seed);
        let projects = if !kind.calm && rng.percent(20) { 2 } else { 1 };
        let repos = (0..projects).map(|n| (setup::slug(n), Repo::new(seed * 10 + n as u64))).collect();
        let world = World {
            repos,
            jobs: BTreeMap::new(),
            gates: BTreeMap::new(),
            inbox: Vec::new(),
            green: BTreeSet::new(),
            in_the_way: BTreeSet::new(),
            faults: !kind.calm,
            now_ms: 1_700_000_000_000,
            awake_ms: 0,
            disk_full: false,
            adopted: Vec::new(),
            is_up: false,
            seed,
        };
        Self {
            rng,
            plan: Rng::new(seed ^ 0x5EED),
            kind,
            state: State::default(),
            memo: planning::memo(kind),
            world,
            pool: Vec::new(),
            panicked: BTreeSet::new(),
            rows: Rows::default(),
            folded: State::default(),
            seen: Seen::default(),
            now_ms: 1_700_000_000_000,
            quiet: false,
            stopping: None,
            story: (story_lines > 0).then(VecDeque::new),
            story_lines,
            skipped: BTreeSet::new(),
            at: 0,
            zone_ms: 0,
            last_words: 0,
        }
    }

    /// Adds a line to the story. The line is formatted only if the story is kept.
    pub(super) fn say(&mut self, line: impl FnOnce() -> String) {
        if let Some(story) = &mut self.story {
            story.push_back(line().chars().take(700).collect());
            if story.len() > self.story_lines {
                story.pop_front();
            }
        }
    }

    /// Handles one input as the supervisor's kernel does: decide, store, then order effects. A kill can
    /// happen before and after the store.
    pub(super) fn take(&mut self, input: Input) -> Result<(), String> {
        self.say(|| format!("input  {input:?}"));
        let crash = if self.kind.crashes && !self.quiet { self.rng.below(150) } else { 150 };
        let is_jump = matches!(input, Input::ClockJumped { .. });
        self.seen.beliefs.begin(&input);
        let decision = step(&mut self.state, &mut self.memo, input, self.now_ms);
        for event in &decision.events {
            self.say(|| format!("         event  {:?}", event.fact));
        }
        if crash == 0 {
            self.say(|| "-------- killed before anything was stored".to_owned());
            if is_jump {
                self.world.misjudge();
            }
            return self.restart();
        }
        self.store(&decision.events)?;
        checks::after_step(self, &decision.events)?;
        checks::kept(&decision.events, &decision.effects)?;
        if crash == 1 {
            self.say(|| "-------- killed before any effect".to_owned());
            return self.restart();
        }
        if let Some(Err(refusal)) = &decision.reply {
            self.say(|| format!("         refused: {refusal}"));
        }
        // The modelled folders have no caches, so an order to keep them has nothing to do and no turn to take.
        let to_do =
            decision.effects.into_iter().filter(|effect| !matches!(effect, Effect::KeepCaches { .. }));
        for effect in to_do {
            self.say(|| format!("         effect {effect:?}"));
            self.pool.push(effect);
        }
        Ok(())
    }

    fn store(&mut self, events: &[Event]) -> Result<(), String> {
        let touched = self.state.take_touched();
        let stored = self.rows.commit(&self.state, events, &touched)?;
        for event in &stored {
            self.seen.beliefs.on_event(&self.folded, event)?;
            self.folded.apply(event);
        }
        let _ = self.folded.take_touched();
        Ok(())
    }

    /// Kills the supervisor with its memory, lets the world change without one for a while, and starts
    /// another from the stored rows.
    pub(super) fn restart(&mut self) -> Result<(), String> {
        self.world.supervisor_gone();
        self.pool.clear();
        self.memo = planning::memo(self.kind);
        self.stopping = None;
        self.state = self.rows.load()?;
        checks::reloaded(self)?;
        if self.kind.wild && !self.quiet && self.rng.percent(10) {
            self.now_ms += self.rng.ms(43_200_000) - 3_600_000;
            self.world.misjudge();
            self.say(|| "the clock jumps while no supervisor runs".to_owned());
        }
        for _ in 0..self.rng.below(6) {
            self.world.advance(&mut self.rng, &self.state);
            if !self.quiet && !self.kind.calm && self.rng.percent(20) {
                people::disturb(self);
            }
        }
        self.world.is_up = true;
        self.take(Input::Started { pid: 1, version: "simulated".to_owned() })
    }

    /// Plays the whole run: first the random steps, then the quiet end.
    pub(super) fn run(&mut self) -> Result<(), String> {
        self.world.is_up = true;
        let crashes = std::mem::replace(&mut self.kind.crashes, false);
        self.take(Input::Started { pid: 1, version: "simulated".to_owned() })?;
        let projects: Vec<ProjectSlug> = self.world.repos.keys().cloned().collect();
        for (number, project) in projects.into_iter().enumerate() {
            self.add(number, project)?;
        }
        self.kind.crashes = crashes;
        for at in 0..self.kind.steps {
            if self.begin(at) {
                self.turn()?;
            }
        }
        self.begin(self.kind.steps);
        super::finale::play(self)
    }

    /// Starts a step with a generator of its own, so that leaving out another step does not change this one.
    /// Returns `false` if this step is left out.
    pub(super) fn begin(&mut self, at: usize) -> bool {
        self.at = at;
        self.rng = Rng::new(mix(self.world.seed) ^ mix(at as u64));
        !self.skipped.contains(&at)
    }

    fn add(&mut self, number: usize, project: ProjectSlug) -> Result<(), String> {
        let mut settings = Box::new(setup::settings(&mut self.plan, self.kind.calm));
        if self.kind.size == Size::Large {
            settings.max_parallel_sessions += u32::try_from(self.plan.below(20)).unwrap();
        }
        if self.kind.planner {
            planning::allow_planning(&mut settings, &mut self.plan, self.kind);
        }
        let repository = setup::repository(number, self.world.repos[&project].target.clone().unwrap());
        let count = setup::count(&mut self.plan, self.kind.size);
        let objectives = setup::objectives(&mut self.plan, 0, count);
        let add = Command::ProjectAdd { project: project.clone(), settings, repository };
        self.take(Input::Command(Box::new(add)))?;
        let add = Command::ObjectivesAdd { project: project.clone(), objectives };
        self.take(Input::Command(Box::new(add)))?;
        if self.kind.planner {
            let nodes = planning::goal(&mut self.plan);
            self.take(Input::Command(Box::new(Command::NodesImport { project, nodes })))?;
        }
        Ok(())
    }

    /// Lets one thing happen, chosen by the seed.
    pub(super) fn turn(&mut self) -> Result<(), String> {
        let is_troubled = !self.kind.calm && !self.quiet;
        match self.rng.below(100) {
            0..=29 => self.execute(),
            30..=64 => self.deliver(),
            65..=84 => {
                self.world.now_ms = self.now_ms;
                self.world.advance(&mut self.rng, &self.state);
                Ok(())
            }
            85..=89 => super::clock::pass(self),
            90..=92 if is_troubled => {
                people::disturb(self);
                Ok(())
            }
            93..=94 if is_troubled => {
                let input = people::ask(self);
                self.take(input)
            }
            97 if is_troubled && self.kind.planner => {
                let projects: Vec<ProjectSlug> = self.world.repos.keys().cloned().collect();
                let project = self.rng.pick(&projects).clone();
                let command = planning::ask(&mut self.rng, project);
                self.take(Input::Command(Box::new(command)))
            }
            95 if is_troubled && self.rng.percent(15) => self.stop(),
            96 if self.kind.crashes && !self.quiet && self.rng.percent(40) => {
                self.say(|| "-------- killed".to_owned());
                self.restart()
            }
            _ => Ok(()),
        }?;
        self.stop_when_over()
    }

    /// Runs an effect: the first one with the key of a randomly chosen effect.
    pub(super) fn execute(&mut self) -> Result<(), String> {
        if self.pool.is_empty() {
            return Ok(());
        }
        let key = effects::executor_key(&self.pool[self.rng.below(self.pool.len())]);
        let first = self.pool.iter().position(|effect| effects::executor_key(effect) == key).unwrap();
        let effect = self.pool.remove(first);
        self.world.now_ms = self.now_ms;
        self.say(|| format!("does   {effect:?}"));
        if self.kind.wild
            && !self.quiet
            && self.rng.below(100) == 0
            && self.panicked.insert(format!("{effect:?}"))
        {
            return self.panic(effect);
        }
        effects::run(&mut self.world, &mut self.rng, &self.state, effect, self.kind.calm)?;
        if self.kind.crashes && !self.quiet && self.rng.below(120) == 0 {
            self.say(|| "-------- killed after the effect, before its result was delivered".to_owned());
            return self.restart();
        }
        Ok(())
    }

    /// Lets an effect panic, either before it has done anything, or after all of it and before its result.
    fn panic(&mut self, effect: Effect) -> Result<(), String> {
        self.say(|| "         and panics".to_owned());
        if self.rng.percent(50) {
            let inbox = self.world.inbox.clone();
            effects::run(&mut self.world, &mut self.rng, &self.state, effect.clone(), self.kind.calm)?;
            self.world.inbox = inbox;
        }
        let (doing, problem) = (format!("{effect:?}"), "on purpose".to_owned());
        self.world.inbox.push(Input::Panicked(Panicked {
            project: None,
            doing,
            effect: Some(effect),
            problem,
        }));
        Ok(())
    }

    /// Delivers one of the waiting results, in any order and some of them twice.
    pub(super) fn deliver(&mut self) -> Result<(), String> {
        if self.world.inbox.is_empty() {
            return Ok(());
        }
        let chosen = self.rng.below(self.world.inbox.len());
        let input = self.world.inbox.remove(chosen);
        if !self.quiet && self.rng.percent(5) {
            self.world.inbox.push(input.clone());
        }
        // Progress reports can be lost. Results of effects are lost only when the supervisor dies.
        let is_hint = matches!(
            input,
            Input::CommitsSeen { .. }
                | Input::SessionReported { .. }
                | Input::BranchSeen { .. }
                | Input::SetUpDone { .. }
        );
        if is_hint && !self.quiet && !self.kind.calm && self.rng.percent(15) {
            self.say(|| format!("lost   {input:?}"));
            return Ok(());
        }
        self.take(input)
    }

    fn stop(&mut self) -> Result<(), String> {
        if self.stopping.is_some() {
            return Ok(());
        }
        let mode = *self.rng.pick(&[StopMode::Graceful, StopMode::Now, StopMode::Leave]);
        self.take(Input::Stop(mode))?;
        self.stopping = self.memo.stopping;
        Ok(())
    }

    /// Ends a stopping supervisor once its sessions have ended, or at once if it leaves them to their
    /// keepers.
    fn stop_when_over(&mut self) -> Result<(), String> {
        let Some(mode) = self.stopping else { return Ok(()) };
        let is_busy = self.state.open_sessions().next().is_some() || !self.pool.is_empty();
        if is_busy && mode != StopMode::Leave {
            return Ok(());
        }
        self.take(Input::Stopped(mode))?;
        self.say(|| "-------- stopped gracefully".to_owned());
        self.restart()
    }

    /// Finishes everything in progress, in random order. Fails if that takes too many turns: then something
    /// loops.
    pub(super) fn settle(&mut self) -> Result<(), String> {
        let turns = 20_000 + 3_000 * self.state.objectives().count();
        for _ in 0..turns {
            super::finale::last_word(self);
            let is_idle = self.pool.is_empty() && self.world.inbox.is_empty();
            match self.rng.below(3) {
                0 => self.execute()?,
                1 => self.deliver()?,
                _ => {
                    let has_moved = self.world.advance(&mut self.rng, &self.state);
                    if is_idle && !has_moved && !self.sleep()? {
                        return Ok(());
                    }
                }
            }
        }
        Err("endless: something never settles in the quiet end".to_owned())
    }

    /// Sleeps until something is due. Returns `false` if nothing ever will be.
    fn sleep(&mut self) -> Result<bool, String> {
        if let Some(at_ms) = self.world.next_deadline() {
            let passed_ms = (at_ms - self.world.awake_ms).max(0);
            self.world.awake_ms += passed_ms;
            self.now_ms += passed_ms;
            return Ok(true);
        }
        if super::clock::looked_around(self)? {
            return Ok(true);
        }
        let due = next_timer(&self.state, &self.memo);
        let Some(at_ms) = due else { return Ok(false) };
        if at_ms - self.now_ms > super::clock::WAIT_MAX_MS {
            return Err(format!("clock: nothing happens before {at_ms}, and it is {}", self.now_ms));
        }
        let before = (self.state.counters().seq, self.pool.len());
        let was_due = at_ms <= self.now_ms;
        self.now_ms = self.now_ms.max(at_ms);
        self.take(Input::Tick)?;
        let is_same = before == (self.state.counters().seq, self.pool.len());
        let still = next_timer(&self.state, &self.memo).is_some_and(|at_ms| at_ms <= self.now_ms);
        if is_same && was_due && still {
            return Err(format!("a timer that was due at {at_ms} causes nothing and stays due"));
        }
        Ok(true)
    }
}
