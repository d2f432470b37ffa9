//! Honest work in all its forms.

use std::fs;

use git2::Oid;

use super::sample::{BRANCH, Sample, commit, git, text, work};
use crate::home::record::Home;

fn id(oid: Oid) -> Option<paddock_model::ids::ObjectId> {
    Some(crate::repository::object_id(oid).unwrap())
}

fn kept(oid: Oid) -> String {
    format!("refs/paddock/places/o-1/{oid}")
}

#[test]
fn commits_and_merges_come_home_and_nothing_is_written_without_news() {
    let sample = Sample::new();
    let first = sample.work(&[("a", "2\n")]);
    assert_eq!(sample.bring().branch, id(first));
    let library = sample.library();
    let side = commit(&library, None, &[sample.base()], &[("e/f/g", "side\n")]);
    let merge = commit(&library, Some(&work()), &[first, side], &[("e/f/g", "side\n")]);
    let home = sample.bring();
    assert_eq!((home.branch.clone(), home.head.commit.clone()), (id(merge), id(merge)));
    assert_eq!(home.head.branch, Some(work()));
    assert_eq!(sample.refs()[&work()], merge.to_string());
    assert_eq!(Home::read(&sample.shadow()), Some(home.clone()));
    sample.fsck();
    let before = sample.state();
    let record = fs::metadata(sample.shadow().join("home.json")).unwrap().modified().unwrap();
    assert_eq!(sample.bring(), home);
    assert_eq!(sample.state(), before);
    assert_eq!(fs::metadata(sample.shadow().join("home.json")).unwrap().modified().unwrap(), record);
    // Two brings made one pack, which is kept while the place lives.
    let count = |ending: &str| sample.state().keys().filter(|name| name.ends_with(ending)).count();
    assert_eq!((count(".pack"), count(".idx"), count(".keep")), (1, 1, 1));
    sample.take(&sample.answer(true), true).unwrap();
    assert_eq!((count(".pack"), count(".idx"), count(".keep")), (1, 1, 0));
    sample.fsck();
}

#[test]
fn what_was_rewritten_is_kept_while_the_place_lives() {
    let sample = Sample::new();
    let first = sample.work(&[("a", "first\n")]);
    sample.bring();
    let amended = commit(&sample.library(), None, &[sample.base()], &[("a", "amended\n")]);
    sample.library().reference(&work(), amended, true, "amend").unwrap();
    assert_eq!(sample.bring().branch, id(amended));
    let refs = sample.refs();
    assert_eq!((&refs[&work()], &refs[&kept(first)]), (&amended.to_string(), &first.to_string()));
    sample.fsck();
}

#[test]
fn detached_heads_branches_tags_and_stashes_are_kept_beside_the_branch() {
    let sample = Sample::new();
    let library = sample.library();
    let base = sample.base();
    let [detached, branch, tagged, stashed, older] =
        ["1", "2", "3", "4", "5"].map(|text| commit(&library, None, &[base], &[("x", text)]));
    library.set_head_detached(detached).unwrap();
    library.reference("refs/heads/other", branch, true, "").unwrap();
    let signature = git2::Signature::new("a", "a@b", &git2::Time::new(1, 0)).unwrap();
    let tag =
        library.tag("v1", &library.find_object(tagged, None).unwrap(), &signature, "v1", false).unwrap();
    library.reference("refs/stash", stashed, true, "").unwrap();
    let line = |from: Oid, to: Oid, text: &str| format!("{from} {to} a <a@b> 1 +0000\tOn {BRANCH}: {text}\n");
    let zero = Oid::ZERO_SHA1;
    fs::create_dir_all(sample.place().join(".git/logs/refs")).unwrap();
    let log = sample.place().join(".git/logs/refs/stash");
    fs::write(log, line(zero, older, "one") + &line(older, stashed, "two")).unwrap();
    // Packed refs count as loose ones do.
    git(&sample.place(), &["pack-refs", "--all"]);
    let home = sample.bring();
    assert_eq!((home.head.commit.clone(), home.head.branch.clone()), (id(detached), None));
    assert_eq!(home.branch, id(base));
    let names: Vec<&str> = home.refs.keys().map(String::as_str).collect();
    assert_eq!(names, ["refs/heads/other", "refs/tags/v1"]);
    let stashes: Vec<_> =
        home.stashes.iter().map(|entry| (entry.commit.clone(), entry.message().to_owned())).collect();
    let named = |oid: Oid, text: &str| (id(oid).unwrap(), format!("On {BRANCH}: {text}"));
    assert_eq!(stashes, [named(older, "one"), named(stashed, "two")]);
    for tip in [detached, branch, tag, stashed, older] {
        assert_eq!(sample.refs()[&kept(tip)], tip.to_string());
    }
    assert!(sample.has(tagged));
    assert_eq!(sample.refs()[&work()], base.to_string());
    sample.fsck();
}

#[test]
fn what_is_fetched_from_integration_is_not_kept_twice_and_known_tags_are_not_sent() {
    let sample = Sample::new();
    let base = sample.base();
    let library = sample.repository.library().unwrap();
    library.reference("refs/paddock/integration/main", base, true, "").unwrap();
    sample.library().reference("refs/remotes/origin/main", base, true, "").unwrap();
    let home = sample.bring();
    assert_eq!(home.refs.len(), 1);
    assert!(!sample.refs().contains_key(&kept(base)));
}

#[test]
fn at_the_end_staged_files_the_index_and_operations_come_as_well() {
    let sample = Sample::new();
    let head = sample.work(&[("a", "committed\n")]);
    let place = sample.place();
    git(&place, &["reset", "-q", "--hard"]);
    fs::write(place.join("staged"), "only staged\n").unwrap();
    fs::write(place.join("later"), "not even that\n").unwrap();
    git(&place, &["add", "staged"]);
    git(&place, &["add", "-N", "later"]);
    fs::write(place.join(".git/MERGE_HEAD"), format!("{head}\n")).unwrap();
    fs::create_dir(place.join(".git/rebase-merge")).unwrap();
    let staged = Oid::hash_object(git2::ObjectType::Blob, b"only staged\n").unwrap();
    sample.bring();
    assert!(!sample.has(staged));
    fs::write(sample.shadow().join("REVERT_HEAD"), "").unwrap();
    let home = sample.take(&sample.answer(true), true).unwrap();
    assert_eq!(home.left, []);
    assert!(sample.has(staged));
    // A ref keeps it.
    sample.git(&["gc", "--quiet", "--prune=now"]);
    assert!(sample.has(staged));
    let shadow = sample.shadow();
    assert_eq!(fs::read_to_string(shadow.join("HEAD")).unwrap(), format!("ref: {}\n", work()));
    assert_eq!(fs::read(shadow.join("index")).unwrap(), fs::read(place.join(".git/index")).unwrap());
    assert!(shadow.join("MERGE_HEAD").is_file() && shadow.join("rebase-merge").is_dir());
    assert!(!shadow.join("REVERT_HEAD").exists());
    sample.library().set_head_detached(sample.base()).unwrap();
    fs::remove_file(place.join(".git/index")).unwrap();
    sample.take(&sample.answer(true), true).unwrap();
    assert_eq!(fs::read_to_string(shadow.join("HEAD")).unwrap(), format!("{}\n", sample.base()));
    assert!(!shadow.join("index").exists());
    sample.fsck();
}

#[test]
fn an_index_that_cannot_be_used_is_named_and_replaced_by_one_of_head() {
    let sample = Sample::new();
    let head = sample.work(&[("new", "x\n")]);
    let index = sample.place().join(".git/index");
    let blob = sample.base().to_string();
    for (broken, reason) in [("garbage".to_owned(), "cannot be read"), (blob, "cannot be read")] {
        fs::write(&index, broken).unwrap();
        let home = sample.take(&sample.answer(true), true).unwrap();
        assert_eq!(home.left.len(), 1);
        assert!(home.left[0].path == ".git/index" && home.left[0].reason.contains(reason), "{:?}", home.left);
        let made = git2::Index::open(&sample.shadow().join("index")).unwrap();
        assert_eq!(made.len(), 3);
    }
    assert_eq!(sample.bring().branch, id(head));
}

#[test]
fn five_thousand_files_come_home_at_once() {
    let sample = Sample::new();
    let library = sample.library();
    let mut builder = library.treebuilder(None).unwrap();
    for at in 0..5_000 {
        let blob = library.blob(format!("{at}\n").as_bytes()).unwrap();
        builder.insert(format!("f{at:04}"), blob, 0o100_644).unwrap();
    }
    let tree = library.find_tree(builder.write().unwrap()).unwrap();
    let signature = git2::Signature::new("a", "a@b", &git2::Time::new(1, 0)).unwrap();
    let parent = library.find_commit(sample.base()).unwrap();
    let made = library.commit(Some(&work()), &signature, &signature, "many", &tree, &[&parent]).unwrap();
    assert_eq!(sample.bring().branch, id(made));
    sample.fsck();
}

#[test]
fn a_branch_that_somebody_else_moved_is_left_and_the_places_commit_kept() {
    let sample = Sample::new();
    let mine = sample.work(&[("a", "mine\n")]);
    let library = sample.repository.library().unwrap();
    let theirs = commit(&library, Some(&work()), &[sample.base()], &[("a", "theirs\n")]);
    let said = text(sample.take(&sample.answer(false), false).unwrap_err());
    assert!(said.contains(&format!("{theirs}")[..10]) && said.contains("refs/paddock/kept/o/"), "{said}");
    let refs = sample.refs();
    assert_eq!(refs[&work()], theirs.to_string());
    assert_eq!(refs[&format!("refs/paddock/kept/o/{}", &mine.to_string()[..10])], mine.to_string());
    sample.fsck();
}

#[test]
fn without_a_record_a_branch_that_goes_on_is_taken_and_another_is_not() {
    let sample = Sample::new();
    fs::remove_file(sample.shadow().join("home.json")).unwrap();
    let first = sample.work(&[("a", "2\n")]);
    assert_eq!(sample.bring().branch, id(first));
    fs::remove_file(sample.shadow().join("home.json")).unwrap();
    let other = commit(&sample.library(), None, &[sample.base()], &[("a", "3\n")]);
    sample.library().reference(&work(), other, true, "").unwrap();
    assert!(text(sample.take(&sample.answer(false), false).unwrap_err()).contains("refs/paddock/kept/o/"));
    assert_eq!(sample.refs()[&work()], first.to_string());
}

#[test]
fn a_place_without_its_branch_leaves_the_projects_as_it_is() {
    let sample = Sample::new();
    let first = sample.work(&[("a", "2\n")]);
    sample.bring();
    let library = sample.library();
    library.reference("refs/heads/renamed", first, true, "").unwrap();
    library.set_head("refs/heads/renamed").unwrap();
    library.find_reference(&work()).unwrap().delete().unwrap();
    let home = sample.bring();
    assert_eq!((home.branch, home.head.branch.as_deref()), (id(first), Some("refs/heads/renamed")));
    assert_eq!(sample.refs()[&work()], first.to_string());
}

#[test]
fn a_crash_between_any_two_steps_is_repaired_by_the_next_bring() {
    let sample = Sample::new();
    let first = sample.work(&[("a", "2\n")]);
    let name = "pack-0000000000000000000000000000000000000000.keep";
    // Left by a crash: a pack that is complete and kept, an intent to move, rest in quarantine.
    sample.bring();
    let record = |moving: Oid, branch: Oid| {
        let home = Home { branch: id(branch), moving: id(moving), ..Home::default() };
        home.write(&sample.shadow()).unwrap();
    };
    let pack = sample.store().join("pack");
    fs::create_dir_all(sample.shadow().with_file_name("o-2")).unwrap();
    fs::write(pack.join(name), "paddock brings home from o-1\n").unwrap();
    fs::write(pack.join("pack-1.keep"), "paddock brings home from o-2\n").unwrap();
    let rest = sample.repository.common_dir().join("paddock/quarantine/home-o-1");
    fs::create_dir_all(&rest).unwrap();
    fs::write(rest.join("home.pack"), "x").unwrap();
    // The branch has moved and the record says that it was about to.
    record(first, sample.base());
    let second = sample.work(&[("a", "3\n")]);
    assert_eq!(sample.bring().branch, id(second));
    assert!(!rest.exists() && !pack.join(name).exists() && pack.join("pack-1.keep").exists());
    // The record says that the branch was about to move, and it has not.
    sample.repository.library().unwrap().reference(&work(), first, true, "").unwrap();
    record(second, first);
    assert_eq!(sample.bring().branch, id(second));
    assert_eq!(sample.refs()[&work()], second.to_string());
}

#[test]
fn many_small_packs_become_few_and_none_is_joined_that_git_has_listed() {
    let sample = Sample::new();
    for at in 0..40 {
        sample.work(&[("a", &format!("{at}\n"))]);
        sample.bring();
    }
    let count = |ending: &str| sample.state().keys().filter(|name| name.ends_with(ending)).count();
    let packs = count(".pack");
    assert!(packs <= 6 && count(".keep") == packs && count(".idx") == packs, "{packs} packs");
    sample.fsck();
    // A file of git's that names packs is only right while they are there.
    sample.git(&["multi-pack-index", "write"]);
    sample.work(&[("a", "more\n")]);
    sample.bring();
    assert_eq!(count(".pack"), packs + 1);
    sample.git(&["multi-pack-index", "verify"]);
    sample.fsck();
    // A place that is gone keeps no pack.
    fs::rename(sample.shadow(), sample.shadow().with_file_name("gone")).unwrap();
    crate::home::kept_packs::let_go_of_the_gone(&sample.repository, sample.shadow().parent().unwrap())
        .unwrap();
    assert_eq!((count(".pack"), count(".keep")), (packs + 1, 0));
}

#[test]
fn what_is_staged_is_kept_also_if_an_earlier_bring_died_before_it_was() {
    let sample = Sample::new();
    let place = sample.place();
    git(&place, &["reset", "-q", "--hard"]);
    fs::write(place.join("staged"), "only staged\n").unwrap();
    git(&place, &["add", "staged"]);
    // The project has the content already, and no ref leads to it.
    let staged = sample.repository.library().unwrap().blob(b"only staged\n").unwrap();
    sample.take(&sample.answer(true), true).unwrap();
    let before = sample.state();
    sample.take(&sample.answer(true), true).unwrap();
    assert_eq!(sample.state(), before);
    sample.git(&["gc", "--quiet", "--prune=now"]);
    assert!(sample.has(staged));
    sample.fsck();
}

#[test]
fn work_on_a_shallow_project_comes_home() {
    let sample = Sample::new();
    // The parent of the first commit is cut off.
    let project = sample.repository.library().unwrap();
    let (base, tree) = (sample.base(), project.find_commit(sample.base()).unwrap().tree_id());
    let missing = "1111111111111111111111111111111111111111";
    let text =
        format!("tree {tree}\nparent {missing}\nauthor a <a@b> 1 +0000\ncommitter a <a@b> 1 +0000\n\nm\n");
    let shallow = project.odb().unwrap().write(git2::ObjectType::Commit, text.as_bytes()).unwrap();
    fs::write(sample.repository.common_dir().join("shallow"), format!("{shallow}\n")).unwrap();
    fs::write(sample.place().join(".git/shallow"), format!("{shallow}\n")).unwrap();
    for name in ["refs/heads/main".to_owned(), work()] {
        project.reference(&name, shallow, true, "").unwrap();
    }
    Home::begin(&sample.shadow(), &id(shallow).unwrap()).unwrap();
    sample.library().reference(&work(), shallow, true, "").unwrap();
    let first = sample.work(&[("a", "2\n")]);
    assert_eq!(sample.bring().branch, id(first));
    // Also a branch that has nothing to do with it.
    sample.library().reference(&work(), base, true, "").unwrap();
    assert_eq!(sample.bring().branch, id(base));
    assert_eq!(sample.refs()[&kept(first)], first.to_string());
    sample.fsck();
}
