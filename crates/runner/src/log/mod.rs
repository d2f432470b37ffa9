//! The output of a job, in segments with a common size limit.
//!
//! A segment is a file `stdout.log.N`, where N is the offset of its first byte in the whole stream. The
//! folder itself is therefore the index: offsets only grow, the first and the newest segment are kept, and a
//! reader sees where segments were dropped. This module never splits bytes into lines.

pub mod digest;
mod reader;
pub mod stretch;
mod writer;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

pub use reader::{Chunk, LogReader};
pub(crate) use writer::LogSet;

/// One of the two output streams of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

impl Stream {
    /// Both streams, in the order used everywhere.
    pub const ALL: [Self; 2] = [Self::Stdout, Self::Stderr];

    fn prefix(self) -> &'static str {
        match self {
            Self::Stdout => "stdout.log.",
            Self::Stderr => "stderr.log.",
        }
    }

    fn segment(self, dir: &Path, start: u64) -> PathBuf {
        dir.join(format!("{}{start}", self.prefix()))
    }
}

/// A part of a stream that is on disk, in one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Segment {
    start: u64,
    bytes: u64,
}

impl Segment {
    fn end(self) -> u64 {
        self.start + self.bytes
    }
}

/// Returns the segments on disk, in the order of their offsets.
fn segments(dir: &Path, stream: Stream) -> io::Result<Vec<Segment>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name();
        let start = name.to_str().and_then(|name| name.strip_prefix(stream.prefix()));
        let Some(start) = start.and_then(|digits| digits.parse().ok()) else { continue };
        match entry.metadata() {
            Ok(metadata) => found.push(Segment { start, bytes: metadata.len() }),
            // The keeper dropped this segment after it was listed.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    found.sort_unstable_by_key(|segment| segment.start);
    Ok(found)
}
