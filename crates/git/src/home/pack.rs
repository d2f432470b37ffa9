//! Writing packs of whole objects: a place's helper sends one, and the supervisor writes its own from what it
//! has checked, so that no byte of a helper's pack enters the project.

mod crc;
mod index;
mod join;
pub(crate) mod read;

use std::io::{self, Write};

use git2::{ObjectType, Oid};
use miniz_oxide::DataFormat;
use miniz_oxide::deflate::core::{CompressorOxide, TDEFLFlush, TDEFLStatus, compress_to_output};
use sha1_checked::{Digest as _, Sha1};

pub(crate) use index::index;
pub(crate) use join::join;

/// Compression of what is packed: the pack is small or read once, and git packs it again.
const LEVEL: u8 = 1;

/// Where an object is in a pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Packed {
    pub(crate) id: Oid,
    pub(crate) kind: ObjectType,
    pub(crate) offset: u64,
    pub(crate) crc: u32,
}

/// Writes a pack object by object.
pub(crate) struct PackWriter<W: Write> {
    output: W,
    hash: Sha1,
    offset: u64,
    crc: u32,
    entry: u64,
    deflate: Box<CompressorOxide>,
}

impl<W: Write> PackWriter<W> {
    /// Begins a pack of `count` objects.
    ///
    /// # Errors
    /// Fails if the output does.
    pub(crate) fn new(output: W, count: u32) -> io::Result<Self> {
        let mut deflate = CompressorOxide::default();
        deflate.set_format_and_level(DataFormat::Zlib, LEVEL);
        let mut writer =
            Self { output, hash: plain_sha1(), offset: 0, crc: 0, entry: 0, deflate: Box::new(deflate) };
        writer.put(b"PACK")?;
        writer.put(&2_u32.to_be_bytes())?;
        writer.put(&count.to_be_bytes())?;
        Ok(writer)
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hash.update(bytes);
        self.crc = crc::update(self.crc, bytes);
        self.offset += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.output.write_all(bytes)
    }

    /// Begins an object of this many bytes.
    ///
    /// # Errors
    /// Fails if the output does.
    pub(crate) fn begin(&mut self, kind: ObjectType, size: u64) -> io::Result<()> {
        self.entry = self.offset;
        self.crc = 0;
        self.deflate.reset();
        let mut header = Vec::with_capacity(10);
        // The size: four bits beside the kind, then seven bits a byte, the lowest first.
        let mut byte = kind_bits(kind) << 4 | u8::try_from(size & 0x0f).unwrap_or(0);
        let mut rest = size >> 4;
        while rest > 0 {
            header.push(byte | 0x80);
            byte = u8::try_from(rest & 0x7f).unwrap_or(0);
            rest >>= 7;
        }
        header.push(byte);
        self.put(&header)
    }

    /// Adds bytes of the object.
    ///
    /// # Errors
    /// Fails if the output does.
    pub(crate) fn data(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.compress(bytes, TDEFLFlush::None)
    }

    /// Ends the object. Returns where it is.
    ///
    /// # Errors
    /// Fails if the output does.
    pub(crate) fn end(&mut self, id: Oid, kind: ObjectType) -> io::Result<Packed> {
        self.compress(&[], TDEFLFlush::Finish)?;
        Ok(Packed { id, kind, offset: self.entry, crc: self.crc })
    }

    fn compress(&mut self, bytes: &[u8], flush: TDEFLFlush) -> io::Result<()> {
        let mut out = Vec::new();
        let (status, _) = compress_to_output(&mut self.deflate, bytes, flush, |piece| {
            out.extend_from_slice(piece);
            true
        });
        match status {
            TDEFLStatus::Okay | TDEFLStatus::Done => self.put(&out),
            _ => Err(io::Error::other("an object cannot be compressed")),
        }
    }

    /// Ends the pack. Returns the output, and the checksum that the pack ends with.
    ///
    /// # Errors
    /// Fails if the output does.
    pub(crate) fn finish(mut self) -> io::Result<(W, [u8; 20])> {
        let checksum: [u8; 20] = std::mem::replace(&mut self.hash, plain_sha1()).finalize().into();
        self.output.write_all(&checksum)?;
        self.output.flush()?;
        Ok((self.output, checksum))
    }
}

/// Hashes what is no object: no search for collisions, which cost most of the time.
fn plain_sha1() -> Sha1 {
    Sha1::builder().detect_collision(false).build()
}

/// Hashes the header of an object, which its bytes follow.
pub(crate) fn object_hash(kind: ObjectType, size: u64) -> Sha1 {
    let mut hash = Sha1::new();
    hash.update(format!("{} {size}\0", kind.str()));
    hash
}

fn kind_bits(kind: ObjectType) -> u8 {
    match kind {
        ObjectType::Commit => 1,
        ObjectType::Tree => 2,
        ObjectType::Blob => 3,
        ObjectType::Tag => 4,
        ObjectType::Any => 0,
    }
}

#[cfg(test)]
mod tests;
