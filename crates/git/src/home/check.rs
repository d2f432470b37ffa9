//! Checks of one object, as strict as `git fsck --strict` where a wrong object could mislead git or a file
//! system. Both sides use them: the helper to name a fault early, the supervisor because it trusts no helper.

mod lines;
mod modules;
mod tree;

use git2::{ObjectType, Oid};

pub(crate) use modules::modules;

/// Something that an object names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Link<'a> {
    /// The object that is named.
    pub(crate) id: Oid,
    /// Its kind. `None` for a commit of a submodule, which belongs to another repository.
    pub(crate) kind: Option<ObjectType>,
    /// Its name in a tree; empty for all others.
    pub(crate) name: &'a [u8],
}

/// Checks an object and hands on everything that it names.
///
/// # Errors
/// What is wrong, as the second half of a sentence.
pub(crate) fn check(kind: ObjectType, data: &[u8], named: &mut dyn FnMut(Link<'_>)) -> Result<(), String> {
    match kind {
        ObjectType::Commit => lines::commit(data, named),
        ObjectType::Tag => lines::tag(data, named),
        ObjectType::Tree => tree::tree(data, named),
        // Any bytes are a blob.
        ObjectType::Blob => Ok(()),
        ObjectType::Any => Err("is of no known kind".to_owned()),
    }
}

/// Returns the word for a kind of object.
pub(crate) fn word(kind: ObjectType) -> &'static str {
    match kind {
        ObjectType::Commit => "commit",
        ObjectType::Tag => "tag",
        ObjectType::Tree => "tree",
        ObjectType::Blob => "file",
        ObjectType::Any => "object",
    }
}

/// Converts the text of an id.
fn id_of(text: &[u8]) -> Option<Oid> {
    let is_hex = |byte: &u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte);
    if text.len() != 40 || !text.iter().all(is_hex) {
        return None;
    }
    let id = Oid::from_str(std::str::from_utf8(text).ok()?).ok()?;
    // An id of zeros is no object.
    (!id.is_zero()).then_some(id)
}
