//! A file system that becomes read-only while files are open, as after a disk error, and is mended.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use paddock_testkit::{Sandbox, alone, until};

const INSIDE: &str = "PADDOCK_TEST_BREAKABLE_DISK";
const TEST: &str = "a_file_system_that_becomes_read_only_stops_the_supervisor_and_nothing_is_lost";

/// Runs this test again as a process in a mount namespace with an ext4 file system of its own, which becomes
/// read-only at its first error. Returns the image inside that process, and `None` outside, or if the machine
/// does not allow mounts.
fn breakable_disk() -> Option<PathBuf> {
    if let Some(image) = std::env::var_os(INSIDE) {
        return Some(PathBuf::from(image));
    }
    if !rustix::process::geteuid().is_root() {
        return None; // Only root can mount ext4.
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

/// Returns the file in /sys by which the kernel simulates an error of the file system mounted here.
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
    command.stderr(fs::File::create(image.with_extension("stderr")).unwrap());
    place.good(&["objective", "pause", "two"]);
    let mut running = place.supervisor_of(command);
    running.heard("supervisor_started");
    // Data that is only in memory would be lost with the disk, which is not what this test is about.
    assert!(succeeds("sync", &[]));
    fs::write(&trigger, "an error of the disk").unwrap();
    let (code, said) = place.outcome(&["objective", "resume", "two"]);
    assert_eq!(code, 1, "{said}");
    let (code, _) = running.finish();
    assert_eq!(code, 1);
    let stderr = fs::read_to_string(image.with_extension("stderr")).unwrap();
    assert!(stderr.contains("read-only") || stderr.contains("Read-only"), "{stderr}");
    assert!(place.good(&["status"]).contains("paused"), "`status` works on a read-only disk");
    place.nobody_is_left();
    until("the file system can be unmounted", || succeeds("umount", &[&at]));
    // e2fsck exits with 1 if it has mended something, so its exit code is ignored.
    drop(Command::new("e2fsck").arg("-fy").arg(&image).stdin(Stdio::null()).output());
    assert!(succeeds("mount", &[Path::new("-o"), Path::new("loop"), &image, &at]));
    place.good(&["objective", "resume", "two"]);
    assert_eq!(place.until_idle(), 0);
    place.nobody_is_left();
    assert_eq!(fs::read(repository.join("two.txt")).unwrap(), b"by two\n");
    place.good(&["verify"]);
    // doctor also warns that the disk is small, so only its words about the state are checked.
    assert!(place.outcome(&["doctor", "--rebuild"]).1.contains("the stored state agrees with its"));
}
