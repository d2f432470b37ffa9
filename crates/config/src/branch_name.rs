//! The rules for names of branches.

/// Returns whether git accepts the short name of a branch, by the rules of libgit2 for `refs/heads/NAME`.
///
/// The rules are repeated here because this crate does not depend on git.
#[must_use]
pub fn is_valid(name: &str) -> bool {
    // A name that begins with `-` would be read as an option by git commands.
    !name.starts_with('-') && name != "HEAD" && !name.ends_with('.') && name.split('/').all(is_valid_part)
}

fn is_valid_part(part: &str) -> bool {
    let is_plain = |c: char| c > ' ' && !"\u{7f}~^:\\?[*".contains(c);
    let is_special = part.starts_with('.') || part.contains("..") || part.contains("@{");
    !part.is_empty() && !is_special && !part.ends_with(".lock") && part.chars().all(is_plain)
}
