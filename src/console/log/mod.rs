//! Logs as people read them: found again by byte offset, never held in memory, readable or as they are.
//!
//! [`Doc`] is a log: an index of its lines ([`LineIndex`]), what happened in it ([`Entries`]), and the text of
//! any place, read when it is looked at. [`View`] is one person's view of it. Both are pure but for the bytes
//! that [`Bytes`] gives. [`Book`] holds those that are open; a thread of its own reads them on and looks
//! through them.

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
mod rows;
mod scripted;
mod seek;
mod source;
mod view;
mod wrap;

pub use ansi::Run;
pub use book::{Book, Open, watch};
pub use doc::{Chunk, Content, Doc, Mode, Raw, Shared, size};
pub use draw::{draw, grouped};
pub use entry::{Body, Entries, Entry};
pub use follow::{Of, SharedLog, turn};
pub use index::LineIndex;
pub use lens::{Lens, Place, Shown};
pub use matcher::Matcher;
pub use rows::{ScreenRow, verb};
pub use seek::{Filter, HITS_MAX, Search, Step};
pub use source::{Bytes, Stream, files};
pub use view::View;

#[cfg(test)]
mod tests;
