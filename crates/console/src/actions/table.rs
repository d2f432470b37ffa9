//! The table of all actions.

use super::Argument::{Asked, None as Nothing, Optional};
use super::Group::{Decide, Leave, Look, Move, Steer};
use super::{Action, Argument, Group, available, decide, land, leave, look, motion, steer};
use crate::Model;
use crate::error::Refused;
use crate::msg::Effect;
use crate::panes::Verb;

type Available = fn(&Model) -> Result<(), Refused>;
type Run = fn(&mut Model, Option<&str>) -> Vec<Effect>;

/// Builds a row. The first tuple is name, default keys, and the short form for the footer.
const fn row(
    (name, keys, short): (&'static str, &'static [&'static str], &'static str),
    title: &'static str,
    group: Group,
    argument: Argument,
    available: Available,
    run: Run,
) -> Action {
    Action { name, keys, short, title, group, destructive: false, argument, available, run }
}

const fn destructive(mut action: Action) -> Action {
    action.destructive = true;
    action
}

/// Every action. Help and palette list them in this order, within their groups.
pub static TABLE: &[Action] = &[
    // Look. `help` and `palette` get the table as an argument:
    // the dialogs must not import it, since it imports them.
    row(
        ("help", &["?"], "help"),
        "Show every key and what it does here",
        Look,
        Nothing,
        available::always,
        |m, _| look::help(m, TABLE),
    ),
    row(
        ("palette", &[":"], "commands"),
        "Find and run any action or command",
        Look,
        Optional("WORDS"),
        available::always,
        |m, typed| look::palette(m, TABLE, typed),
    ),
    row(
        ("find", &["/"], "find"),
        "Filter the list of this pane, or search its text",
        Look,
        Optional("TEXT"),
        available::always,
        look::find,
    ),
    row(
        ("filter", &["&"], "only"),
        "Show only the lines that match",
        Look,
        Optional("TEXT"),
        available::always,
        look::filter,
    ),
    row(("next", &["n"], "next"), "Go to the next match", Look, Nothing, available::always, |m, _| {
        motion::verb(m, Verb::Found(1))
    }),
    row(
        ("previous", &["N"], "previous"),
        "Go to the previous match",
        Look,
        Nothing,
        available::always,
        |m, _| motion::verb(m, Verb::Found(-1)),
    ),
    row(
        ("zoom", &["z"], "zoom"),
        "Enlarge this pane to the whole screen, or restore it",
        Look,
        Nothing,
        available::always,
        look::zoom,
    ),
    row(
        ("explain", &["E"], "explain"),
        "Explain why the objective waits and what clears it",
        Look,
        Nothing,
        available::objective,
        look::explain,
    ),
    row(
        ("diff", &["d"], "diff"),
        "Show what the objective's branch changes",
        Look,
        Nothing,
        available::objective,
        look::diff,
    ),
    row(
        ("log", &["l"], "log"),
        "Go to the log of the objective's session",
        Look,
        Nothing,
        available::log,
        look::log,
    ),
    row(
        ("planner-log", &["ctrl-p"], "planner's log"),
        "Go to the log of the newest planner run",
        Look,
        Nothing,
        available::always,
        look::planner_log,
    ),
    row(
        ("grid", &["L"], "sessions"),
        "Show every running session side by side",
        Look,
        Nothing,
        available::always,
        look::grid,
    ),
    row(
        ("timeline", &["T"], "timeline"),
        "Show the sessions of the last hours as bars",
        Look,
        Nothing,
        available::always,
        look::timeline,
    ),
    row(
        ("follow", &["f"], "follow"),
        "Follow the log, or stop following it",
        Look,
        Nothing,
        available::always,
        |m, _| motion::verb(m, Verb::Follow),
    ),
    row(
        ("raw", &["u"], "raw"),
        "Switch the log between readable and raw",
        Look,
        Nothing,
        available::always,
        |m, _| motion::verb(m, Verb::Raw),
    ),
    row(
        ("fold", &["space"], "fold"),
        "Fold or unfold the selected row",
        Look,
        Nothing,
        available::always,
        |m, _| motion::verb(m, Verb::Fold),
    ),
    row(
        ("wrap", &["W"], "wrap"),
        "Wrap long lines of the log, or cut them",
        Look,
        Nothing,
        available::always,
        // Only the log pane has lines to wrap, so the verb is its own.
        |m, _| motion::verb(m, Verb::Own("wrap")),
    ),
    row(
        ("copy", &["y"], "copy"),
        "Copy the selected id, line or text",
        Look,
        Nothing,
        available::always,
        look::copy,
    ),
    row(
        ("open", &["v"], "open"),
        "Open the log or diff in $PAGER or $EDITOR",
        Look,
        Nothing,
        available::always,
        look::open,
    ),
    row(
        ("shell", &["!"], "shell"),
        "Open a shell in the objective's worktree",
        Look,
        Nothing,
        available::worktree,
        look::shell,
    ),
    row(
        ("project", &["Q"], "project"),
        "Show another project",
        Look,
        Optional("SLUG"),
        available::always,
        look::project,
    ),
    row(
        ("messages", &["M"], "messages"),
        "Show the earlier messages of the console",
        Look,
        Nothing,
        available::always,
        look::messages,
    ),
    // Decide.
    row(
        ("retry", &["r"], "retry"),
        "Start another session on the objective, with a note",
        Decide,
        Asked("NOTE"),
        available::retry,
        decide::retry,
    ),
    row(
        ("approve", &["A"], "approve"),
        "Approve the objective; the gate still has to pass",
        Decide,
        Asked("NOTE"),
        available::approve,
        decide::approve,
    ),
    row(
        ("reject", &["R"], "reject"),
        "Send the objective back with a note on what is wrong",
        Decide,
        Asked("NOTE"),
        available::reject,
        decide::reject,
    ),
    destructive(row(
        ("skip", &["s"], "skip"),
        "Give the objective up; its dependents do not wait",
        Decide,
        Nothing,
        available::set_aside,
        decide::skip,
    )),
    row(
        ("escalate", &["e"], "escalate"),
        "Stop work on the objective until a person decides",
        Decide,
        Asked("NOTE"),
        available::set_aside,
        decide::escalate,
    ),
    // Steer.
    row(
        ("goal-add", &["a"], "goal"),
        "Add a goal",
        Steer,
        Asked("TITLE"),
        available::project,
        steer::goal_add,
    ),
    row(
        ("objective-add", &["o"], "objective"),
        "Add an objective",
        Steer,
        Asked("TITLE"),
        available::project,
        steer::objective_add,
    ),
    row(
        ("plan", &["m"], "plan"),
        "Plan now, or show the plan that waits for you",
        Steer,
        Nothing,
        available::project,
        land::plan_now,
    ),
    row(
        ("publish", &["U"], "publish"),
        "Publish landed work to the target branch now",
        Steer,
        Nothing,
        land::may_publish,
        land::publish,
    ),
    // `adopt` and `republish` have no key: they are rare, and the card that asks for them names them.
    destructive(row(
        ("adopt", &[], "adopt"),
        "Accept a rewritten or bypassed target branch",
        Steer,
        Nothing,
        land::may_adopt,
        land::adopt,
    )),
    destructive(row(
        ("republish", &[], "republish"),
        "Publish landed work again, onto a rewritten branch",
        Steer,
        Nothing,
        land::is_rewritten,
        land::republish,
    )),
    row(
        ("widen", &["w"], "widen"),
        "Let the objective change more paths",
        Steer,
        Asked("GLOBS"),
        available::set_aside,
        steer::widen,
    ),
    row(
        ("pause", &["p"], "pause"),
        "Pause or resume the objective",
        Steer,
        Nothing,
        available::pause,
        steer::pause,
    ),
    row(
        ("pause-project", &["P"], "pause all"),
        "Pause or resume the project",
        Steer,
        Nothing,
        available::project,
        steer::pause_project,
    ),
    row(
        ("hold", &["H"], "hold/release"),
        "Hold the merge queue, or release it",
        Steer,
        Nothing,
        available::project,
        steer::hold,
    ),
    row(
        ("raise", &["+"], "raise"),
        "Raise the objective's priority",
        Steer,
        Nothing,
        available::set_aside,
        |m, _| steer::prioritize(m, 1),
    ),
    row(
        ("lower", &["-"], "lower"),
        "Lower the objective's priority",
        Steer,
        Nothing,
        available::set_aside,
        |m, _| steer::prioritize(m, -1),
    ),
    row(
        ("prioritize", &["="], "priority"),
        "Set the objective's priority",
        Steer,
        Asked("NUMBER"),
        available::set_aside,
        steer::set_priority,
    ),
    row(
        ("extend", &["b"], "extend"),
        "Give the session more minutes or commits",
        Steer,
        Asked("MINUTES COMMITS"),
        available::session,
        steer::extend,
    ),
    destructive(row(
        ("kill", &["x"], "kill"),
        "Kill the session; its commits and files are kept",
        Steer,
        Nothing,
        available::session,
        steer::kill,
    )),
    destructive(row(
        ("cancel", &["X"], "cancel"),
        "Cancel the objective; its branch is kept",
        Steer,
        Nothing,
        available::set_aside,
        steer::cancel,
    )),
    row(
        ("start", &["S"], "start"),
        "Start the supervisor in the background",
        Steer,
        Nothing,
        available::stopped,
        steer::start,
    ),
    // Move.
    row(("down", &["j", "down"], "down"), "One row down", Move, Nothing, available::always, |m, _| {
        motion::verb(m, Verb::Move(1))
    }),
    row(("up", &["k", "up"], "up"), "One row up", Move, Nothing, available::always, |m, _| {
        motion::verb(m, Verb::Move(-1))
    }),
    row(
        ("page-down", &["pagedown", "ctrl-f"], "page down"),
        "A page down",
        Move,
        Nothing,
        available::always,
        |m, _| motion::verb(m, Verb::Page(1)),
    ),
    row(("page-up", &["pageup"], "page up"), "A page up", Move, Nothing, available::always, |m, _| {
        motion::verb(m, Verb::Page(-1))
    }),
    row(("top", &["g", "home"], "top"), "To the first row", Move, Nothing, available::always, |m, _| {
        motion::verb(m, Verb::Top)
    }),
    row(
        ("bottom", &["G", "end"], "bottom"),
        "To the last row; in a log, follow again",
        Move,
        Nothing,
        available::always,
        |m, _| motion::verb(m, Verb::Bottom),
    ),
    row(
        ("left", &["left", "h", "["], "tab before"),
        "To the tab or session to the left",
        Move,
        Nothing,
        available::always,
        |m, _| motion::verb(m, Verb::Sideways(-1)),
    ),
    row(
        // No `l` as the counterpart of `h`: that is the log.
        ("right", &["right", "]"], "next tab"),
        "To the tab or session to the right",
        Move,
        Nothing,
        available::always,
        |m, _| motion::verb(m, Verb::Sideways(1)),
    ),
    row(("in", &["enter"], "in"), "Open the selected row", Move, Nothing, available::always, motion::enter),
    row(("out", &["esc"], "out"), "Go back", Move, Nothing, available::always, motion::out),
    row(
        ("next-pane", &["tab"], "next pane"),
        "To the next pane",
        Move,
        Nothing,
        available::always,
        |m, _| motion::pane(m, 1),
    ),
    row(
        ("previous-pane", &["backtab"], "previous pane"),
        "To the previous pane",
        Move,
        Nothing,
        available::always,
        |m, _| motion::pane(m, -1),
    ),
    row(("pane-1", &["1"], "objectives"), "To the objectives", Move, Nothing, available::always, |m, _| {
        motion::focus(m, 0)
    }),
    row(
        ("pane-2", &["2"], "log"),
        "To the log; pressed again, to every running session",
        Move,
        Nothing,
        available::always,
        |m, _| motion::focus(m, 1),
    ),
    row(("pane-3", &["3"], "queue"), "To the merge queue", Move, Nothing, available::always, |m, _| {
        motion::focus(m, 2)
    }),
    row(("pane-4", &["4"], "budget"), "To the budgets", Move, Nothing, available::always, |m, _| {
        motion::focus(m, 3)
    }),
    row(
        ("pane-5", &["5"], "needs you"),
        "To what waits for you",
        Move,
        Nothing,
        available::always,
        |m, _| motion::focus(m, 4),
    ),
    row(("pane-6", &["6"], "events"), "To the events", Move, Nothing, available::always, |m, _| {
        motion::focus(m, 5)
    }),
    // Leave.
    row(
        ("mouse", &["ctrl-o"], "mouse"),
        "Switch the mouse on or off",
        Leave,
        Nothing,
        available::always,
        leave::mouse,
    ),
    row(("redraw", &["ctrl-l"], "redraw"), "Redraw the screen", Leave, Nothing, available::always, |_, _| {
        vec![Effect::Redraw]
    }),
    row(
        ("suspend", &["ctrl-z"], "suspend"),
        "Suspend the console until `fg`; work continues",
        Leave,
        Nothing,
        available::always,
        |_, _| vec![Effect::Suspend],
    ),
    row(
        ("quit", &["q", "ctrl-c"], "quit"),
        "Leave the console",
        Leave,
        Nothing,
        available::always,
        leave::quit,
    ),
];
