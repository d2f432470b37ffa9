//! Actions that leave the console or change its use of the terminal.

use crate::Model;
use crate::dialogs::quit::Quit;
use crate::msg::{Effect, QuitHow};

pub(super) fn quit(model: &mut Model, _argument: Option<&str>) -> Vec<Effect> {
    if model.is_in_progress() {
        model.open(Box::new(Quit::default()));
        return Vec::new();
    }
    vec![Effect::Quit(QuitHow::Leave)]
}

pub(super) fn mouse(model: &mut Model, _argument: Option<&str>) -> Vec<Effect> {
    model.mouse = !model.mouse;
    let message = if model.mouse { "the mouse is on; Shift-drag selects text" } else { "the mouse is off" };
    model.say(message.to_owned());
    vec![Effect::Mouse(model.mouse)]
}
