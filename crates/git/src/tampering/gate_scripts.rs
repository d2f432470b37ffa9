//! What a change did to a file that the gate runs. Any change counts, except of comments, and except of new
//! targets of a makefile.

use std::collections::BTreeSet;

use paddock_model::tamper::How;

use super::found::{Found, first_gone};
use super::scan::Language;

/// Returns the change of a script or a makefile that the gate runs.
pub(super) fn compare(language: Language, before: &str, after: &str) -> Option<Found> {
    let (old, new) = (significant(before), significant(after));
    if old == new && before.contains('\r') == after.contains('\r') {
        return None;
    }
    if language == Language::Make && only_adds_targets(&old, &new) {
        return None;
    }
    let (was, is) = (old.join("\n"), new.join("\n"));
    let (extract, source) = match (first_gone(&was, &is), first_gone(&is, &was)) {
        (Some((_, line)), _) => (line, before),
        (None, Some((_, line))) => (line, after),
        (None, None) => return Some(Found::whole(How::GateChanged)),
    };
    let at = source.lines().position(|line| line.trim_end() == extract).unwrap_or(0);
    Some(Found::text(How::GateChanged, u32::try_from(at + 1).unwrap_or(u32::MAX), extract))
}

/// Returns the lines that are neither blank nor a comment. A comment is told by its blank, as `#include` and
/// the like occur in texts that scripts write.
fn significant(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut is_continued = false;
    for line in text.lines() {
        let trimmed = line.trim();
        let is_comment = (trimmed == "#" || trimmed.starts_with("# ")) && !trimmed.ends_with('\\');
        let counts = is_continued || !(trimmed.is_empty() || is_comment);
        is_continued = trimmed.ends_with('\\');
        if counts {
            found.push(line.trim_end());
        }
    }
    found
}

/// Returns whether a makefile differs by new targets alone.
fn only_adds_targets(old: &[&str], new: &[&str]) -> bool {
    let known: BTreeSet<&str> = old.iter().filter_map(|line| targets(line)).flatten().collect();
    let (mut left, mut has_rule) = (old.iter().peekable(), false);
    let mut is_adding = false;
    for line in new {
        let next = left.peek().copied();
        let is_kept = next == Some(line) || next.is_some_and(|next| names_more(next, line));
        if is_kept && !(is_adding && is_recipe(line)) {
            has_rule = has_rule || targets(line).is_some();
            (is_adding, _) = (false, left.next());
            continue;
        }
        match targets(line) {
            Some(names) => {
                let is_list = line.starts_with(".PHONY:");
                let is_new = |name: &&str| {
                    !known.contains(*name) && !name.starts_with('.') && !name.contains(['%', '$'])
                };
                // The first target is what `make` alone makes.
                let is_free = has_rule && names.iter().all(is_new);
                if !(is_list || is_free) {
                    return false;
                }
                is_adding = !is_list;
            }
            None if is_adding && is_recipe(line) => {}
            None => return false,
        }
    }
    left.next().is_none()
}

fn is_recipe(line: &str) -> bool {
    line.starts_with(['\t', ' '])
}

/// Returns the targets of a rule; `None` if the line is no rule.
fn targets(line: &str) -> Option<Vec<&str>> {
    let (names, rest) = line.split_once(':')?;
    let is_rule = !is_recipe(line) && !names.contains('=') && !rest.starts_with('=') && !rest.contains('=');
    is_rule.then(|| names.split_whitespace().collect())
}

/// Returns whether a list of phony targets has more of them.
fn names_more(old: &str, new: &str) -> bool {
    let names = |line: &'_ str| -> Option<BTreeSet<String>> {
        Some(line.strip_prefix(".PHONY:")?.split_whitespace().map(str::to_owned).collect())
    };
    names(old).zip(names(new)).is_some_and(|(old, new)| old.is_subset(&new))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_makefile_may_get_new_targets_and_nothing_else() {
        let base = ".PHONY: test\nall: test\ntest:\n\tsh a.sh\n\tsh b.sh\n";
        let make = |after: &str| compare(Language::Make, base, after).map(|found| found.how);
        assert_eq!(make(&format!("{base}lint:\n\teslint .\n")), None);
        assert_eq!(
            make(&format!("# why\n{}lint: all\n\tx\n", base.replace("PHONY: test", "PHONY: test lint"))),
            None
        );
        for after in [
            format!("{base}test:\n\ttrue\n"),
            format!("{base}.IGNORE:\n"),
            format!("{base}SHELL = /bin/true\n"),
            format!("lint:\n\ttrue\n{base}"),
            base.replace("\tsh b.sh", "lint:\n\tsh b.sh"),
            base.replace("\tsh a.sh", "\t-sh a.sh"),
            format!("{base}%.sh:\n\ttrue\n"),
            format!("{base}include more.mk\n"),
        ] {
            assert_eq!(make(&after), Some(How::GateChanged), "{after}");
        }
    }

    #[test]
    fn comments_of_a_script_may_change() {
        let base = "#!/bin/sh\n# old\nset -e\nsh a.sh\n";
        let shell = |after: &str| compare(Language::Shell, base, after);
        assert_eq!(shell("#!/bin/sh\nset -e\n\n# new\nsh a.sh\n"), None);
        assert!(shell(&base.replace("/bin/sh", "/bin/true")).is_some());
        let found = shell(&base.replace("sh a.sh", "true")).unwrap();
        assert_eq!((found.line, found.was.as_deref()), (Some(4), Some("sh a.sh")));
        let added = shell(&format!("{base}exit 0\n")).unwrap();
        assert_eq!((added.line, added.was.as_deref()), (Some(5), Some("exit 0")));
    }
}
