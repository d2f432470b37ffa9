//! A tmux server with one window for one test. Dropping it ends the server, everything in it, and the
//! supervisor.

use std::process::{Command, Stdio};
use std::time::Instant;

use paddock_testkit::{DEADLINE, Sandbox};

/// A terminal.
pub(super) struct Tmux<'p> {
    place: &'p Sandbox,
    socket: String,
}

impl<'p> Tmux<'p> {
    /// Starts a terminal of this size with a shell, in which `$PADDOCK` is the program and `$ROOT` the
    /// workspace.
    pub(super) fn start(place: &'p Sandbox, size: (u16, u16), variables: &[(&str, &str)]) -> Self {
        let tmux = Self { place, socket: "console".to_owned() };
        let (columns, rows) = (size.0.to_string(), size.1.to_string());
        let mut command = tmux.command();
        command.args(["-f", "/dev/null", "new-session", "-d", "-x", &columns, "-y", &rows]);
        for (name, value) in variables {
            command.args(["-e", &format!("{name}={value}")]);
        }
        command.args(["-e", &format!("PADDOCK={}", paddock_testkit::program().display())]);
        command.args(["-e", &format!("ROOT={}", place.root().display()), "-e", "PS1=ready> "]);
        command.arg("exec sh -i");
        assert!(command.status().unwrap().success(), "these tests need tmux");
        tmux.see("ready>");
        tmux
    }

    fn command(&self) -> Command {
        let mut command = self.place.program("tmux");
        command.env("TMUX_TMPDIR", self.place.path("")).env("LANG", "C.UTF-8").env("SHELL", "/bin/sh");
        command.args(["-u", "-L", &self.socket]).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    fn ask(&self, arguments: &[&str]) -> String {
        let output = self.command().args(arguments).stdout(Stdio::piped()).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Types keys by tmux's names for them.
    pub(super) fn keys(&self, keys: &[&str]) {
        assert!(self.command().arg("send-keys").args(keys).status().unwrap().success());
    }

    /// Types text as it is.
    pub(super) fn text(&self, text: &str) {
        assert!(self.command().args(["send-keys", "-l", "--", text]).status().unwrap().success());
    }

    /// Types a line into the shell.
    pub(super) fn line(&self, line: &str) {
        // A console that is still leaving the terminal would swallow the line.
        self.until("the shell's prompt", |_| {
            self.ask(&["display-message", "-p", "#{pane_current_command}"]).trim() != "paddock"
        });
        self.text(line);
        self.keys(&["Enter"]);
    }

    /// Returns what the screen shows now.
    pub(super) fn screen(&self) -> String {
        self.ask(&["capture-pane", "-p"])
    }

    /// Waits until the screen is as wanted, and returns it.
    pub(super) fn until(&self, what: &str, is_so: impl Fn(&str) -> bool) -> String {
        let give_up_at = Instant::now() + DEADLINE;
        loop {
            let screen = self.screen();
            if is_so(&screen) {
                return screen;
            }
            assert!(Instant::now() < give_up_at, "the screen never shows {what}:\n{screen}");
            std::thread::sleep(std::time::Duration::from_millis(30));
        }
    }

    /// Waits until the screen shows this, also over the end of a line: where the folders of tests have long names, the
    /// terminal wraps what a command prints.
    pub(super) fn see(&self, text: &str) -> String {
        let is_wrapped = || self.ask(&["capture-pane", "-p", "-J"]).contains(text);
        self.until(&format!("{text:?}"), |screen| screen.contains(text) || is_wrapped())
    }

    /// Waits until the screen no longer shows this.
    pub(super) fn lose(&self, text: &str) -> String {
        self.until(&format!("no {text:?}"), |screen| !screen.contains(text))
    }

    pub(super) fn resize(&self, columns: u16, rows: u16) {
        let (columns, rows) = (columns.to_string(), rows.to_string());
        self.ask(&["resize-window", "-x", &columns, "-y", &rows]);
    }

    /// Returns whether a full-screen program has the terminal.
    pub(super) fn is_taken(&self) -> bool {
        self.ask(&["display-message", "-p", "#{alternate_on}"]).trim() == "1"
    }

    /// Returns a property of the window by tmux's format, such as `#{cursor_flag}`.
    pub(super) fn reported(&self, format: &str) -> String {
        self.ask(&["display-message", "-p", format]).trim().to_owned()
    }

    /// Runs a command of tmux.
    pub(super) fn run(&self, arguments: &[&str]) {
        assert!(self.command().args(arguments).status().unwrap().success(), "tmux {arguments:?}");
    }

    /// Starts a second terminal that shows this one, and notes every byte that reaches it in a file.
    pub(super) fn seen_from_outside(&self, file: &str) -> Tmux<'p> {
        let outside = Tmux { place: self.place, socket: "outside".to_owned() };
        let attach = format!("TMUX= exec tmux -u -L {} attach", self.socket);
        outside.run(&["-f", "/dev/null", "new-session", "-d", "-x", "120", "-y", "40", "exec sh -i"]);
        let keep = format!("exec cat > '{}'", self.place.note(file).display());
        outside.run(&["pipe-pane", &keep]);
        outside.text(&attach);
        outside.keys(&["Enter"]);
        outside
    }

    /// Presses the left button or turns the wheel where the screen shows this text, as a terminal reports it.
    pub(super) fn mouse(&self, button: u8, text: &str) {
        let screen = self.see(text);
        let (y, line) = screen.lines().enumerate().find(|(_, line)| line.contains(text)).unwrap();
        let x = line.find(text).map_or(0, |at| line[..at].chars().count());
        self.text(&format!("\u{1b}[<{button};{};{}M", x + 1, y + 1));
    }

    /// Closes the terminal, as when the connection to it is lost.
    pub(super) fn close(&self) {
        self.ask(&["kill-server"]);
    }

    /// Returns the text that was copied last.
    pub(super) fn copied(&self) -> String {
        self.ask(&["show-buffer"])
    }
}

impl Drop for Tmux<'_> {
    fn drop(&mut self) {
        self.close();
        drop(self.place.paddock(&["supervisor", "stop", "--now"]).output());
    }
}
