//! Which lines of two versions of a text belong together.

use git2::{DiffOptions, Patch};

use super::scan::{Line, names};

/// The lines of two versions: which are gone, which are new, and which are the same.
pub(super) struct Pairs {
    /// Indices into the earlier lines.
    pub removed: Vec<usize>,
    /// For each later line, the index of the earlier one; `None` if the line is new.
    pub earlier: Vec<Option<usize>>,
}

impl Pairs {
    /// Pairs the lines of two versions by their texts, without blanks and without separators at the end.
    ///
    /// `None` if git cannot compare them.
    pub(super) fn new(before: &[Line], after: &[Line]) -> Option<Self> {
        let (old, new) = (joined(before), joined(after));
        let mut options = DiffOptions::new();
        options.context_lines(0).patience(true).force_text(true);
        let patch =
            Patch::from_buffers(old.as_bytes(), None, new.as_bytes(), None, Some(&mut options)).ok()?;
        let (mut is_removed, mut is_added) = (vec![false; before.len()], vec![false; after.len()]);
        for hunk in 0..patch.num_hunks() {
            for at in 0..patch.num_lines_in_hunk(hunk).ok()? {
                let line = patch.line_in_hunk(hunk, at).ok()?;
                let mark = |flags: &mut Vec<bool>, number: Option<u32>| {
                    let index = number.and_then(|number| usize::try_from(number).ok()?.checked_sub(1));
                    if let Some(flag) = index.and_then(|index| flags.get_mut(index)) {
                        *flag = true;
                    }
                };
                match line.origin() {
                    '-' => mark(&mut is_removed, line.old_lineno()),
                    '+' => mark(&mut is_added, line.new_lineno()),
                    _ => {}
                }
            }
        }
        let mut kept = (0..before.len()).filter(|at| !is_removed[*at]);
        let earlier = is_added.iter().map(|added| if *added { None } else { kept.next() }).collect();
        let removed = (0..before.len()).filter(|at| is_removed[*at]).collect();
        let mut pairs = Self { removed, earlier };
        pairs.join_imports(before, after);
        Some(pairs)
    }

    /// Returns whether a later line is new.
    pub(super) fn is_added(&self, at: usize) -> bool {
        self.earlier.get(at).is_some_and(Option::is_none)
    }

    /// Pairs an import with one that brings more: tests that are added need more names.
    fn join_imports(&mut self, before: &[Line], after: &[Line]) {
        let new: Vec<usize> = (0..after.len()).filter(|at| self.is_added(*at)).collect();
        let earlier = &mut self.earlier;
        self.removed.retain(|old| {
            let joined =
                new.iter().find(|at| earlier[**at].is_none() && brings_more(&before[*old], &after[**at]));
            if let Some(at) = joined {
                earlier[*at] = Some(*old);
            }
            joined.is_none()
        });
    }
}

/// Returns whether a line is an import of another file's names.
pub(super) fn is_import(line: &Line) -> bool {
    let begins =
        |word: &str| line.code.strip_prefix(word).is_some_and(|rest| rest.starts_with([' ', '{', '"']));
    ["import", "from", "use", "require", "require_relative", "#include", "using"]
        .iter()
        .any(|word| begins(word))
        || (line.code.contains("require(\"\")") && ["const", "let", "var"].iter().any(|word| begins(word)))
}

fn brings_more(old: &Line, new: &Line) -> bool {
    if !is_import(old) || !is_import(new) || old.indent != new.indent {
        return false;
    }
    let had: Vec<&str> = names(&old.text).collect();
    let has: Vec<&str> = names(&new.text).collect();
    let more = has.iter().filter(|name| !had.contains(name)).count();
    // One source, and no second name for anything.
    had.iter().all(|name| has.contains(name)) && has.len() == had.len() + more && more > 0 && {
        let count = |words: &[&str]| words.iter().filter(|word| **word == "as").count();
        count(&had) == count(&has)
    }
}

fn joined(lines: &[Line]) -> String {
    let mut text = String::new();
    for line in lines {
        // A test that now stands in a string is gone.
        if line.is_in_string {
            text.push('\u{1}');
        }
        text.push_str(line.text.trim_end_matches([',', ';']).trim_end());
        text.push('\n');
    }
    text
}
