//! Snapshots of single panes: objectives, one objective, logs and the grid, with their styles.

use std::sync::mpsc::{Receiver, SyncSender};

use paddock_config::{Environment, Workspace};
use paddock_console::log::{LogId, lock_log};
use paddock_console::msg::messages;
use paddock_console::panes::PaneId;
use paddock_console::theme::{ASCII, Theme};
use paddock_console::{Ask, Effect, Model, Msg, World, layout};
use paddock_git::is_tracked;
use paddock_model::ids::SessionId;
use ratatui::style::{Color, Modifier, Style};

use super::fixture::{Log, key, select, send};
use super::keys::press;
use super::screen::{frame_of, text_of};

/// Returns the text of one pane with its border, followed by a line for each styled stretch: `row:from-to
/// style`. Other panes are left out, so that a change of one pane changes only its own snapshots.
fn styled(model: &Model, pane: PaneId) -> String {
    let buf = frame_of(model);
    let parts = layout::parts(model).unwrap();
    let (_, area) = parts.panes.iter().find(|(id, _)| *id == pane).unwrap();
    let (mut text, mut styles) = (String::new(), String::new());
    for (number, y) in (area.y..area.bottom()).enumerate() {
        let mut skip = 0;
        let mut line = String::new();
        for x in area.x..area.right() {
            if skip == 0 {
                line.push_str(buf[(x, y)].symbol());
                skip = unicode_width::UnicodeWidthStr::width(buf[(x, y)].symbol());
            }
            skip = skip.saturating_sub(1);
        }
        text.push_str(line.trim_end());
        text.push('\n');
        let mut at = area.x;
        while at < area.right() {
            let style = buf[(at, y)].style();
            let until = (at..area.right()).find(|&x| buf[(x, y)].style() != style).unwrap_or(area.right());
            let words = name(style);
            if !words.is_empty() {
                let (from, to) = (at - area.x, until - area.x - 1);
                styles.push_str(&format!("{number}:{from}-{to} {words}\n"));
            }
            at = until;
        }
    }
    text + &styles
}

fn name(style: Style) -> String {
    let mut words = Vec::new();
    if let Some(color) = style.fg.filter(|color| *color != Color::Reset) {
        words.push(format!("{color:?}").to_lowercase());
    }
    if let Some(color) = style.bg.filter(|color| *color != Color::Reset) {
        words.push(format!("on {color:?}").to_lowercase());
    }
    for (modifier, word) in
        [(Modifier::BOLD, "bold"), (Modifier::DIM, "dim"), (Modifier::REVERSED, "reversed")]
    {
        if style.add_modifier.contains(modifier) {
            words.push(word.to_owned());
        }
    }
    words.join(" ")
}

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (200, 50)];

/// Compares a pane with its snapshots: in every size with colours, and in the middle size without colours and
/// in ASCII.
fn looks(name: &str, pane: PaneId, model: impl Fn((u16, u16)) -> Model) {
    for size in SIZES {
        let model = model(size);
        insta::assert_snapshot!(format!("{name}_{}x{}", size.0, size.1), styled(&model, pane));
    }
    let mut bare = model((120, 40));
    bare.theme = Theme::colourless();
    insta::assert_snapshot!(format!("{name}_no_color"), styled(&bare, pane));
    let mut ascii = model((120, 40));
    ascii.theme = Theme { glyphs: ASCII, ..Theme::default() };
    insta::assert_snapshot!(format!("{name}_ascii"), styled(&ascii, pane));
}

#[test]
fn the_objectives() {
    looks("objectives", PaneId::Objectives, |size| {
        let mut model = Log::evening().model(size);
        select(&mut model, "billing-webhook");
        model.zoomed = true;
        model
    });
}

#[test]
fn the_main_screen_with_the_objectives_in_it() {
    looks("main_objectives", PaneId::Objectives, |size| {
        let mut model = Log::evening().model(size);
        select(&mut model, "auth-tokens");
        model
    });
}

/// Sixty objectives whose dependencies cross.
fn many() -> Log {
    let mut log = Log::new();
    for n in 0..60_u32 {
        let needs: Vec<String> = [(1, 7), (4, 3), (11, 5)]
            .iter()
            .filter(|(back, every)| n >= *back && n % every != 0)
            .map(|(back, _)| format!("part-{:02}", n - back))
            .collect();
        let needs: Vec<&str> = needs.iter().map(String::as_str).collect();
        log.objective(&format!("part-{n:02}"), &format!("Part number {n} of the whole"), &needs);
    }
    log
}

#[test]
fn sixty_objectives_that_cross() {
    looks("sixty", PaneId::Objectives, |size| {
        let mut model = many().model(size);
        select(&mut model, "part-13");
        model.zoomed = true;
        model
    });
}

#[test]
fn a_filter_shows_what_matches_and_escape_shows_all() {
    let mut model = Log::evening().model((120, 40));
    // Zoomed, since the other panes show all objectives in spite of the filter.
    model.zoomed = true;
    select(&mut model, "auth-tokens");
    for letter in ["/", "a", "u", "t", "h"] {
        press(&mut model, letter);
    }
    let text = text_of(&model);
    assert!(text.contains("/ auth: 2"), "{text}");
    assert!(!text.contains("rate-limits  "), "{text}");
    press(&mut model, "esc");
    assert!(text_of(&model).contains("rate-limits"));
}

#[test]
fn the_selection_walks_over_every_objective_once() {
    let mut model = many().model((80, 24));
    model.focus = PaneId::Objectives;
    press(&mut model, "g");
    let mut seen = vec![model.selected.clone()];
    for _ in 0..80 {
        press(&mut model, "j");
        if seen.last() != Some(&model.selected) {
            seen.push(model.selected.clone());
        }
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 60);
}

#[test]
fn an_objective_with_everything_that_is_known_of_it() {
    for (name, moves) in [("sessions", 0), ("checkpoints", 1), ("queue", 3), ("around", 4)] {
        looks(&format!("objective_{name}"), PaneId::Objective, |size| {
            let mut model = Log::evening().model(size);
            select(&mut model, "billing-webhook");
            press(&mut model, "enter");
            // On a narrow screen the facts are the first tab instead of a column.
            for _ in 0..moves + usize::from(size.0 < 100) {
                press(&mut model, "]");
            }
            model
        });
    }
}

/// A workspace with logs of sessions, which the console's own jobs and threads read.
struct Logs {
    workspace: Workspace,
    sessions: Vec<SessionId>,
    /// Kept open, because the reading thread ends when its receiver is gone.
    messages: (SyncSender<Msg>, Receiver<Msg>),
    /// Removed when dropped.
    _folder: tempfile::TempDir,
}

const TRANSCRIPT: &str = "work session, attempt 1: Sign and rotate tokens\n\
    I will split the signing key from the verifier so that rotation does not need a restart.\n\
    write src/auth/token.rs\nrun cargo test -p auth\nrunning 18 tests\n\
    test token::signs ... \u{1b}[32mok\u{1b}[0m\ntest token::rotates ... \u{1b}[32mok\u{1b}[0m\n\
    test token::rotation_keeps_old_key ... \u{1b}[31mFAILED\u{1b}[0m\n\n\
    test result: FAILED. 17 passed; 1 failed\nwrite src/auth/keys.rs\nrun cargo test -p auth\n18 passed\n\
    commit 登录：把签名密钥与校验器分开，这样轮换不需要重启，也不会让旧的令牌立刻失效\n";

impl Logs {
    fn new(texts: &[(u64, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let workspace = Workspace::init(folder.path(), is_tracked).unwrap();
        for (id, text) in texts {
            let session = workspace.session_dir(SessionId(*id));
            std::fs::create_dir_all(&session).unwrap();
            std::fs::write(session.join("stdout.log.0"), text).unwrap();
        }
        let sessions = texts.iter().map(|(id, _)| SessionId(*id)).collect();
        Self { workspace, sessions, messages: messages(), _folder: folder }
    }

    /// Runs the panes' jobs until the screen shows these words and all logs are read to their ends. A frame
    /// of a log that is still being read would differ from run to run.
    fn read(&self, model: &mut Model, shown: &[&str]) {
        let (messages, incoming) = (self.messages.0.clone(), &self.messages.1);
        let ask = Ask::new(|_| Err("there is no supervisor here".into()), std::time::Duration::ZERO);
        let (workspace, environment) = (self.workspace.clone(), Environment::default());
        let world = World { workspace, environment, ask, messages };
        model.workspace = Some(self.workspace.clone());
        let mut effects = paddock_console::update::settle(model);
        let give_up = std::time::Instant::now() + std::time::Duration::from_secs(60);
        loop {
            for effect in effects.drain(..) {
                if let Effect::Job(job) = effect {
                    let change = (job.run)(&world);
                    drop(change(model));
                }
            }
            let text = text_of(model);
            if shown.iter().all(|words| text.contains(words)) && self.are_read(model) {
                return;
            }
            assert!(std::time::Instant::now() < give_up, "never shown: {shown:?}\n{text}");
            if let Ok(msg) = incoming.recv_timeout(std::time::Duration::from_millis(20)) {
                effects = send(model, msg);
            } else {
                effects = paddock_console::update::settle(model);
            }
        }
    }

    fn are_read(&self, model: &Model) -> bool {
        let book = &model.panes.log.book;
        let mut open = self.sessions.iter().filter_map(|id| book.get(LogId::Session(*id)));
        open.all(|open| lock_log(&open.log).is_caught_up())
    }
}

fn reading(logs: &Logs, size: (u16, u16), shown: &[&str]) -> Model {
    let mut model = Log::evening().model(size);
    select(&mut model, "auth-tokens");
    model.session = Some(SessionId(4));
    model.focus = PaneId::Log;
    logs.read(&mut model, shown);
    model
}

#[test]
fn a_session_log() {
    let logs = Logs::new(&[(4, TRANSCRIPT)]);
    looks("log", PaneId::Log, |size| reading(&logs, size, &["校验器"]));
    looks("log_zoomed", PaneId::Log, |size| {
        let mut model = reading(&logs, size, &["校验器"]);
        model.zoomed = true;
        press(&mut model, "k");
        press(&mut model, "k");
        model
    });
}

#[test]
fn a_log_is_found_in_filtered_and_shown_raw() {
    let logs = Logs::new(&[(4, TRANSCRIPT)]);
    let mut model = reading(&logs, (120, 40), &["校验器"]);
    for letter in ["&", "F", "A", "I", "L"] {
        press(&mut model, letter);
    }
    logs.read(&mut model, &["& FAIL: 2"]);
    assert!(!text_of(&model).contains("18 passed\n"));
    press(&mut model, "esc");
    press(&mut model, "enter");
    for letter in ["/", "r", "o", "t", "a", "t", "e", "s"] {
        press(&mut model, letter);
    }
    press(&mut model, "enter");
    logs.read(&mut model, &["/ rotates: n N", "token::rotates"]);
    press(&mut model, "u");
    logs.read(&mut model, &["raw", "write src/auth/token.rs"]);
}

#[test]
fn running_sessions_side_by_side() {
    let logs = Logs::new(&[(4, TRANSCRIPT), (5, "reading the audit rules\nand nothing else\n")]);
    looks("grid", PaneId::Grid, |size| {
        let mut model = Log::evening().model(size);
        select(&mut model, "auth-tokens");
        press(&mut model, "L");
        logs.read(&mut model, &["nothing else", "校验器"]);
        model
    });
    let mut model = Log::evening().model((120, 40));
    press(&mut model, "L");
    logs.read(&mut model, &["nothing else"]);
    press(&mut model, "]");
    assert_eq!(model.target().session, Some(SessionId(5)));
    assert_eq!(model.target().objective, Some(key("audit-log")));
    press(&mut model, "enter");
    logs.read(&mut model, &["nothing else"]);
    assert_eq!((model.active(), model.zoomed), (PaneId::Log, true));
    assert!(text_of(&model).contains("5 audit-log"), "{}", text_of(&model));
}

#[test]
fn a_log_that_is_not_there_yet_says_so_and_breaks_nothing() {
    let logs = Logs::new(&[]);
    let mut model = Log::evening().model((120, 40));
    select(&mut model, "auth-tokens");
    model.focus = PaneId::Log;
    logs.read(&mut model, &["The session has written nothing yet."]);
    for name in ["k", "g", "u", "f", "space", "n", "y"] {
        press(&mut model, name);
        drop(frame_of(&model));
    }
    send(&mut model, Msg::Resized(60, 15));
    drop(frame_of(&model));
}
