//! The one table of settings: every key of a project file, with its type, range, default and meaning.
//!
//! The reader, the JSON Schema, `config show`, `config example` and docs/configuration.md are made from it. A new key
//! is one row here, one field in `model::settings`, and the line of the reader that fills this field. The tests of this
//! module fail when one of them is missing.

mod kind;
mod lists;
mod project;
mod row;
mod sections;
#[cfg(test)]
pub(super) mod tests;

pub(super) use kind::{ID_PATTERN, Kind};
pub(super) use lists::*;
pub(super) use project::*;
pub(super) use row::{Key, Map, Row, Setting, Unset, Usual, inline, key};
pub(super) use sections::*;

/// Makes a static of each row, and the list of all of them: only what is in the list can be read.
macro_rules! rows {
    ($list:ident: $( $name:ident: $type:ty = $row:expr; )*) => {
        $( pub(crate) static $name: $type = $row; )*
        pub(crate) static $list: &[&dyn crate::table::Row] = &[$( &$name ),*];
    };
}
use rows;

/// Every row, in the order in which people read them; the keys of a section follow the section.
pub(super) fn all() -> impl Iterator<Item = &'static dyn Row> {
    [PROJECT, SECTIONS, LISTS].into_iter().flatten().copied()
}

/// The rows directly below a section (`recovery`), a list's items (`agents[]`), or the file itself (empty).
pub(super) fn below(parent: &str) -> impl Iterator<Item = &'static dyn Row> {
    all().filter(move |row| row.setting().parent() == parent)
}
