//! Logs of sessions and gate runs, shown as a readable transcript or as raw lines.
//!
//! [`Doc`] is one log: an index of its lines ([`index::LineIndex`]), the entries of its transcript
//! ([`entry::Entries`]), and a cache of the text shown last. The full text stays on disk and is read by byte
//! offset. [`View`] is the scroll position, folds, filter and search of one pane.
//!
//! Neither reads a file, because a disk may hang and the screen must not. Missing text is recorded as wanted;
//! the follower thread ([`follow`]) reads it and fills it in. [`Book`] holds the open logs.

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
mod requests;
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
pub use requests::{LogId, lock_log};
pub use rows::verb;
pub use seek::{Search, Step};
pub use source::Stream;
pub use view::View;
pub(crate) use watch::paged;
pub use watch::watch;

#[cfg(test)]
mod tests;
