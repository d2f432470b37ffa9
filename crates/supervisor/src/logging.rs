//! Paddock's own log: files in `runtime/logs`, rolled daily, capped in size, never the terminal.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tracing_appender::non_blocking::WorkerGuard;
use tracing_appender::rolling::{Builder, Rotation};
use tracing_subscriber::EnvFilter;

use paddock_config::{Environment, Workspace};
use paddock_os::files::{make_private, make_private_dir};

/// Number of daily files kept.
const FILES_MAX: usize = 7;
/// Most bytes that one supervisor writes, so that a warning repeated all night fills no disk.
const BYTES_MAX: u64 = 64 << 20;

/// Interval at which new log files are closed to other users. Their folder is closed all the time.
const CLOSE_INTERVAL: Duration = Duration::from_secs(60);

/// Starts the log. It ends when the guard is dropped. Returns `None`, and logs nothing, if the files cannot
/// be written or if this process has a log already: a supervisor works without its log.
pub(super) fn begin(workspace: &Workspace, environment: &Environment) -> Option<WorkerGuard> {
    make_private_dir(&workspace.logs()).ok()?;
    let files = Builder::new()
        .rotation(Rotation::DAILY)
        .filename_prefix("paddock")
        .filename_suffix("log")
        .max_log_files(FILES_MAX)
        .build(workspace.logs())
        .ok()?;
    close_to_others(&workspace.logs());
    let files = Closed { inner: files, folder: workspace.logs(), closed_at: Instant::now() };
    let (writer, guard) = tracing_appender::non_blocking(Capped { inner: files, left: BYTES_MAX });
    // The watcher logs every folder that disappears, and the folders of landed work always do.
    let wanted = format!("notify=warn,{}", environment.log_level());
    let filter = EnvFilter::try_new(wanted).unwrap_or_else(|_| EnvFilter::new("info"));
    let subscriber = tracing_subscriber::fmt().with_writer(writer).with_ansi(false).with_env_filter(filter);
    subscriber.try_init().ok().map(|()| guard)
}

/// Closes the log files to other users. The library that creates them has no setting for their mode.
fn close_to_others(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let is_open =
            entry.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o077 != 0);
        if is_open {
            // An error is harmless: the folder itself is closed.
            let _ = make_private(&entry.path());
        }
    }
}

/// A writer that closes new log files to other users.
struct Closed<W> {
    inner: W,
    folder: PathBuf,
    closed_at: Instant,
}

impl<W: Write> Write for Closed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        if self.closed_at.elapsed() >= CLOSE_INTERVAL {
            self.closed_at = Instant::now();
            close_to_others(&self.folder);
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// A writer that passes on a number of bytes, then writes once that the rest is dropped, and drops it.
struct Capped<W> {
    inner: W,
    left: u64,
}

impl<W: Write> Write for Capped<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Ok(bytes.len());
        }
        let size = bytes.len() as u64;
        if size > self.left {
            // The line is dropped whole: half a line would read like another message.
            self.left = 0;
            self.inner.write_all(b"this supervisor has logged as much as it may; the rest is dropped\n")?;
            return Ok(bytes.len());
        }
        self.left -= size;
        self.inner.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_ends_at_its_cap_and_says_so_once() {
        let mut capped = Capped { inner: Vec::new(), left: 10 };
        for _ in 0..3 {
            assert_eq!(capped.write(b"12345678").unwrap(), 8);
        }
        let text = String::from_utf8(capped.inner).unwrap();
        assert_eq!(text.matches("12345678").count(), 1);
        assert_eq!(text.matches("the rest is dropped").count(), 1);
    }
}
