//! The conflict radar, which predicts which branches will not merge.

use super::support::{Home, commit_all, git, head, write};
use paddock_git::Radar;
use paddock_model::ids::ObjectId;

fn branch(home: &Home, name: &str, change: impl FnOnce(&std::path::Path)) -> ObjectId {
    git(&home.root, &["checkout", "-q", "-b", name, "master"]);
    change(&home.root);
    let made = commit_all(&home.root, name);
    git(&home.root, &["checkout", "-q", "master"]);
    made
}

fn names(home: &Home, radar: &mut Radar, heads: &[ObjectId]) -> Vec<(usize, Option<usize>, String)> {
    let found = radar.scan(&home.repository(), &head(&home.root), heads).unwrap();
    found.into_iter().map(|clash| (clash.branch, clash.other, clash.paths[0].to_string())).collect()
}

#[test]
fn the_radar_finds_exactly_the_pairs_that_do_not_merge() {
    let home = Home::new();
    let heads = [
        branch(&home, "one", |root| write(root, "src/a.rs", "one\n")),
        branch(&home, "two", |root| write(root, "src/a.rs", "two\n")),
        branch(&home, "three", |root| write(root, "src/c.rs", "three\n")),
        branch(&home, "moved", |root| {
            git(root, &["mv", "src/a.rs", "src/moved.rs"]);
            write(root, "src/moved.rs", "moved\n");
        }),
        branch(&home, "folder", |root| write(root, "src/c.rs/inner.rs", "a folder where three has a file\n")),
        branch(&home, "nothing", |_| {}),
    ];
    let mut radar = Radar::default();
    let expected = [
        (0, Some(1), "src/a.rs".to_owned()),
        (0, Some(3), "src/a.rs".to_owned()),
        (1, Some(3), "src/a.rs".to_owned()),
        (2, Some(4), "src/c.rs".to_owned()),
    ];
    let found = names(&home, &mut radar, &heads);
    assert_eq!(found.iter().map(|(a, b, _)| (*a, *b)).collect::<Vec<_>>(), expected.map(|(a, b, _)| (a, b)));
    assert_eq!(found[0].2, "src/a.rs");
    write(&home.root, "src/a.rs", "landed\n");
    commit_all(&home.root, "landed");
    let found = names(&home, &mut radar, &heads[..3]);
    assert_eq!(
        found.iter().map(|(a, b, _)| (*a, *b)).collect::<Vec<_>>(),
        [(0, None), (0, Some(1)), (1, None)]
    );
}

#[test]
fn the_radar_leaves_nothing_in_the_repository() {
    let home = Home::new();
    let heads = [
        branch(&home, "one", |root| write(root, "src/a.rs", "a\none\n")),
        branch(&home, "two", |root| {
            git(root, &["rm", "-q", "README.md"]);
            write(root, "src/b.rs", "b\n");
        }),
    ];
    let before = git(&home.root, &["count-objects", "-v"]);
    assert_eq!(names(&home, &mut Radar::default(), &heads), []);
    // The merges are made in memory: objects on disk would pile up with every scan.
    assert_eq!(git(&home.root, &["count-objects", "-v"]), before);
    let left = std::fs::read_dir(home.root.join(".git/paddock")).unwrap().count();
    assert_eq!(left, 0);
}
