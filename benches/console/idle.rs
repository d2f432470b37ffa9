//! Measures an idle console: the bytes that it writes to its terminal and the processor time that it uses, in
//! a minute without events. Needs tmux.

use std::process::{Command, Stdio};
use std::time::Duration;

const SECONDS: u64 = 60;

/// A workspace, and a tmux server of its own.
struct Ground {
    folder: tempfile::TempDir,
}

impl Ground {
    fn program(&self, name: &str) -> Command {
        let mut command = Command::new(name);
        command.env("HOME", self.folder.path()).env("TMUX_TMPDIR", self.folder.path()).env("LANG", "C.UTF-8");
        command.env("GIT_CONFIG_GLOBAL", "/dev/null").stdin(Stdio::null()).current_dir(self.folder.path());
        command
    }

    fn tmux(&self, arguments: &[&str]) -> String {
        let output = self.program("tmux").args(["-u", "-L", "idle"]).args(arguments).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn paddock(&self, arguments: &[&str]) {
        let mut command = self.program(env!("CARGO_BIN_EXE_paddock"));
        command.arg("--root").arg(self.folder.path().join("w")).args(arguments);
        drop(command.output().unwrap());
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        self.tmux(&["kill-server"]);
        self.paddock(&["supervisor", "stop", "--now"]);
    }
}

/// Returns the user and system time of a process, in clock ticks of the kernel (10 ms).
fn ticks(pid: &str) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
    let field = |index: usize| fields.get(index).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
    field(11) + field(12)
}

/// Prints the bytes and the processor time of an idle minute.
pub(crate) fn bytes_in_a_minute() {
    let ground = Ground { folder: tempfile::tempdir().unwrap() };
    ground.paddock(&["init"]);
    let root = ground.folder.path().join("w");
    let program = format!("exec {} --root {}", env!("CARGO_BIN_EXE_paddock"), root.display());
    let began = ["-f", "/dev/null", "new-session", "-d", "-x", "120", "-y", "40", &program];
    ground.tmux(&began);
    while !ground.tmux(&["capture-pane", "-p"]).contains("ready") {
        std::thread::sleep(Duration::from_millis(50));
    }
    // Until the first frames are drawn and the supervisor has settled.
    std::thread::sleep(Duration::from_secs(3));
    let pid = ground.tmux(&["display-message", "-p", "#{pane_pid}"]);
    let written = ground.folder.path().join("written");
    ground.tmux(&["pipe-pane", "-O", &format!("cat > {}", written.display())]);
    let before = ticks(pid.trim());
    std::thread::sleep(Duration::from_secs(SECONDS));
    let used = (ticks(pid.trim()) - before) * 10;
    let bytes = std::fs::metadata(&written).map_or(0, |file| file.len());
    println!("an idle console: {bytes} B written and {used} ms of processor used in {SECONDS} s");
}
