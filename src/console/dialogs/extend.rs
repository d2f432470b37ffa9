//! Giving a session more minutes or commits.

use super::Dialog;
use super::note::Note;
use crate::console::Model;
use crate::console::msg::Effect;
use crate::domain::command::Command;
use crate::domain::ids::SessionId;

/// Opens it.
#[must_use]
pub fn open(model: &Model, session: SessionId) -> Box<dyn Dialog> {
    let above = vec!["Minutes, then commits: for example 15 2".to_owned()];
    let send = move |_: &Model, text: &str| {
        let numbers: Result<Vec<u32>, _> = text.split_whitespace().map(str::parse).collect();
        let numbers = numbers.map_err(|_| "two whole numbers are needed: minutes and commits".to_owned())?;
        let (minutes, commits) = match numbers[..] {
            [minutes] => (minutes, 0),
            [minutes, commits] => (minutes, commits),
            _ => return Err("two whole numbers are needed: minutes and commits".to_owned()),
        };
        let command = Command::SessionExtend { session, minutes, commits, tokens: 0, usd_micros: 0 };
        Ok(vec![Effect::ask(command, format!("extend session {session}"))])
    };
    let title = format!("Give session {session} more");
    Box::new(Note::new(model, title, format!("extend {session}"), above, Box::new(send)))
}
