//! Joining packs that this program wrote: a place brings home one small pack a commit, and git is slow where
//! there are hundreds.

use std::collections::HashSet;
use std::io::{self, Write};
use std::path::Path;

use git2::{ObjectType, Oid};
use sha1_checked::Digest as _;

use super::{Packed, crc, plain_sha1};
use paddock_os::plain;

/// Bytes before the first object of a pack.
const HEADER_BYTES: usize = 12;
/// Bytes of a checksum.
const SUM_BYTES: usize = 20;

/// A pack of whole objects, and where they are in it.
struct Part {
    bytes: Vec<u8>,
    /// Id, beginning and end of each object.
    objects: Vec<(Oid, usize, usize)>,
}

/// Writes the objects of several packs as one, each once. Returns where they are, and the checksum. Packs are
/// named without their endings, and have no deltas.
///
/// # Errors
/// Fails if a pack cannot be read, is not what its index says, or the output fails.
pub(crate) fn join(packs: &[&Path], output: &mut dyn Write) -> io::Result<(Vec<Packed>, [u8; 20])> {
    let parts: Vec<Part> = packs.iter().map(|pack| read(pack)).collect::<io::Result<_>>()?;
    let mut seen = HashSet::new();
    let mut objects: Vec<(Oid, &[u8])> = Vec::new();
    for part in &parts {
        for (id, from, to) in &part.objects {
            if seen.insert(*id) {
                objects.push((*id, part.bytes.get(*from..*to).unwrap_or_default()));
            }
        }
    }
    let mut bytes = b"PACK\0\0\0\x02".to_vec();
    bytes.extend(u32::try_from(objects.len()).map_err(io::Error::other)?.to_be_bytes());
    let mut packed = Vec::with_capacity(objects.len());
    for (id, entry) in objects {
        let offset = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        packed.push(Packed { id, kind: ObjectType::Any, offset, crc: crc::update(0, entry) });
        bytes.extend_from_slice(entry);
    }
    let mut hash = plain_sha1();
    hash.update(&bytes);
    let checksum: [u8; SUM_BYTES] = hash.finalize().into();
    bytes.extend(checksum);
    output.write_all(&bytes)?;
    Ok((packed, checksum))
}

/// Reads a pack and its index, and checks that they belong to each other.
fn read(pack: &Path) -> io::Result<Part> {
    let bytes = plain::read(pack.with_extension("pack"))?;
    let index = plain::read(pack.with_extension("idx"))?;
    let wrong = || io::Error::new(io::ErrorKind::InvalidData, "a pack is not what its index says");
    let objects = offsets(&bytes, &index).ok_or_else(wrong)?;
    Ok(Part { bytes, objects })
}

/// Returns id, beginning and end of each object of a small pack, as its index has them.
fn offsets(pack: &[u8], index: &[u8]) -> Option<Vec<(Oid, usize, usize)>> {
    let end = pack.len().checked_sub(SUM_BYTES)?;
    // The index ends with the checksum of the pack and its own.
    let sum = index.len().checked_sub(2 * SUM_BYTES)?;
    if index.get(sum..sum + SUM_BYTES)? != pack.get(end..)? || !index.starts_with(b"\xfftOc\0\0\0\x02") {
        return None;
    }
    let number = |at: usize| Some(u32::from_be_bytes(index.get(at..at + 4)?.try_into().ok()?));
    let ids = 8 + 256 * 4;
    let count = usize::try_from(number(ids - 4)?).ok()?;
    if number(8 + 255 * 4)? != u32::from_be_bytes(pack.get(8..HEADER_BYTES)?.try_into().ok()?) {
        return None;
    }
    let table = ids + count * 24;
    let mut found = Vec::with_capacity(count);
    for at in 0..count {
        let id = Oid::from_bytes(index.get(ids + at * 20..ids + at * 20 + 20)?).ok()?;
        let from = usize::try_from(number(table + at * 4)?).ok()?;
        found.push((id, from, end));
    }
    found.sort_unstable_by_key(|(_, from, _)| *from);
    let begins: Vec<usize> = found.iter().map(|(_, from, _)| *from).skip(1).collect();
    for (object, next) in found.iter_mut().zip(begins) {
        object.2 = next;
    }
    let is_whole = found.first().is_none_or(|(_, from, _)| *from == HEADER_BYTES)
        && found.iter().all(|(_, from, to)| from < to && *to <= end);
    is_whole.then_some(found)
}
