//! The vocabulary of Paddock: what exists in a workspace, and how events change it.
//!
//! A workspace has projects. A *project* is a git repository with settings and a merge queue. People, or a
//! planner, add *objectives* to it. An objective gets a branch, a worktree, and *sessions*, which are runs of
//! a coding agent. Finished work is reviewed, enters the *merge queue*, and lands on Paddock's *integration
//! ref* if the *gate*, the project's own commands, is green on the merge. Publishing then moves the user's
//! *target branch*.
//!
//! Everything that happens is an [`event`], and the [`state`] is the fold of all events. Nothing in this
//! crate does I/O, reads a clock or draws a random number, so that the supervisor, the console, the
//! simulators and a restart compute the same state. The crate `engine` decides what happens next; the crate
//! `store` keeps events and rows.
//!
//! # Where to start
//!
//! Read [`objective`] first: its [`Status`](objective::Status) and [`is_legal`](objective::is_legal) are the
//! life of a unit of work. Then [`session`], [`train`] (the merge queue) and [`gate`], which are the stations
//! on its way, and [`event`], the list of everything that can happen to them.
//! [`State::apply`](state::State::apply) connects events and state.
//!
//! # How the modules build on each other
//!
//! From the ground up, later groups using earlier ones:
//!
//! - [`ids`], [`path`], [`scope`], [`cut`], [`clock`]: names, paths, globs and their overlaps, cut texts,
//!   waits.
//! - [`settings`], [`agent`], [`failure`], [`usage`], [`budget`], [`markers`]: configuration; agents: health,
//!   failures, usage, limits per day.
//! - [`reason`], [`finding`], [`facts`], [`summary`], [`tamper`]: why something does not move; what git,
//!   reviews and agents report.
//! - [`objective`], [`operate`], [`session`]: units of work, people's orders about them, runs of agents.
//! - [`hierarchy`], [`plan`], [`planning`]: goals, milestones and phases; plans; the planner's state.
//! - [`gate`], [`verdicts`], [`train`], [`side_runs`], [`slot_tuning`], [`proof`]: gate runs and verdicts;
//!   the merge queue; other runs; parallel runs; proofs of landings.
//! - [`project`], [`bypass`]: a project with all of the above; work that did not pass the queue.
//! - [`event`], [`state`], `apply`, [`stored`]: facts, their fold, and events as the log stores them.
//! - [`command`], [`needs`], [`answers`]: requests of people; what waits for them; questions that the engine
//!   answers.
//!
//! Stored names never change: fields, variants and event types keep their serialized form when code is
//! renamed (`#[serde(rename)]`), since logs of earlier builds must stay readable.

pub mod agent;
pub mod answers;
pub(crate) mod apply;
pub mod budget;
pub mod bypass;
pub mod clock;
pub mod command;
pub mod cut;
pub mod event;
pub mod evidence;
pub mod facts;
pub mod failure;
pub mod finding;
pub mod gate;
pub mod hierarchy;
pub mod ids;
pub mod keeper;
pub mod markers;
pub mod marks;
pub mod needs;
pub mod objective;
pub mod operate;
pub mod path;
pub mod plan;
pub mod planning;
pub mod project;
pub mod proof;
pub mod reason;
pub mod refs;
pub mod scope;
pub mod session;
pub mod set_ups;
pub mod settings;
pub mod side_runs;
pub mod slot_tuning;
pub mod state;
pub mod stored;
pub mod summary;
pub mod tamper;
pub mod train;
pub mod usage;
pub mod verdicts;
