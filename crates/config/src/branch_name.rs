//! Names of branches.

/// Whether git takes this as the short name of a branch, by the rules of libgit2 for `refs/heads/NAME`.
#[must_use]
pub fn is_valid(name: &str) -> bool {
    !name.starts_with('-') && name != "HEAD" && !name.ends_with('.') && name.split('/').all(is_valid_part)
}

fn is_valid_part(part: &str) -> bool {
    let is_plain = |c: char| c > ' ' && !"\u{7f}~^:\\?[*".contains(c);
    let is_special = part.starts_with('.') || part.contains("..") || part.contains("@{");
    !part.is_empty() && !is_special && !part.ends_with(".lock") && part.chars().all(is_plain)
}
