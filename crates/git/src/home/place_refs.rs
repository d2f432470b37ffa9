//! Reading the refs of a place from their files, without git and without trust in any of them.

use std::collections::BTreeMap;
use std::fs;
use std::io::{ErrorKind, Read as _};
use std::path::Path;

use super::limits::{
    LOOSE_REF_BYTES_MAX, PACKED_REFS_BYTES_MAX, REF_NAME_BYTES_MAX, REFS_MAX, STASH_LOG_BYTES_MAX,
    STASHES_MAX,
};
use super::talk::{PlaceHead, PlaceRefs, Tags};
use crate::stash::{StashEntry, stash_entry};
use paddock_model::ids::ObjectId;
use paddock_os::plain;

/// The ref of the newest entry of the stash.
pub(crate) const STASH: &str = "refs/stash";
/// Number of symbolic refs that are followed, as git does.
const SYMBOLIC_MAX: usize = 5;

/// A ref's value as its file has it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Value {
    Object(ObjectId),
    Symbolic(String),
}

/// Refs that cannot be read, each with the reason.
pub(crate) type Unread = Vec<(String, String)>;

/// Reads HEAD, all refs and the stash of a git directory. Leaves out the project's own tags. A ref that cannot
/// be read is listed beside them, unless everything rests on it.
///
/// # Errors
/// The sentence that says why nothing can be read.
pub(crate) fn read_refs(git_dir: &Path, branch: &str, tags: &Tags) -> Result<(PlaceRefs, Unread), String> {
    let mut unread = Unread::new();
    // Loose refs first: git packs a ref before it removes its file, so in the other order a ref could be
    // missed.
    let mut values = loose(git_dir, &mut unread)?;
    let packed = packed(git_dir)?;
    let is_new = |name: &str, id: &ObjectId| tags.get(name) != Some(id);
    for (name, id) in packed {
        if is_new(&name, &id) {
            values.entry(name).or_insert(Value::Object(id));
        }
        if values.len() > REFS_MAX {
            return Err(too_many());
        }
    }
    let head = head(git_dir, &values, tags)?;
    let branch = format!("refs/heads/{branch}");
    let mut refs = PlaceRefs { head, ..PlaceRefs::default() };
    let mut newest = None;
    for name in values.keys() {
        let value = match resolve(name, &values, tags) {
            Ok(Some(value)) => value,
            Ok(None) => continue,
            Err(reason) if *name == branch => return Err(format!("{name} {reason}")),
            Err(reason) => {
                unread.push((name.clone(), reason));
                continue;
            }
        };
        match name.as_str() {
            name if name == branch => refs.branch = Some(value),
            STASH => newest = Some(value),
            // A branch that was deleted or renamed while it was read is none of the others.
            name if is_new(name, &value) => drop(refs.others.insert(name.to_owned(), value)),
            _ => {}
        }
    }
    if let Some((_, reason)) = unread.iter().find(|(name, _)| *name == branch) {
        return Err(format!("{branch} {reason}"));
    }
    refs.stashes = newest.map_or_else(|| Ok(Vec::new()), |newest| stashes(git_dir, newest))?;
    Ok((refs, unread))
}

fn too_many() -> String {
    format!("the place has more than {REFS_MAX} refs")
}

/// Reads a file of at most `max` bytes that is neither a link nor anything else but a file. `None` if nothing
/// is there.
pub(crate) fn file(path: &Path, max: u64) -> Result<Option<Vec<u8>>, String> {
    let open = match plain::open_itself(path) {
        Ok(open) => open,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(unreadable(path, &error)),
    };
    let mut bytes = Vec::new();
    match open.take(max.saturating_add(1)).read_to_end(&mut bytes) {
        Ok(_) if u64::try_from(bytes.len()).is_ok_and(|length| length <= max) => Ok(Some(bytes)),
        Ok(_) => Err(format!("is larger than {max} bytes")),
        Err(error) => Err(error.to_string()),
    }
}

/// Says why a path could not be opened as a file.
pub(crate) fn unreadable(path: &Path, error: &std::io::Error) -> String {
    match fs::symlink_metadata(path) {
        Ok(facts) if facts.is_symlink() => "is a symbolic link, which is not followed".to_owned(),
        Ok(facts) if facts.is_dir() => "is a folder".to_owned(),
        _ => match plain::cause(error) {
            Some(found) => format!("is {}", found.what()),
            None => format!("cannot be read ({error})"),
        },
    }
}

/// Reads every loose ref.
fn loose(git_dir: &Path, unread: &mut Unread) -> Result<BTreeMap<String, Value>, String> {
    let mut found = BTreeMap::new();
    let mut due = vec![(git_dir.join("refs"), "refs".to_owned())];
    let mut seen = 0_usize;
    while let Some((folder, prefix)) = due.pop() {
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            // git removes folders of refs that became empty.
            Err(error) if error.kind() == ErrorKind::NotFound && prefix != "refs" => continue,
            Err(error) => return Err(format!("the folder .git/{prefix} cannot be read: {error}")),
        };
        for entry in entries.flatten() {
            seen += 1;
            if seen > REFS_MAX {
                return Err(too_many());
            }
            let name = entry.file_name();
            let Some(name) = name.to_str().map(|name| format!("{prefix}/{name}")) else {
                unread.push((prefix.clone(), "has a ref whose name is not UTF-8".to_owned()));
                continue;
            };
            // Not by `file_type`, which would follow nothing either but may be unknown on some file systems.
            let is_folder = fs::symlink_metadata(entry.path()).is_ok_and(|facts| facts.is_dir());
            if is_folder && name.len() < REF_NAME_BYTES_MAX {
                due.push((entry.path(), name));
            } else if !is_folder && !name.ends_with(".lock") {
                match loose_value(&entry.path(), &name) {
                    Ok(Some(value)) => drop(found.insert(name, value)),
                    Ok(None) => {}
                    Err(reason) => unread.push((name, reason)),
                }
            }
        }
    }
    Ok(found)
}

fn loose_value(path: &Path, name: &str) -> Result<Option<Value>, String> {
    // git passes over such a file, too: what a killed program left, or what a file manager put there.
    if !is_ref_name(name) {
        return Ok(None);
    }
    file(path, LOOSE_REF_BYTES_MAX)?.map(|bytes| value_of(&bytes)).transpose()
}

fn value_of(bytes: &[u8]) -> Result<Value, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "holds no text".to_owned())?.trim_end();
    match text.strip_prefix("ref:") {
        Some(target) if is_ref_name(target.trim_start()) => {
            Ok(Value::Symbolic(target.trim_start().to_owned()))
        }
        Some(_) => Err("leads to a name that is no ref".to_owned()),
        None => ObjectId::new(text).map(Value::Object).map_err(|_| "holds no object id".to_owned()),
    }
}

/// Returns whether git would take this for the whole name of a ref.
pub(crate) fn is_ref_name(name: &str) -> bool {
    name.starts_with("refs/") && name.len() <= REF_NAME_BYTES_MAX && git2::Reference::is_valid_name(name)
}

/// Reads `packed-refs`.
fn packed(git_dir: &Path) -> Result<Vec<(String, ObjectId)>, String> {
    let bytes = file(&git_dir.join("packed-refs"), PACKED_REFS_BYTES_MAX);
    let Some(bytes) = bytes.map_err(|reason| format!(".git/packed-refs {reason}"))? else {
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    for line in bytes.split(|byte| *byte == b'\n') {
        if line.is_empty() || line.starts_with(b"#") || line.starts_with(b"^") {
            continue;
        }
        let entry = std::str::from_utf8(line).ok().and_then(|line| line.split_once(' '));
        let entry = entry.and_then(|(id, name)| Some((name.trim_end().to_owned(), ObjectId::new(id).ok()?)));
        match entry {
            Some((name, id)) if is_ref_name(&name) => found.push((name, id)),
            _ => {
                let shown: String = String::from_utf8_lossy(line).chars().take(80).collect();
                return Err(format!(
                    ".git/packed-refs has the line `{}`, which is no ref",
                    shown.escape_debug()
                ));
            }
        }
    }
    Ok(found)
}

fn head(git_dir: &Path, values: &BTreeMap<String, Value>, tags: &Tags) -> Result<PlaceHead, String> {
    let bytes =
        file(&git_dir.join("HEAD"), LOOSE_REF_BYTES_MAX).map_err(|reason| format!("HEAD {reason}"))?;
    let bytes = bytes.ok_or_else(|| "HEAD is missing".to_owned())?;
    match value_of(&bytes).map_err(|reason| format!("HEAD {reason}"))? {
        Value::Object(commit) => Ok(PlaceHead { commit: Some(commit), branch: None }),
        Value::Symbolic(branch) => {
            let commit =
                resolve(&branch, values, tags).map_err(|reason| format!("HEAD: {branch} {reason}"))?;
            Ok(PlaceHead { commit, branch: Some(branch) })
        }
    }
}

/// Follows a ref to an object. `None` if it leads to a ref that does not exist.
fn resolve(name: &str, values: &BTreeMap<String, Value>, tags: &Tags) -> Result<Option<ObjectId>, String> {
    let mut at = name;
    for _ in 0..=SYMBOLIC_MAX {
        match values.get(at) {
            Some(Value::Object(id)) => return Ok(Some(id.clone())),
            Some(Value::Symbolic(next)) => at = next,
            None => return Ok(tags.get(at).cloned()),
        }
    }
    Err(format!("leads through more than {SYMBOLIC_MAX} symbolic refs"))
}

/// Reads the list of the stash, oldest first. It is the reflog of the ref.
fn stashes(git_dir: &Path, newest: ObjectId) -> Result<Vec<StashEntry>, String> {
    let log = file(&git_dir.join("logs").join(STASH), STASH_LOG_BYTES_MAX);
    let log = log.map_err(|reason| format!(".git/logs/refs/stash {reason}"))?.unwrap_or_default();
    let log = String::from_utf8_lossy(&log);
    let mut found: Vec<StashEntry> = log.lines().filter_map(stash_entry).collect();
    if found.len() > STASHES_MAX {
        return Err(format!("the stash has more than {STASHES_MAX} entries"));
    }
    // A log that was removed or emptied leaves the newest entry to the ref alone.
    if found.last().map(|last| &last.commit) != Some(&newest) {
        found.push(StashEntry { commit: newest, line: "Paddock <paddock> 0 +0000\tstash".to_owned() });
    }
    Ok(found)
}
