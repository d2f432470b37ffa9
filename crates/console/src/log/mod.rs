//! Logs as people read them: found again by byte offset, never held in memory, readable or as they are.
//!
//! [`Doc`] is a log: an index of its lines ([`index::LineIndex`]), what happened in it ([`entry::Entries`]), and the text of
//! the places that were looked at lately. [`View`] is one person's view of it. Neither reads a file: text that is
//! not at hand is wanted, and put in by the thread that reads logs on and looks through them, for a disk may
//! hang and the screen must not. [`Book`] holds the logs that are open.

mod ansi;
mod book;
mod cut;
mod doc;
mod draw;
mod entry;
mod follow;
mod index;
mod lens;
mod matcher;
mod order;
mod rows;
mod scripted;
mod seek;
mod source;
mod view;
mod watch;
mod wrap;

pub use ansi::Run;
pub(crate) use book::Book;
pub use book::Open;
pub use doc::{Chunk, Content, Doc, Mode, Raw, Shared, size};
pub use draw::draw;
pub(crate) use draw::grouped;
pub use entry::Entry;
pub use lens::{Place, Shown};
pub use matcher::Matcher;
pub use order::{Of, turn};
pub use rows::verb;
pub use seek::{Search, Step};
pub use source::Stream;
pub use view::View;
pub(crate) use watch::paged;
pub use watch::watch;

#[cfg(test)]
mod tests;
