//! The state of the pane of events.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use crate::data::EVENTS_MAX;
use paddock_ipc::EventLine;
use paddock_report::event_lines;

/// The state of the pane of events.
#[derive(Debug, Default)]
pub struct Local {
    /// Sequence number of the selected event; `None` follows the newest.
    pub at: Option<u64>,
    /// Filter text: only events that contain it are shown.
    pub filter: String,
    /// Index of the first event on the screen.
    pub(super) top: Cell<usize>,
    /// Lower-case text of each event, by its sequence number. An event never changes, and formatting all of
    /// them for every frame would make typing slow.
    texts: RefCell<HashMap<u64, String>>,
}

impl Local {
    /// Returns whether the text of an event contains `wanted`, which must be in lower case.
    pub(super) fn has(&self, line: &EventLine, wanted: &str) -> bool {
        let mut texts = self.texts.borrow_mut();
        // Texts of events that have left memory are dropped with the others: all are made again at little
        // cost.
        if texts.len() > 2 * EVENTS_MAX {
            texts.clear();
        }
        texts.entry(line.seq).or_insert_with(|| event_lines::human(line).to_lowercase()).contains(wanted)
    }
}
