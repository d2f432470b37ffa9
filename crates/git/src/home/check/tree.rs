//! Trees: sorted, without a name twice, without a name that a file system takes for something else.

use std::cmp::Ordering;
use std::collections::HashSet;

use git2::{ObjectType, Oid};

use super::Link;
use paddock_model::path::RepoPath;

/// Longest name of an entry, in bytes.
const NAME_BYTES_MAX: usize = 4096;

/// Checks a tree.
pub(super) fn tree(data: &[u8], named: &mut dyn FnMut(Link<'_>)) -> Result<(), String> {
    let mut rest = data;
    let mut names = HashSet::new();
    let mut last: Option<(&[u8], bool)> = None;
    while !rest.is_empty() {
        let (mode, name, id, after) = entry(rest).ok_or("has an entry that is cut off or malformed")?;
        rest = after;
        let shown = RepoPath::new(name);
        let kind = kind_of(mode).ok_or_else(|| {
            format!("has the entry `{shown}` with the mode {}", String::from_utf8_lossy(mode).escape_debug())
        })?;
        if name.len() > NAME_BYTES_MAX {
            return Err(format!("has an entry with a name of {} bytes", name.len()));
        }
        if name.contains(&b'/') || shown.is_reserved() {
            return Err(format!(
                "has an entry named `{shown}`, which a file system could take for a folder above or for the \
                 git directory"
            ));
        }
        if mode == b"120000" && shown.must_be_no_link() {
            return Err(format!("has a symbolic link named `{shown}`"));
        }
        if id.is_zero() {
            return Err(format!("has the entry `{shown}` with an id of zeros"));
        }
        if !names.insert(name) {
            return Err(format!("has the entry `{shown}` twice"));
        }
        let is_folder = kind == Some(ObjectType::Tree);
        if last.is_some_and(|(before, was_folder)| order((before, was_folder), (name, is_folder)).is_ge()) {
            return Err(format!("is not sorted: `{shown}` is in the wrong place"));
        }
        last = Some((name, is_folder));
        named(Link { id, kind, name });
    }
    Ok(())
}

/// Mode, name and id of an entry, and what follows it.
type Entry<'a> = (&'a [u8], &'a [u8], Oid, &'a [u8]);

/// Splits the first entry off.
fn entry(data: &[u8]) -> Option<Entry<'_>> {
    let blank = memchr::memchr(b' ', data)?;
    let (mode, rest) = (&data[..blank], &data[blank + 1..]);
    let nul = memchr::memchr(0, rest)?;
    let (name, rest) = (&rest[..nul], &rest[nul + 1..]);
    let id = Oid::from_bytes(rest.get(..20)?).ok()?;
    Some((mode, name, id, &rest[20..]))
}

/// Returns the kind of object that a mode stands for; the inner `None` is a submodule.
#[expect(clippy::option_option, reason = "an unknown mode, and a mode whose object is in another repository")]
fn kind_of(mode: &[u8]) -> Option<Option<ObjectType>> {
    match mode {
        // The third is of early versions of git; no version writes it any more, and none refuses it.
        b"100644" | b"100755" | b"100664" | b"120000" => Some(Some(ObjectType::Blob)),
        b"40000" => Some(Some(ObjectType::Tree)),
        b"160000" => Some(None),
        _ => None,
    }
}

/// Compares two entries as git sorts them: a folder as if its name ended in `/`.
fn order((one, is_folder): (&[u8], bool), (other, other_is_folder): (&[u8], bool)) -> Ordering {
    let shared = one.len().min(other.len());
    let next = |name: &[u8], is_folder: bool| match name.get(shared) {
        Some(byte) => *byte,
        None if is_folder => b'/',
        None => 0,
    };
    let rest = || next(one, is_folder).cmp(&next(other, other_is_folder));
    one[..shared].cmp(&other[..shared]).then_with(rest)
}
