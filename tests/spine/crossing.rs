//! A person's git and a publication into the same checkout.

use std::process::Output;

/// Whether a git of the user's crossed a publication and changed nothing: their index is locked for a moment then, and
/// a commit that was begun just before finds its branch elsewhere. Whoever works there tries again.
pub fn crossed_a_publication(git: &Output) -> bool {
    let said = String::from_utf8_lossy(&git.stderr);
    ["index.lock': File exists", "cannot lock ref 'HEAD': is at"].iter().any(|words| said.contains(words))
}
