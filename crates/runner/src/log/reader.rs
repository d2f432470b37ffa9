//! Reads a log by absolute offsets, while the log is written and afterwards.

use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::{Segment, Stream, segments};
use paddock_os::plain;

/// Bytes read from a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// Offset of the first byte; larger than the requested offset if bytes in between were dropped.
    pub offset: u64,
    /// The bytes; empty at the present end of the log.
    pub bytes: Vec<u8>,
    /// Number of bytes missing between the requested offset and `offset`.
    pub gap_bytes: u64,
}

impl Chunk {
    /// Returns the offset after the last byte, at which the next read continues.
    #[must_use]
    pub fn next_offset(&self) -> u64 {
        self.offset + self.bytes.len() as u64
    }
}

/// A reader of one stream of one job.
#[derive(Debug, Clone)]
pub struct LogReader {
    dir: PathBuf,
    stream: Stream,
}

impl LogReader {
    /// Returns a reader for a stream of the job in this folder. The stream need not exist yet.
    #[must_use]
    pub fn open(dir: &Path, stream: Stream) -> Self {
        Self { dir: dir.to_owned(), stream }
    }

    fn segments(&self) -> io::Result<Vec<Segment>> {
        match segments(&self.dir, self.stream) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            other => other,
        }
    }

    /// Returns the number of bytes that the stream has so far, including dropped ones.
    ///
    /// # Errors
    /// Fails if the folder cannot be read.
    pub fn length(&self) -> io::Result<u64> {
        Ok(self.segments()?.last().map_or(0, |segment| segment.end()))
    }

    /// Returns the file that holds the newest bytes, or `None` if nothing was written.
    #[must_use]
    pub fn newest_file(&self) -> Option<PathBuf> {
        let newest = self.segments().ok()?.last().copied()?;
        Some(self.stream.segment(&self.dir, newest.start))
    }

    /// Reads at most `max_bytes` from `offset` on, or from the next byte that was kept.
    ///
    /// # Errors
    /// Fails if the folder or a segment cannot be read.
    pub fn read_at(&self, offset: u64, max_bytes: usize) -> io::Result<Chunk> {
        let segments = self.segments()?;
        for segment in segments.iter().filter(|segment| segment.end() > offset) {
            let from = segment.start.max(offset);
            let file = match plain::open(self.stream.segment(&self.dir, segment.start)) {
                // The keeper dropped this segment after it was listed; the next segment shows the gap.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                other => other?,
            };
            let available = usize::try_from(segment.end() - from).unwrap_or(max_bytes);
            let mut bytes = vec![0; max_bytes.min(available)];
            let read = file.read_at(&mut bytes, from - segment.start)?;
            bytes.truncate(read);
            return Ok(Chunk { offset: from, bytes, gap_bytes: from - offset });
        }
        Ok(Chunk { offset, bytes: Vec::new(), gap_bytes: 0 })
    }
}
