//! Widening what an objective may change.

use super::Dialog;
use super::note::Note;
use crate::console::Model;
use crate::console::actions::order;
use crate::domain::ids::ObjectiveKey;
use crate::domain::operate::Order;

/// Opens it.
#[must_use]
pub fn open(model: &Model, objective: ObjectiveKey) -> Box<dyn Dialog> {
    let title = format!("Let {} change more paths", objective.id);
    let draft = format!("scope {objective}");
    let above = vec!["One glob on a line, for example src/session/**".to_owned()];
    let send = move |_: &Model, text: &str| {
        let globs: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        if globs.is_empty() {
            return Err("at least one glob is needed".to_owned());
        }
        Ok(vec![order(&objective, Order::Expand { globs }, "widen the scope of")])
    };
    Box::new(Note::new(model, title, draft, above, Box::new(send)))
}
