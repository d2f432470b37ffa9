//! Linux: `/proc/PID/task/TID/syscall` shows the system call in which a thread waits, with its arguments, and
//! `/proc/PID/mem` the path that an argument points to.

use std::fs::{self, File};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{FileExt, FileTypeExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use rustix::fs::OFlags;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// Longest path that the kernel accepts, in bytes.
const PATH_BYTES_MAX: usize = 4096;
/// `AT_FDCWD` as an argument shows it: paths are relative to the current folder.
const CURRENT_FOLDER: u32 = 0xffff_ff9c;

/// What a system call does with a file.
enum Call {
    /// Opens the path at the address in this argument; the argument before it, if any, is a folder.
    Open(usize),
    /// Reads the descriptor in the first argument.
    Read,
}

/// Returns what the system call with this number does, if it opens or reads a file.
fn call(number: u64) -> Option<Call> {
    // Numbers differ by architecture; `openat2` and later calls have the same number on all.
    match number {
        437 => Some(Call::Open(1)),
        #[cfg(target_arch = "x86_64")]
        2 => Some(Call::Open(0)),
        #[cfg(target_arch = "x86_64")]
        257 => Some(Call::Open(1)),
        #[cfg(target_arch = "x86_64")]
        0 | 17 | 19 => Some(Call::Read),
        #[cfg(target_arch = "aarch64")]
        56 => Some(Call::Open(1)),
        #[cfg(target_arch = "aarch64")]
        63 | 65 | 67 => Some(Call::Read),
        _ => None,
    }
}

/// Returns the id of this thread.
pub(super) fn thread_id() -> Option<i32> {
    Some(rustix::thread::gettid().as_raw_nonzero().get())
}

/// Returns the threads of this process that wait in an `open` for a named pipe, with the pipe.
pub(super) fn pipes_awaited_here() -> Vec<(i32, PathBuf)> {
    let awaited = |thread: PathBuf| {
        let id = thread.file_name()?.to_str()?.parse().ok()?;
        // Not those that a thread reads already: somebody holds their other end, and opening them ends no
        // wait.
        Some((id, awaited(&thread, false)?))
    };
    threads(Path::new("/proc/self")).into_iter().filter_map(awaited).collect()
}

pub(super) fn pipe_awaited_by(pid: i32) -> Option<PathBuf> {
    threads(&PathBuf::from(format!("/proc/{pid}"))).iter().find_map(|thread| awaited(thread, true))
}

/// Prepares [`open_again`].
pub(super) fn prepare() {
    // A signal without a handler would interrupt nothing. The handler sets a flag that nobody reads.
    drop(signal_hook::flag::register(signal_hook::consts::SIGURG, Arc::new(AtomicBool::new(false))));
}

/// Returns the threads of this process that are opening something, with the call's arguments.
pub(super) fn opens_here() -> Vec<(i32, String)> {
    let open = |thread: PathBuf| {
        let id = thread.file_name()?.to_str()?.parse().ok()?;
        let text = fs::read_to_string(thread.join("syscall")).ok()?;
        let number = text.split_ascii_whitespace().next()?.parse().ok()?;
        matches!(call(number), Some(Call::Open(_))).then_some((id, text))
    };
    threads(Path::new("/proc/self")).into_iter().filter_map(open).collect()
}

/// Makes a thread that waits in an `open` begin it anew: it then finds what stands at the path now. Without
/// effect before Linux 6.9, which cannot signal a thread by its descriptor.
pub(super) fn open_again(thread: i32) {
    // `PIDFD_THREAD`, which is `O_EXCL`.
    let flags = PidfdFlags::from_bits_retain(OFlags::EXCL.bits());
    let Some(id) = Pid::from_raw(thread) else { return };
    // Interrupted by a signal whose handler allows it, the kernel restarts the call by itself.
    if let Ok(thread) = pidfd_open(id, flags) {
        let _ = pidfd_send_signal(&thread, Signal::URG);
    }
}

fn threads(process: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(process.join("task")) else { return Vec::new() };
    entries.filter_map(|entry| Some(entry.ok()?.path())).collect()
}

/// Returns the named pipe that a thread waits for.
fn awaited(thread: &Path, may_be_read: bool) -> Option<PathBuf> {
    // A thread that runs shows "running", and one in no system call shows -1.
    let text = fs::read_to_string(thread.join("syscall")).ok()?;
    let mut words = text.split_ascii_whitespace();
    let number = words.next()?.parse().ok()?;
    let arguments: Vec<u64> =
        words.map_while(|word| u64::from_str_radix(word.trim_start_matches("0x"), 16).ok()).collect();
    let path = match call(number)? {
        Call::Open(at) => {
            let path = text_at(&thread.join("mem"), *arguments.get(at)?)?;
            let folder = at.checked_sub(1).and_then(|at| arguments.get(at));
            folder_of(thread, folder.copied()).join(path)
        }
        Call::Read if may_be_read => fs::read_link(thread.join(format!("fd/{}", arguments.first()?))).ok()?,
        Call::Read => return None,
    };
    // A pipe without a name has no path here, and is none that somebody could have put in a file's place.
    fs::metadata(&path).is_ok_and(|facts| facts.file_type().is_fifo()).then_some(path)
}

/// Returns the folder to which the path of a call is relative: its current folder, or the one that is open as
/// this descriptor.
fn folder_of(thread: &Path, descriptor: Option<u64>) -> PathBuf {
    // The kernel looks at the lower half of the argument only.
    let descriptor = descriptor.and_then(|word| u32::try_from(word & 0xffff_ffff).ok());
    let link = match descriptor {
        None | Some(CURRENT_FOLDER) => thread.join("cwd"),
        Some(number) => thread.join(format!("fd/{number}")),
    };
    fs::read_link(link).unwrap_or_default()
}

/// Reads the text at an address, up to its zero byte.
fn text_at(memory: &Path, address: u64) -> Option<PathBuf> {
    let memory = File::open(memory).ok()?;
    let mut bytes = Vec::new();
    let mut piece = [0; 256];
    // In small pieces that end at multiples of their size: the page after the text may not be readable.
    while bytes.len() < PATH_BYTES_MAX {
        let from = address + u64::try_from(bytes.len()).ok()?;
        let length = 256 - usize::try_from(from % 256).ok()?;
        let count = memory.read_at(&mut piece[..length], from).ok().filter(|count| *count > 0)?;
        match piece[..count].iter().position(|byte| *byte == 0) {
            Some(end) => {
                bytes.extend_from_slice(&piece[..end]);
                return Some(std::ffi::OsString::from_vec(bytes).into());
            }
            None => bytes.extend_from_slice(&piece[..count]),
        }
    }
    None
}
