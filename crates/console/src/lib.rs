//! The console: a full-screen client of the supervisor.
//!
//! One loop ([`run`]): messages come in over one channel (keys, what happened, answers, results of jobs), each
//! changes the [`Model`] and gives [`Effect`]s out ([`update`]), and then at most one frame is drawn ([`frame`]).
//! Nothing in `update` or in a view waits, reads a file or starts a program: that is what effects are for.
//!
//! # The layers
//! From bottom to top; a file imports what stands below it, and files of its own layer. No more than three files import
//! each other in a circle. One such circle is meant: the model, what goes in and out ([`msg`]), and the trait of a
//! dialog, which the model holds open.
//!
//! | layer | what is in it |
//! |---|---|
//! | words and pictures | [`Error`], `text`, [`theme`], [`graph`], [`keymap`], [`data`], `finder`, [`log`] but for `log::watch` and `log::follow`: nothing of the console's state |
//! | what is remembered | `panes::PaneId`, `panes/*/state.rs` in [`panes::Locals`], [`commands`], `ahead` |
//! | the state | [`Model`], [`msg`], [`dialogs::Dialog`] |
//! | what is asked of it | [`layout`], `log::watch`, `actions::order`, the trait `panes::Pane`, the type [`actions::Action`] |
//! | one file each | [`panes`], [`dialogs`], then the actions that open them |
//! | tables | `panes::pane`, [`actions::TABLE`] |
//! | the whole | [`frame`], [`update`], [`onboarding`] |
//! | the world | [`run`], [`store_feed`], `worker`, `terminal` |
//!
//! # The seams
//! - **A pane** is one file in [`panes`], a unit struct that implements `panes::Pane`: `view`, and as far as
//!   it needs them `heading`, `on` (a `panes::Verb` that a key meant for the focused pane), `hints` (names of
//!   actions, first in the footer), `target` (what the actions act upon), `copy`, `paged` (what `v` opens),
//!   `settle` (what to fetch now that the model has changed), `logs` (which logs are read on). What it remembers is
//!   a `Local` struct in a file `state.rs` in its folder, a field of [`panes::Locals`]. The six panes of the main
//!   screen have numbers; the others are *covers*: they lie over the whole body ([`Model::cover`]) until `Esc`.
//! - **A dialog** is one file in [`dialogs`], a struct that implements [`dialogs::Dialog`]; it keeps its own
//!   state, gets every key while it is open, and ends with effects. Open it with [`Model::open`].
//! - **An action** is one row of [`actions::TABLE`]: name, keys, title, group, whether it can be done now and
//!   why not, and the function that does it. Keys, footer, help, palette and docs/keys.md come from the table.
//! - **Facts** are in [`data::Facts`]: the folded [`State`](paddock_model::state::State), recent events and
//!   gauges; [`data::Digest`] holds what is derived from them once per change, so that views stay cheap.
//! - **Whatever takes time** is an [`Effect`]: `Ask` sends a command to the supervisor, `Job` runs a closure on
//!   a thread of its own and brings back a closure that changes the model, `Foreground` hands the terminal to a
//!   program. A thread that goes on (following a log) is started by a job, keeps [`World::messages`], and sends
//!   [`Msg::Apply`].
//! - **Colours and glyphs** come from [`theme::Theme`] only; text from outside goes through [`text`], so that it
//!   has its right width and no control character reaches the terminal.

pub mod actions;
pub(crate) mod ahead;
pub(crate) mod clipboard;
pub mod commands;
pub mod data;
pub mod dialogs;
pub(crate) mod error;
pub(crate) mod finder;
pub(crate) mod footer;
pub mod frame;
pub(crate) mod frame_rate;
pub mod graph;
pub(crate) mod header;
pub(crate) mod input;
pub mod keymap;
pub mod layout;
pub mod log;
pub(crate) mod memory;
pub(crate) mod model;
pub mod msg;
pub mod onboarding;
pub mod panes;
pub(crate) mod programs;
pub(crate) mod ring;
pub(crate) mod run;
pub mod store_feed;
pub(crate) mod terminal;
#[cfg(test)]
pub(crate) mod testing;
pub(crate) mod text;
pub mod theme;
pub mod update;
pub(crate) mod worker;

pub use error::{Error, Refused};
pub use model::Model;
pub use msg::{Ask, Effect, Job, Msg, QuitHow, World};
pub use run::{ConsoleError, Opening, open};
