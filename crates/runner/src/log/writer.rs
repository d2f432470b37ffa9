//! Writes both streams of a job under a common size limit.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use super::{Segment, Stream};
use crate::record::StreamTotals;
use paddock_os::files::open_truncated;

/// Smallest size of a segment: the folder of a job with a tiny cap must not fill with tiny files.
const SEGMENT_BYTES_MIN: u64 = 4096;

/// The segments of one stream.
struct Rolling {
    stream: Stream,
    segments: VecDeque<Segment>,
    file: Option<File>,
    written: u64,
}

impl Rolling {
    fn kept(&self) -> u64 {
        self.segments.iter().map(|segment| segment.bytes).sum()
    }

    fn append(&mut self, dir: &Path, bytes: &[u8], segment_bytes: u64) -> io::Result<()> {
        let full = self.segments.back().is_none_or(|segment| segment.bytes >= segment_bytes);
        if full || self.file.is_none() {
            let path = self.stream.segment(dir, self.written);
            let file = open_truncated(&path)?;
            self.file = Some(file);
            self.segments.push_back(Segment { start: self.written, bytes: 0 });
        }
        if let (Some(file), Some(segment)) = (&mut self.file, self.segments.back_mut()) {
            file.write_all(bytes)?;
            segment.bytes += bytes.len() as u64;
        }
        Ok(())
    }

    /// Ends the segment after a failed write. An empty segment is removed: a flood of output on a full disk
    /// would leave thousands.
    fn abandon_segment(&mut self, dir: &Path) {
        self.file = None;
        if self.segments.back().is_some_and(|segment| segment.bytes == 0)
            && let Some(empty) = self.segments.pop_back()
        {
            // If the file cannot be removed, an empty segment does no harm to readers.
            let _ = fs::remove_file(self.stream.segment(dir, empty.start));
        }
    }

    /// Drops the oldest segment that is neither the first nor the newest. The first segment shows how the job
    /// began, and the newest how it ended. Returns whether a segment was dropped.
    fn drop_middle(&mut self, dir: &Path) -> bool {
        let middle = if self.segments.len() > 2 { self.segments.remove(1) } else { None };
        middle.is_some_and(|segment| fs::remove_file(self.stream.segment(dir, segment.start)).is_ok())
    }
}

/// The logs of a job. Bytes that cannot be written (a full disk) are counted and dropped: if the keeper
/// stopped reading, the agent would block in its next write.
pub(crate) struct LogSet {
    dir: PathBuf,
    streams: [Rolling; 2],
    cap_bytes: u64,
    segment_bytes: u64,
    /// The first error, and whether any error was a full disk.
    error: Option<(String, bool)>,
}

impl LogSet {
    pub(crate) fn new(dir: &Path, cap_bytes: u64, segment_bytes: u64) -> Self {
        let rolling = |stream| Rolling { stream, segments: VecDeque::new(), file: None, written: 0 };
        // Each stream always keeps its first and its newest segment, so four segments must fit under the cap.
        let segment_bytes = segment_bytes.min(cap_bytes / 4).max(SEGMENT_BYTES_MIN);
        Self { dir: dir.to_owned(), streams: Stream::ALL.map(rolling), cap_bytes, segment_bytes, error: None }
    }

    pub(crate) fn write(&mut self, stream: Stream, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() {
            let rolling = &mut self.streams[stream as usize];
            let used = rolling.segments.back().map_or(0, |segment| segment.bytes);
            let free = self.segment_bytes.saturating_sub(used);
            // A full segment makes `append` begin a new one.
            let free =
                usize::try_from(if free == 0 { self.segment_bytes } else { free }).unwrap_or(rest.len());
            let (now, later) = rest.split_at(rest.len().min(free));
            if let Err(error) = rolling.append(&self.dir, now, self.segment_bytes) {
                let lacks_space = matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded);
                let first = self.error.get_or_insert_with(|| (error.to_string(), false));
                first.1 |= lacks_space;
                // Lost bytes must show as a gap, so the next write begins a new segment at its true offset.
                rolling.abandon_segment(&self.dir);
            }
            rolling.written += now.len() as u64;
            rest = later;
            self.enforce_cap();
        }
    }

    fn enforce_cap(&mut self) {
        while self.streams.iter().map(Rolling::kept).sum::<u64>() > self.cap_bytes {
            // The larger stream gives way, so that a flood on one stream does not push out the other.
            let larger = usize::from(self.streams[1].kept() > self.streams[0].kept());
            let dropped = self.streams[larger].drop_middle(&self.dir)
                || self.streams[1 - larger].drop_middle(&self.dir);
            // Only first and newest segments are left; they are kept even above the cap.
            if !dropped {
                return;
            }
        }
    }

    pub(crate) fn totals(&self, stream: Stream) -> StreamTotals {
        let rolling = &self.streams[stream as usize];
        StreamTotals { written_bytes: rolling.written, kept_bytes: rolling.kept() }
    }

    pub(crate) fn error(&self) -> Option<String> {
        self.error.as_ref().map(|(text, _)| text.clone())
    }

    /// Returns whether bytes were dropped because the disk or the quota was full.
    pub(crate) fn lacked_space(&self) -> bool {
        self.error.as_ref().is_some_and(|(_, lacked)| *lacked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::LogReader;

    /// `/dev/full` can be opened, but every write to it fails with "no space left".
    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_shows_as_a_gap_and_leaves_no_empty_files() {
        let folder = tempfile::tempdir().unwrap();
        let mut logs = LogSet::new(folder.path(), 1 << 20, 1 << 18);
        logs.write(Stream::Stdout, b"before\n");
        let full = File::options().write(true).open("/dev/full").unwrap();
        logs.streams[0].file = Some(full);
        logs.write(Stream::Stdout, b"lost\n");
        for at in [12, 19] {
            std::os::unix::fs::symlink("/dev/full", Stream::Stdout.segment(folder.path(), at)).unwrap();
            logs.write(Stream::Stdout, b"missing");
        }
        logs.write(Stream::Stdout, b"after\n");
        assert!(logs.error().unwrap().contains("No space left"), "{:?}", logs.error());
        assert!(logs.lacked_space());
        assert_eq!(logs.totals(Stream::Stdout), StreamTotals { written_bytes: 32, kept_bytes: 13 });
        let reader = LogReader::open(folder.path(), Stream::Stdout);
        let second = reader.read_at(7, 100).unwrap();
        assert_eq!((second.bytes.as_slice(), second.gap_bytes), (&b"after\n"[..], 19));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "no empty segment is left");
    }

    #[test]
    fn the_first_and_the_newest_bytes_are_kept_at_their_true_offsets() {
        let folder = tempfile::tempdir().unwrap();
        let mut logs = LogSet::new(folder.path(), 40_000, 8_000);
        let all: Vec<u8> = (0..200_000_u32).map(|i| (i / 7 % 251) as u8).collect();
        for piece in all.chunks(1_777) {
            logs.write(Stream::Stdout, piece);
            logs.write(Stream::Stderr, b"x");
        }
        assert_eq!(logs.totals(Stream::Stdout).written_bytes, 200_000);
        let kept: u64 = Stream::ALL.iter().map(|stream| logs.totals(*stream).kept_bytes).sum();
        assert!(kept <= 40_000, "{kept}");
        let reader = LogReader::open(folder.path(), Stream::Stdout);
        assert_eq!(reader.length().unwrap(), 200_000);
        let (mut offset, mut gaps, mut seen) = (0, 0, 0);
        loop {
            let chunk = reader.read_at(offset, 1_000).unwrap();
            if chunk.bytes.is_empty() {
                break;
            }
            let at = usize::try_from(chunk.offset).unwrap();
            assert_eq!(chunk.bytes, all[at..at + chunk.bytes.len()]);
            gaps += u64::from(chunk.gap_bytes > 0);
            seen += chunk.bytes.len();
            offset = chunk.next_offset();
        }
        assert_eq!((offset, gaps), (200_000, 1));
        assert_eq!(seen as u64, logs.totals(Stream::Stdout).kept_bytes);
        assert_eq!(reader.read_at(0, 10).unwrap().gap_bytes, 0);
    }
}
