//! Adding a goal: title on the first line, description below.

use super::Dialog;
use super::note::Note;
use crate::console::Model;
use crate::console::msg::Effect;
use crate::domain::command::Command;
use crate::domain::hierarchy::{AimKey, AimOrder, Level};
use crate::domain::ids::{AimId, nearest_id};

/// Opens it.
///
/// # Errors
/// Why no goal can be added.
pub fn open(model: &Model) -> Result<Box<dyn Dialog>, String> {
    let project = model.project.clone().ok_or("there is no project yet")?;
    let above = vec!["The first line is the title, the rest says what it is about.".to_owned()];
    let send = move |_: &Model, text: &str| {
        let (title, description) = text.trim().split_once('\n').unwrap_or((text.trim(), ""));
        if title.is_empty() {
            return Err("a goal needs a title".to_owned());
        }
        let id = AimId::new(nearest_id(title)).map_err(|error| error.to_string())?;
        let aim = AimKey { project: project.clone(), level: Level::Goal, id };
        let order = AimOrder::Add {
            title: title.to_owned(),
            description: description.trim().to_owned(),
            parent: None,
        };
        Ok(vec![Effect::ask(Command::Aim { aim, order }, format!("add goal {title}"))])
    };
    Ok(Box::new(Note::new(model, "Add a goal".to_owned(), "goal".to_owned(), above, Box::new(send))))
}
