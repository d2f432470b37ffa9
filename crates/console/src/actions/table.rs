//! The table.

use super::Argument::{Asked, None as Nothing, Optional};
use super::Group::{Decide, Leave, Look, Move, Steer};
use super::{Action, Argument, Group, available, decide, land, leave, look, motion, steer};
use crate::Model;
use crate::error::Refused;
use crate::msg::Effect;
use crate::panes::Verb;

type Available = fn(&Model) -> Result<(), Refused>;
type Run = fn(&mut Model, Option<&str>) -> Vec<Effect>;

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

/// Every action.
pub static TABLE: &[Action] = &[
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
        "Filter the list, or find in the text, of this pane",
        Look,
        Optional("TEXT"),
        available::always,
        look::find,
    ),
    row(
        ("filter", &["&"], "only"),
        "Show only lines with a text in them",
        Look,
        Optional("TEXT"),
        available::always,
        look::filter,
    ),
    row(
        ("next", &["n"], "next"),
        "Go to the next place that was found",
        Look,
        Nothing,
        available::always,
        |m, _| motion::verb(m, Verb::Found(1)),
    ),
    row(
        ("previous", &["N"], "previous"),
        "Go to the previous place that was found",
        Look,
        Nothing,
        available::always,
        |m, _| motion::verb(m, Verb::Found(-1)),
    ),
    row(
        ("zoom", &["z"], "zoom"),
        "Give this pane the whole screen, or take it back",
        Look,
        Nothing,
        available::always,
        look::zoom,
    ),
    row(
        ("explain", &["E"], "explain"),
        "Say why it is not moving and what would clear it",
        Look,
        Nothing,
        available::objective,
        look::explain,
    ),
    row(
        ("diff", &["d"], "diff"),
        "Show what its branch changes",
        Look,
        Nothing,
        available::objective,
        look::diff,
    ),
    row(("log", &["l"], "log"), "Go to the log of its session", Look, Nothing, available::log, look::log),
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
        "Follow the log, or hold it still",
        Look,
        Nothing,
        available::always,
        |m, _| motion::verb(m, Verb::Follow),
    ),
    row(
        ("raw", &["u"], "raw"),
        "Show the log as it was written, or readable",
        Look,
        Nothing,
        available::always,
        |m, _| motion::verb(m, Verb::Raw),
    ),
    row(
        ("fold", &["space"], "fold"),
        "Fold or unfold what is selected",
        Look,
        Nothing,
        available::always,
        |m, _| motion::verb(m, Verb::Fold),
    ),
    row(
        ("wrap", &["W"], "wrap"),
        "Break long lines of the log, or cut them",
        Look,
        Nothing,
        available::always,
        |m, _| motion::verb(m, Verb::Own("wrap")),
    ),
    row(
        ("copy", &["y"], "copy"),
        "Copy the id, the line or the text at hand",
        Look,
        Nothing,
        available::always,
        look::copy,
    ),
    row(
        ("open", &["v"], "open"),
        "Open it in $PAGER or $EDITOR",
        Look,
        Nothing,
        available::always,
        look::open,
    ),
    row(
        ("shell", &["!"], "shell"),
        "Open a shell in the worktree",
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
        "Show what the console has said so far",
        Look,
        Nothing,
        available::always,
        look::messages,
    ),
    row(
        ("retry", &["r"], "retry"),
        "Let another session work on it, with a note",
        Decide,
        Asked("NOTE"),
        available::retry,
        decide::retry,
    ),
    row(
        ("approve", &["A"], "approve"),
        "Let it into the merge queue whatever the review said; the gate still holds",
        Decide,
        Asked("NOTE"),
        available::approve,
        decide::approve,
    ),
    row(
        ("reject", &["R"], "reject"),
        "Send it back with what is wrong",
        Decide,
        Asked("NOTE"),
        available::reject,
        decide::reject,
    ),
    destructive(row(
        ("skip", &["s"], "skip"),
        "Let what depends on it go on without it",
        Decide,
        Nothing,
        available::set_aside,
        decide::skip,
    )),
    row(
        ("escalate", &["e"], "escalate"),
        "Have a person decide",
        Decide,
        Asked("NOTE"),
        available::set_aside,
        decide::escalate,
    ),
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
        "Bring what has landed onto the target branch now",
        Steer,
        Nothing,
        land::may_publish,
        land::publish,
    ),
    destructive(row(
        ("adopt", &[], "adopt"),
        "Take the target branch as it is: rewritten, or with work that passed no queue",
        Steer,
        Nothing,
        land::may_adopt,
        land::adopt,
    )),
    destructive(row(
        ("republish", &[], "republish"),
        "Bring landed work onto a rewritten target branch again",
        Steer,
        Nothing,
        land::is_rewritten,
        land::republish,
    )),
    row(
        ("widen", &["w"], "widen"),
        "Let it change more paths",
        Steer,
        Asked("GLOBS"),
        available::set_aside,
        steer::widen,
    ),
    row(
        ("pause", &["p"], "pause"),
        "Pause it, or let it go on",
        Steer,
        Nothing,
        available::pause,
        steer::pause,
    ),
    row(
        ("pause-project", &["P"], "pause all"),
        "Pause the project, or let it go on",
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
    row(("raise", &["+"], "raise"), "Raise its priority", Steer, Nothing, available::set_aside, |m, _| {
        steer::prioritize(m, 1)
    }),
    row(("lower", &["-"], "lower"), "Lower its priority", Steer, Nothing, available::set_aside, |m, _| {
        steer::prioritize(m, -1)
    }),
    row(
        ("prioritize", &["="], "priority"),
        "Set its priority",
        Steer,
        Asked("NUMBER"),
        available::set_aside,
        steer::set_priority,
    ),
    row(
        ("extend", &["b"], "extend"),
        "Give its session more minutes or commits",
        Steer,
        Asked("MINUTES COMMITS"),
        available::session,
        steer::extend,
    ),
    destructive(row(
        ("kill", &["x"], "kill"),
        "Kill its session; what it left is kept",
        Steer,
        Nothing,
        available::session,
        steer::kill,
    )),
    destructive(row(
        ("cancel", &["X"], "cancel"),
        "Call it off; its session is stopped, its branch stays",
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
        "To the last row; a log follows again",
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
        ("right", &["right", "]"], "next tab"),
        "To the tab or session to the right",
        Move,
        Nothing,
        available::always,
        |m, _| motion::verb(m, Verb::Sideways(1)),
    ),
    row(("in", &["enter"], "in"), "Into what is selected", Move, Nothing, available::always, motion::enter),
    row(("out", &["esc"], "out"), "Out of it", Move, Nothing, available::always, motion::out),
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
        "To the log; again: every session side by side",
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
    row(
        ("mouse", &["ctrl-o"], "mouse"),
        "Switch the mouse on or off",
        Leave,
        Nothing,
        available::always,
        leave::mouse,
    ),
    row(
        ("redraw", &["ctrl-l"], "redraw"),
        "Draw everything anew",
        Leave,
        Nothing,
        available::always,
        |_, _| vec![Effect::Redraw],
    ),
    row(
        ("suspend", &["ctrl-z"], "suspend"),
        "Suspend the console; `fg` comes back, everything goes on",
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
