//! What the supervisor and the helper of a place say to each other: frames over a pipe.
//!
//! A frame is a line `KIND LENGTH`, a line of JSON, and LENGTH bytes. The reader knows each length before it
//! reads, refuses what exceeds a limit, and never trusts that a body is what its kind says.

use std::io::{self, BufRead, Read, Write};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::limits::HEADER_BYTES_MAX;

/// What a frame is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Request: send what is not home yet.
    Bring,
    /// Request: wait until something changes.
    Watch,
    /// Request: send what commits name beyond git's objects. The body lists it.
    Need,
    /// Answer to [`Kind::Watch`]: whether something has changed.
    Changed,
    /// The refs of the place. The body is a JSON list.
    Refs,
    /// A piece of the pack.
    Pack,
    /// The pack is over.
    PackEnd,
    /// The index of the place, as a file.
    Index,
    /// One object of git LFS: its id and size in the header, its bytes in the body.
    Lfs,
    /// A piece of a submodule's pack.
    Submodule,
    /// A submodule's pack is over.
    SubmoduleEnd,
    /// Something that cannot come home: a path and a reason. The rest can.
    Left,
    /// Nothing can come home: a sentence.
    Fault,
    /// The helper still works on its answer.
    Alive,
    /// The answer is over.
    Done,
}

/// Every kind with its name in the pipe.
const KINDS: [(Kind, &str); 15] = [
    (Kind::Bring, "bring"),
    (Kind::Watch, "watch"),
    (Kind::Need, "need"),
    (Kind::Changed, "changed"),
    (Kind::Refs, "refs"),
    (Kind::Pack, "pack"),
    (Kind::PackEnd, "pack-end"),
    (Kind::Index, "index"),
    (Kind::Lfs, "lfs"),
    (Kind::Submodule, "submodule"),
    (Kind::SubmoduleEnd, "submodule-end"),
    (Kind::Left, "left"),
    (Kind::Fault, "fault"),
    (Kind::Alive, "alive"),
    (Kind::Done, "done"),
];

impl Kind {
    fn name(self) -> &'static str {
        KINDS.iter().find(|(kind, _)| *kind == self).map_or("", |(_, name)| name)
    }

    fn from_name(name: &str) -> Option<Self> {
        KINDS.iter().find(|(_, known)| *known == name).map(|(kind, _)| *kind)
    }
}

/// The beginning of a frame. Its body is still in the pipe: read it with [`body`] or [`copy_body`] before the
/// next frame.
#[derive(Debug)]
pub(crate) struct Frame {
    /// What the frame is about.
    pub(crate) kind: Kind,
    /// Bytes of the body.
    pub(crate) length: u64,
    header: Vec<u8>,
}

impl Frame {
    /// Parses the header.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidData`] if it is not what `T` expects.
    pub(crate) fn header<T: DeserializeOwned>(&self) -> io::Result<T> {
        serde_json::from_slice(&self.header)
            .map_err(|error| malformed(&format!("the header of `{}`: {error}", self.kind.name())))
    }
}

/// Returns the error for something that is not of the protocol.
pub(crate) fn malformed(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}

/// Writes a frame whose body is in memory. The caller flushes.
///
/// # Errors
/// Fails if the pipe is closed.
pub(crate) fn write(
    output: &mut dyn Write,
    kind: Kind,
    header: &impl Serialize,
    body: &[u8],
) -> io::Result<()> {
    begin(output, kind, header, u64::try_from(body.len()).unwrap_or(u64::MAX))?;
    output.write_all(body)
}

/// Writes the beginning of a frame. The caller writes exactly `length` bytes after it.
///
/// # Errors
/// Fails if the pipe is closed.
pub(crate) fn begin(
    output: &mut dyn Write,
    kind: Kind,
    header: &impl Serialize,
    length: u64,
) -> io::Result<()> {
    let header = serde_json::to_string(header)?;
    write!(output, "{} {length}\n{header}\n", kind.name())
}

/// Reads the beginning of the next frame. `None` at the end of the pipe.
///
/// # Errors
/// [`io::ErrorKind::InvalidData`] for bytes that are no frame; else whatever the pipe reports.
pub(crate) fn read(input: &mut dyn BufRead) -> io::Result<Option<Frame>> {
    /// Longest first line: the longest kind and the longest number.
    const LINE_BYTES_MAX: usize = 64;
    let Some(line) = line(input, LINE_BYTES_MAX)? else { return Ok(None) };
    let line = String::from_utf8(line).map_err(|_| malformed("a frame whose first line is not text"))?;
    let found = line.split_once(' ').and_then(|(kind, length)| {
        let is_number = !length.is_empty() && length.bytes().all(|byte| byte.is_ascii_digit());
        Some((Kind::from_name(kind)?, length.parse().ok().filter(|_| is_number)?))
    });
    let Some((kind, length)) = found else {
        return Err(malformed(&format!("a frame that begins with `{}`", line.escape_debug())));
    };
    let Some(header) = self::line(input, HEADER_BYTES_MAX)? else {
        return Err(malformed("a frame without a header"));
    };
    Ok(Some(Frame { kind, length, header }))
}

/// Reads a line without its end. `None` if the pipe is over before its first byte.
fn line(input: &mut dyn BufRead, max: usize) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    let limit = u64::try_from(max).unwrap_or(u64::MAX).saturating_add(1);
    Read::take(&mut *input, limit).read_until(b'\n', &mut line)?;
    match line.pop() {
        None => Ok(None),
        Some(b'\n') => Ok(Some(line)),
        Some(_) if line.len() >= max => Err(malformed("a line of a frame is too long")),
        Some(_) => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

/// Reads the whole body of a frame, of at most `max` bytes.
///
/// # Errors
/// [`io::ErrorKind::InvalidData`] if it is longer; [`io::ErrorKind::UnexpectedEof`] if the pipe ends before.
pub(crate) fn body(input: &mut dyn BufRead, frame: &Frame, max: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    copy_body(input, frame, max, &mut bytes)?;
    Ok(bytes)
}

/// Copies the body of a frame, of at most `max` bytes, to a writer.
///
/// # Errors
/// As [`body`]; or the writer's error.
pub(crate) fn copy_body(
    input: &mut dyn BufRead,
    frame: &Frame,
    max: u64,
    to: &mut dyn Write,
) -> io::Result<()> {
    if frame.length > max {
        let (name, length) = (frame.kind.name(), frame.length);
        return Err(malformed(&format!("`{name}` has {length} bytes, and at most {max} are taken")));
    }
    match io::copy(&mut Read::take(input, frame.length), to)? == frame.length {
        true => Ok(()),
        false => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_every_kind_come_back_as_they_were_written() {
        let mut pipe = Vec::new();
        for (index, (kind, _)) in KINDS.iter().enumerate() {
            write(&mut pipe, *kind, &index, &vec![b'\n'; index]).unwrap();
        }
        let mut input = pipe.as_slice();
        for (index, (kind, _)) in KINDS.iter().enumerate() {
            let frame = read(&mut input).unwrap().unwrap();
            assert_eq!((frame.kind, frame.header::<usize>().unwrap()), (*kind, index));
            assert_eq!(body(&mut input, &frame, 100).unwrap(), vec![b'\n'; index]);
        }
        assert!(read(&mut input).unwrap().is_none());
    }

    #[test]
    fn what_is_no_frame_is_refused() {
        let long = format!("pack {}\n", "1".repeat(100));
        let header = format!("pack 1\n{}\n", "x".repeat(HEADER_BYTES_MAX + 1));
        for bytes in
            ["garbage\n", "pack\n", "pack -1\n{}\n", "pack +1\n{}\n", "pack 1", "pack 1\n", "other 1\n{}\n"]
                .into_iter()
                .chain([long.as_str(), header.as_str()])
        {
            assert!(read(&mut bytes.as_bytes()).is_err(), "{bytes}");
        }
        let mut input = &b"pack 5\n{}\nabc"[..];
        let frame = read(&mut input).unwrap().unwrap();
        assert!(body(&mut input.to_owned().as_slice(), &frame, 4).is_err());
        assert_eq!(body(&mut input, &frame, 5).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        assert!(frame.header::<u32>().is_err());
    }
}
