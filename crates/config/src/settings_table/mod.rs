//! The table of settings: every key of a project file, with its type, range, default and meaning.
//!
//! The reader, the JSON Schema, `config show`, `config example` and docs/configuration.md are made from this
//! table, so that they cannot disagree. To add a key, add a row here, a field in `model::settings`, and the
//! line of the reader that fills the field; then run the tests with `PADDOCK_WRITE_DOCS=1`. The tests of this
//! module fail if one of them is missing.

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

/// Defines a static for each row, and the list of all rows. A row can only be written within the list, so
/// that no key is read that the schema and the reference do not have.
macro_rules! rows {
    ($list:ident: $( $name:ident: $type:ty = $row:expr; )*) => {
        $( pub(crate) static $name: $type = $row; )*
        pub(crate) static $list: &[&dyn crate::settings_table::Row] = &[$( &$name ),*];
    };
}
use rows;

/// Returns every row in the order of the documentation; a section comes before its keys.
pub(super) fn all() -> impl Iterator<Item = &'static dyn Row> {
    [PROJECT, SECTIONS, LISTS].into_iter().flatten().copied()
}

/// Returns the rows directly below a section (`recovery`), a list's items (`agents[]`), or the file itself
/// (empty).
pub(super) fn below(parent: &str) -> impl Iterator<Item = &'static dyn Row> {
    all().filter(move |row| row.setting().parent() == parent)
}
