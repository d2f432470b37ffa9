//! The console: a full-screen terminal client of the supervisor.
//!
//! # The loop
//! One thread owns the [`Model`] and the terminal. It receives a [`Msg`], calls
//! [`update()`](update::update), runs the [`Effect`]s that `update` returns, and
//! draws at most one frame ([`frame`]) before it waits for the next message:
//!
//! ```text
//! keys, signals, facts, answers, jobs ──▶ Msg ──▶ update(&mut Model) ──▶ effects
//!                                                      │
//!                                                      └──▶ draw(&Model) ──▶ terminal
//! ```
//!
//! `update` and the views never block, read a file or start a program; work that does is an effect. A slow
//! disk or a busy supervisor therefore cannot freeze the screen.
//!
//! # The threads
//!
//! | thread | what it does | sends |
//! |---|---|---|
//! | main ([`run`]) | owns model and terminal | |
//! | `input` (`input`) | reads keys, pastes and the mouse | [`Msg::Key`] and others |
//! | `signals` (`input`) | waits for signals | [`Msg::Signal`] |
//! | `facts` ([`store_feed`]) | reads the database, follows the supervisor's socket | [`Msg::Facts`] |
//! | `asks` (`worker`) | sends commands to the supervisor, one at a time | [`Msg::Answered`] |
//! | `job` (`worker`) | one thread per [`Job`] | [`Msg::Apply`] |
//! | the log follower (`log::follow`) | reads, filters and searches the logs on the screen | [`Msg::Stream`] |
//!
//! All of them send over one bounded channel ([`msg::messages`]).
//!
//! # The layers
//! From bottom to top. A file imports files of lower layers and of its own; no more than three files import
//! each other in a cycle. One such cycle is intended: the model, its messages ([`msg`]), and the trait of a
//! dialog, since the model holds the open dialogs.
//!
//! | layer | modules |
//! |---|---|
//! | rendering and parsing, without the console's state | [`Error`], `text`, [`theme`], [`graph`], [`keymap`], [`data`], `finder`, [`log`] except `log::watch` and `log::follow` |
//! | parts of the state | `panes::PaneId`, `panes/*/state.rs` in [`panes::Locals`], [`commands`], `ahead` |
//! | the state | [`Model`], [`msg`], [`dialogs::Dialog`] |
//! | queries and traits | [`layout`], `log::watch`, `actions::order`, the trait `panes::Pane`, the type [`actions::Action`] |
//! | one file per pane, dialog and group of actions | [`panes`], [`dialogs`], then the actions that open them |
//! | tables | `panes::pane`, [`actions::TABLE`] |
//! | the whole screen | [`frame`], [`update`], [`onboarding`] |
//! | threads and I/O | [`run`], [`store_feed`], `worker`, `terminal` |
//!
//! # Where to add something
//! - **A pane** is one file in [`panes`]: a unit struct that implements `panes::Pane`. `view` is required.
//!   The other methods have defaults: `heading`, `on` (handles a `panes::Verb` for the focused pane), `hints`
//!   (action names that come first in the footer), `target` (the objective or session that actions apply to),
//!   `copy`, `paged` (the text that `v` opens), `settle` (what to fetch after the model has changed), `logs`
//!   (the logs to follow). A pane keeps its state in a struct `Local` in `state.rs` of its folder, a field of
//!   [`panes::Locals`]. The six panes of the main screen are numbered; the others are *covers*: each fills
//!   the whole body ([`Model::cover`]) until `Esc`.
//! - **A dialog** is one file in [`dialogs`]: a struct that implements [`dialogs::Dialog`]. It keeps its own
//!   state, receives every key while it is open, and returns effects when it closes. Open it with
//!   [`Model::open`].
//! - **An action** is one row of [`actions::TABLE`]: its name, keys, title and group, a function that says
//!   whether it is available and why not, and the function that runs it. Keys, footer, help, palette and
//!   docs/keys.md are made from the table.
//! - **Facts** are in [`data::Facts`]: the folded [`State`](paddock_model::state::State), recent events and
//!   gauges. [`data::Digest`] holds values derived from them once per change, so that drawing a frame stays
//!   cheap.
//! - **Slow work** is an [`Effect`]: `Ask` sends a command to the supervisor, `Job` runs a closure on its own
//!   thread and sends back a closure that changes the model, `Foreground` lends the terminal to a program. A
//!   long-lived thread, such as the log follower, is started by a job, keeps [`World::messages`], and sends
//!   [`Msg::Apply`].
//! - **Colours and glyphs** come from [`theme::Theme`] only. Text from outside goes through [`text`], which
//!   measures its display width and keeps control characters away from the terminal.

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
pub use run::{ConsoleError, Opening, file_faults, open};
