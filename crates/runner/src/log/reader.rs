//! Reading a log by absolute offsets, while it is written and after.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::{Segment, Stream, segments};

/// What was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// Where the bytes begin; after the offset asked for when something in between was dropped.
    pub offset: u64,
    /// The bytes; empty at the present end.
    pub bytes: Vec<u8>,
    /// How many bytes are missing between the offset asked for and `offset`.
    pub gap_bytes: u64,
}

impl Chunk {
    /// Where to go on.
    #[must_use]
    pub fn next_offset(&self) -> u64 {
        self.offset + self.bytes.len() as u64
    }
}

/// Reads one stream of one job.
#[derive(Debug, Clone)]
pub struct LogReader {
    dir: PathBuf,
    stream: Stream,
}

impl LogReader {
    /// For the stream of the job in this folder; it need not exist yet.
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

    /// How many bytes the stream has so far, dropped ones included.
    ///
    /// # Errors
    /// What the system said.
    pub fn length(&self) -> io::Result<u64> {
        Ok(self.segments()?.last().map_or(0, |segment| segment.end()))
    }

    /// The file that holds the newest bytes, if there is any.
    #[must_use]
    pub fn newest_file(&self) -> Option<PathBuf> {
        let newest = self.segments().ok()?.last().copied()?;
        Some(self.stream.segment(&self.dir, newest.start))
    }

    /// At most `max_bytes` from `offset` on, or from the next byte that was kept.
    ///
    /// # Errors
    /// What the system said.
    pub fn read_at(&self, offset: u64, max_bytes: usize) -> io::Result<Chunk> {
        let segments = self.segments()?;
        for segment in segments.iter().filter(|segment| segment.end() > offset) {
            let from = segment.start.max(offset);
            let file = match File::open(self.stream.segment(&self.dir, segment.start)) {
                // Dropped since the listing: the next one shows the gap.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                other => other?,
            };
            let room = usize::try_from(segment.end() - from).unwrap_or(max_bytes);
            let mut bytes = vec![0; max_bytes.min(room)];
            let read = file.read_at(&mut bytes, from - segment.start)?;
            bytes.truncate(read);
            return Ok(Chunk { offset: from, bytes, gap_bytes: from - offset });
        }
        Ok(Chunk { offset, bytes: Vec::new(), gap_bytes: 0 })
    }
}
