//! Diffs of branches and landings, as `diff` and the console show them.

use paddock_git::{DiffLineKind, Range};

use super::support::{Home, commit_all, git, write};

fn branch() -> Range {
    Range::Branch { base: "refs/heads/master".to_owned(), branch: "topic".to_owned() }
}

#[test]
fn a_branch_is_compared_with_its_merge_base_despite_later_landings() {
    let home = Home::new();
    write(&home.root, "kept.txt", "one\ntwo\nthree\n");
    write(&home.root, "moved.txt", "the same\n");
    commit_all(&home.root, "base");
    git(&home.root, &["checkout", "-q", "-b", "topic"]);
    write(&home.root, "kept.txt", "one\nzwei\nthree\n");
    write(&home.root, "登录 页.txt", "新\n");
    std::fs::write(home.root.join("bytes"), b"\x00\xff\x00").unwrap();
    git(&home.root, &["mv", "moved.txt", "elsewhere.txt"]);
    commit_all(&home.root, "topic");
    git(&home.root, &["checkout", "-q", "master"]);
    write(&home.root, "other.txt", "landed meanwhile\n");
    commit_all(&home.root, "meanwhile");

    let found = home.repository().difference(&branch(), 1 << 20).unwrap().unwrap();
    let files: Vec<(String, Option<usize>, Option<usize>)> =
        found.files.iter().map(|file| (file.path.to_string(), file.added, file.removed)).collect();
    let named = |name: &str| files.iter().find(|(path, ..)| path.contains(name)).cloned();
    assert_eq!(named("kept.txt").unwrap(), ("kept.txt".to_owned(), Some(1), Some(1)));
    assert_eq!(named("登录").unwrap().1, Some(1));
    assert_eq!(named("other.txt"), None);
    let has = |kind, text: &str| found.lines.iter().any(|(of, line)| *of == kind && line == text);
    assert!(has(DiffLineKind::Removed, "-two") && has(DiffLineKind::Added, "+zwei"), "{:?}", found.lines);
    assert!(has(DiffLineKind::File, "elsewhere.txt  (was moved.txt)"), "{:?}", found.lines);
    assert!(has(DiffLineKind::File, "kept.txt"), "{:?}", found.lines);
    assert!(!found.is_cut);
}

#[test]
fn a_landing_is_compared_with_its_first_parent_and_a_missing_branch_is_none() {
    let home = Home::new();
    write(&home.root, "a.txt", "a\n");
    commit_all(&home.root, "base");
    write(&home.root, "b.txt", "b\n");
    let landed = commit_all(&home.root, "landed");
    let found = home.repository().difference(&Range::Landing(landed), 1 << 20).unwrap().unwrap();
    assert_eq!(found.files.len(), 1);
    assert_eq!(found.lines.last().unwrap(), &(DiffLineKind::Added, "+b".to_owned()));
    assert_eq!(home.repository().difference(&branch(), 1 << 20).unwrap(), None);
}

#[test]
fn a_huge_diff_is_cut_and_says_so() {
    let home = Home::new();
    write(&home.root, "a.txt", "a\n");
    commit_all(&home.root, "base");
    write(&home.root, "long.txt", &"line\n".repeat(100_000));
    let landed = commit_all(&home.root, "landed");
    let found = home.repository().difference(&Range::Landing(landed), 10_000).unwrap().unwrap();
    assert!(found.is_cut);
    assert!(found.lines.len() < 2_500, "{}", found.lines.len());
    assert_eq!(found.files[0].added, Some(100_000));
}
