//! Trees are parsed once each, however many paths are looked up in them.

use git2::{FileMode, Oid};

use super::branch::read_branch;
use super::harvest::{bad_links, facts_of, net_paths};
use super::objects::changed_paths;
use super::radar::Radar;
use super::repository::{Repository, object_id, oid};
use super::sample_trees::SampleTrees;
use super::snapshot::{FOLDER, Snapshot, count};
use super::tampering::Guarded;
use paddock_model::ids::ObjectId;
use paddock_model::path::RepoPath;
use paddock_model::scope::Globs;
use paddock_model::tamper::patterns;

/// Files that each commit adds to one folder.
const FILES: usize = 1_000;
/// Trees that one reader may parse: both tops and the folder on both sides, by two or three looks at them.
const PARSED_MAX: usize = 16;

/// Commits files with the same content, so that one object is written for all.
fn commit_many(sample: &SampleTrees, parent: &ObjectId, name: &str, files: usize, text: &str) -> ObjectId {
    let names: Vec<String> = (0..files).map(|number| format!("many/{name}{number:06}.py")).collect();
    let files: Vec<(&str, Option<&str>)> = names.iter().map(|path| (path.as_str(), Some(text))).collect();
    sample.commit(Some(parent), &files)
}

#[test]
fn each_reader_of_a_branch_parses_each_folder_once_however_many_files_are_in_it() {
    let sample = SampleTrees::new();
    let start = sample.commit(None, &[("README", Some("x"))]);
    let base = commit_many(&sample, &start, "f", FILES, "a = 1\n");
    let head = commit_many(&sample, &base, "f", FILES, "a = 2\n");
    let head = commit_many(&sample, &head, "test_", FILES, "def test_a():\n    assert 1\n");
    let repository = &sample.repository;
    let library = repository.library().unwrap();
    let tests = Globs::new(&patterns(None)).unwrap();
    let guarded = Guarded { tests: tests.clone(), commands: vec!["pytest".to_owned()] };
    let parsed = |what: &str, act: &dyn Fn()| {
        let ((), parsed) = count::while_running(act);
        assert!((1..=PARSED_MAX).contains(&parsed), "{what} parsed {parsed} trees");
    };
    parsed("the harvest", &|| {
        let commit = library.find_commit(oid(&head).unwrap()).unwrap();
        assert_eq!(facts_of(&library, &commit, false).unwrap().paths.len(), FILES);
        let paths = net_paths(&library, &base, &head).unwrap();
        assert_eq!(paths.len(), 2 * FILES);
        assert!(bad_links(&library, &head, &paths).unwrap().is_empty());
    });
    parsed("the search for secrets", &|| {
        assert!(read_branch(repository, &base, &head, &[]).unwrap().secrets.is_empty());
    });
    parsed("the marks", &|| drop(repository.marks(&base, &head, &tests).unwrap()));
    parsed("the guard", &|| drop(repository.tampering(&base, &head, &guarded).unwrap()));
    parsed("lost tests", &|| drop(repository.lost_tests(&base, &head).unwrap()));
    parsed("changed tests", &|| drop(repository.changed_tests(&base, &head, &tests).unwrap()));
    let other = commit_many(&sample, &base, "g", FILES, "a = 3\n");
    parsed("the radar", &|| {
        let heads = [head.clone(), other.clone()];
        assert!(Radar::default().scan(repository, &base, &heads).unwrap().is_empty());
    });
}

fn tree_of(repository: &Repository, commit: &ObjectId) -> Oid {
    let library = repository.library().unwrap();
    let commit = library.find_commit(oid(commit).unwrap()).unwrap();
    commit.tree_id()
}

#[test]
fn a_lookup_finds_what_libgit2_finds() {
    let sample = SampleTrees::new();
    let files = ["a", "a.b", "ab/c/d", "ab/c/e", "ab.c", "abc", "b/a", "b/a-b", "b/a0"];
    let given: Vec<(&str, Option<&str>)> = files.iter().map(|path| (*path, Some("x"))).collect();
    let commit = sample.commit(None, &given);
    let library = sample.repository.library().unwrap();
    let id = tree_of(&sample.repository, &commit);
    let (tree, snapshot) = (library.find_tree(id).unwrap(), Snapshot::new(&library, Some(id)));
    let others = ["ab", "ab/", "ab/c", "a/", "a/b", "b/", "b/a/x", "b/b", "c", "ab/c/d/", "/a", "ab//c"];
    for path in files.iter().chain(&others) {
        let wanted = tree.get_path(std::path::Path::new(path)).ok().map(|e| (e.id(), e.filemode_raw()));
        assert_eq!(snapshot.entry(&RepoPath::from(*path)), wanted, "{path}");
    }
    assert!(snapshot.entry(&RepoPath::from("ab")).is_some_and(|(_, mode)| mode == FOLDER));
    assert_eq!(snapshot.entry(&RepoPath::from("")), None);
    assert_eq!(Snapshot::new(&library, None).entry(&RepoPath::from("a")), None);
}

#[test]
fn files_that_become_folders_and_names_that_git_sorts_apart_are_compared() {
    let sample = SampleTrees::new();
    let one = sample.commit(None, &[("a", Some("1")), ("a.b", Some("1")), ("d/x", Some("1"))]);
    let files = [("a/x", Some("1")), ("a.b", Some("2")), ("a0", Some("1")), ("d", Some("1"))];
    let other = sample.commit(None, &files);
    let library = sample.repository.library().unwrap();
    let trees = [one, other].map(|commit| tree_of(&sample.repository, &commit));
    let wanted = ["a", "a.b", "a/x", "a0", "d", "d/x"];
    for (old, new) in [(trees[0], trees[1]), (trees[1], trees[0])] {
        let found = changed_paths(&library, Some(old), Some(new)).unwrap();
        assert_eq!(found.iter().map(ToString::to_string).collect::<Vec<_>>(), wanted);
    }
    assert_eq!(changed_paths(&library, None, Some(trees[0])).unwrap().len(), 3);
}

#[test]
fn no_entry_of_an_unsorted_tree_is_passed_over() {
    let sample = SampleTrees::new();
    let library = sample.repository.library().unwrap();
    let [one, two] = ["1", "2"].map(|text| library.blob(text.as_bytes()).unwrap());
    let tree = |entries: &[(&str, Oid)]| {
        let mut bytes = Vec::new();
        for (name, id) in entries {
            bytes.extend_from_slice(format!("{:o} {name}\0", i32::from(FileMode::Blob)).as_bytes());
            bytes.extend_from_slice(id.as_bytes());
        }
        library.odb().unwrap().write(git2::ObjectType::Tree, &bytes).unwrap()
    };
    let sorted = tree(&[("a", one), ("b", one), ("c", one)]);
    let unsorted = tree(&[("c", one), ("b", two), ("a", one), ("a", two)]);
    let found = changed_paths(&library, Some(sorted), Some(unsorted)).unwrap();
    assert!(found.contains(&RepoPath::from("b")) && found.contains(&RepoPath::from("a")), "{found:?}");
    let same = object_id(sorted).unwrap();
    assert!(changed_paths(&library, Some(oid(&same).unwrap()), Some(sorted)).unwrap().is_empty());
}
