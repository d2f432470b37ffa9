//! A file system that becomes read-only while everything is open, as after an error of its disk, and comes back.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use paddock_testkit::{Sandbox, alone, until};

const INSIDE: &str = "PADDOCK_TEST_BREAKABLE_DISK";
const TEST: &str = "a_file_system_that_becomes_read_only_stops_the_supervisor_and_nothing_is_lost";

/// Where this test is run: in a mount namespace of its own, with an ext4 of its own, which an error of its disk makes
/// read-only. None where the machine does not allow that.
fn breakable_disk() -> Option<PathBuf> {
    if let Some(image) = std::env::var_os(INSIDE) {
        return Some(PathBuf::from(image));
    }
    if !rustix::process::geteuid().is_root() {
        return None; // Only root mounts what is on a disk.
    }
    let folder = tempfile::tempdir().unwrap();
    let script = "truncate -s 96M \"$1/image\" && mkfs.ext4 -q -F \"$1/image\" && mkdir \"$1/at\" || exit 77\n\
                  mount -o loop,errors=remount-ro \"$1/image\" \"$1/at\" || exit 77\n\
                  at=\"$1/at\"; shift; TMPDIR=\"$at\" \"$@\"; code=$?; umount \"$at\"; exit $code";
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", script, "sh"]).arg(folder.path());
    command.arg(std::env::current_exe().unwrap()).args(alone::arguments(module_path!(), TEST));
    command.stdin(Stdio::null());
    let output = command.env(INSIDE, folder.path().join("image")).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    if output.status.code() == Some(77) || text.contains("unshare failed") {
        eprintln!("no file system can be mounted here: {text}");
        return None;
    }
    alone::passed(&output);
    None
}

/// Where the kernel takes an error of this file system from.
fn trigger(at: &Path) -> Option<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
    let line = mounts.lines().rfind(|line| line.split(' ').nth(4) == at.to_str())?;
    let source = line.split(" - ").nth(1)?.split(' ').nth(1)?;
    let number = line.split(' ').nth(2)?.strip_prefix("7:")?;
    let names = [Path::new(source).file_name()?.to_str()?.to_owned(), format!("loop{number}")];
    let files = names.map(|name| Path::new("/sys/fs/ext4").join(name).join("trigger_fs_error"));
    files.into_iter().find(|file| file.exists())
}

fn succeeds(program: &str, arguments: &[&Path]) -> bool {
    Command::new(program).args(arguments).stdin(Stdio::null()).status().is_ok_and(|status| status.success())
}

#[test]
fn a_file_system_that_becomes_read_only_stops_the_supervisor_and_nothing_is_lost() {
    let Some(image) = breakable_disk() else { return };
    let at = std::env::temp_dir();
    let Some(trigger) = trigger(&at) else {
        return eprintln!("the kernel takes no errors for a test here");
    };
    let place = Sandbox::scripted("workspace");
    let repository = place.simple("");
    place.objectives(&["one", "two < one"]);
    let mut running = place.supervisor(&["--until-idle"]);
    running.heard_of("objective_done", "one");
    running.stop();
    place.nobody_is_left();
    let mut command = place.paddock(&["run", "--no-tui", "--json"]);
    command.stderr(fs::File::create(image.with_extension("told")).unwrap());
    place.good(&["objective", "pause", "two"]);
    let mut running = place.supervisor_of(command);
    running.heard("supervisor_started");
    // What is in memory only is lost with the disk, and is nobody's fault.
    assert!(succeeds("sync", &[]));
    fs::write(&trigger, "an error of the disk").unwrap();
    let (code, said) = place.outcome(&["objective", "resume", "two"]);
    assert_eq!(code, 1, "{said}");
    let (code, _) = running.finish();
    assert_eq!(code, 1);
    let reported = fs::read_to_string(image.with_extension("told")).unwrap();
    assert!(reported.contains("read-only") || reported.contains("Read-only"), "{reported}");
    assert!(place.good(&["status"]).contains("paused"), "it can be looked at");
    place.nobody_is_left();
    until("it is let go", || succeeds("umount", &[&at]));
    // What is mended is told by an exit code of 1.
    drop(Command::new("e2fsck").arg("-fy").arg(&image).stdin(Stdio::null()).output());
    assert!(succeeds("mount", &[Path::new("-o"), Path::new("loop"), &image, &at]));
    place.good(&["objective", "resume", "two"]);
    assert_eq!(place.until_idle(), 0);
    place.nobody_is_left();
    assert_eq!(fs::read(repository.join("two.txt")).unwrap(), b"by two\n");
    place.good(&["verify"]);
    // The disk is small, which is told too.
    assert!(place.outcome(&["doctor", "--rebuild"]).1.contains("the stored state agrees with its"));
}
