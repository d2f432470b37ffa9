//! What the pane remembers.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use crate::data::EVENTS_MAX;
use paddock_ipc::EventLine;
use paddock_report::row;

/// What the pane remembers.
#[derive(Debug, Default)]
pub struct Local {
    /// The number of the selected event; none: the newest, whatever comes.
    pub at: Option<u64>,
    /// Only lines with this in them.
    pub filter: String,
    pub(super) top: Cell<usize>,
    /// What the filter is held against, by the number of the event: an event never changes, and reading all of them
    /// anew for every frame would make typing slow.
    texts: RefCell<HashMap<u64, String>>,
}

impl Local {
    /// Whether the line of an event has this in it, whatever the case; `wanted` is in lower case.
    pub(super) fn has(&self, line: &EventLine, wanted: &str) -> bool {
        let mut texts = self.texts.borrow_mut();
        if texts.len() > 2 * EVENTS_MAX {
            texts.clear();
        }
        texts.entry(line.seq).or_insert_with(|| row::human(line).to_lowercase()).contains(wanted)
    }
}
