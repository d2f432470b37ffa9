//! Adding an objective: title on the first line, description below.

use super::Dialog;
use super::note::Note;
use crate::console::Model;
use crate::console::msg::Effect;
use crate::domain::command::Command;
use crate::domain::ids::{ObjectiveId, nearest_id};
use crate::domain::objective::ObjectiveSpec;

/// Opens it.
///
/// # Errors
/// Why no objective can be added.
pub fn open(model: &Model) -> Result<Box<dyn Dialog>, String> {
    let project = model.project.clone().ok_or("there is no project yet")?;
    let above = vec!["The first line is the title, the rest says what is to be done.".to_owned()];
    let send = move |_: &Model, text: &str| {
        let (title, description) = text.trim().split_once('\n').unwrap_or((text.trim(), ""));
        if title.is_empty() {
            return Err("an objective needs a title".to_owned());
        }
        let id = ObjectiveId::new(nearest_id(title)).map_err(|error| error.to_string())?;
        let spec = ObjectiveSpec {
            title: title.to_owned(),
            description: description.trim().to_owned(),
            acceptance_criteria: Vec::new(),
            path_scope: Vec::new(),
            depends_on: Vec::new(),
            context_refs: Vec::new(),
            worker: "implementer".to_owned(),
            priority: 0,
            max_commits: None,
            max_minutes: None,
            phase: None,
        };
        let command = Command::ObjectivesAdd { project: project.clone(), objectives: vec![(id, spec)] };
        Ok(vec![Effect::ask(command, format!("add {title}"))])
    };
    Ok(Box::new(Note::new(
        model,
        "Add an objective".to_owned(),
        "objective".to_owned(),
        above,
        Box::new(send),
    )))
}
