//! The dialogs, one file each. The topmost dialog receives every key.

pub(crate) mod confirm;
mod dialog;
pub(crate) mod extend;
pub(crate) mod form;
pub mod goal;
pub(crate) mod help;
pub(crate) mod judge;
pub(crate) mod objective;
pub(crate) mod output;
pub(crate) mod palette;
pub(crate) mod priority;
pub(crate) mod quit;
pub(crate) mod scope;

#[cfg(test)]
mod tests;

pub use dialog::{Dialog, Step};
