//! Helpers that forge their answers: each a named fault, and the project as it was.

use git2::{ObjectType, Oid};

use super::sample::{Sample, work};
use crate::home::frame::{self, Kind};
use crate::home::pack::PackWriter;
use crate::home::talk::{Listed, PlaceHead, PlaceRefs, Reported};
use crate::repository::object_id;

/// An object by its kind and bytes.
type Object = (ObjectType, Vec<u8>);

fn pack(objects: &[Object]) -> Vec<u8> {
    let mut writer = PackWriter::new(Vec::new(), u32::try_from(objects.len()).unwrap()).unwrap();
    for (kind, data) in objects {
        writer.begin(*kind, u64::try_from(data.len()).unwrap()).unwrap();
        writer.data(data).unwrap();
        writer.end(Oid::hash_object(*kind, data).unwrap(), *kind).unwrap();
    }
    writer.finish().unwrap().0
}

/// An answer whose work branch and HEAD are at `tip`.
fn answer(tip: Oid, pack: &[u8]) -> Vec<u8> {
    let tip = Some(object_id(tip).unwrap());
    let head = PlaceHead { commit: tip.clone(), branch: Some(work()) };
    let refs = PlaceRefs { head, branch: tip, ..PlaceRefs::default() };
    let listed = serde_json::to_vec(&Listed { refs, ..Listed::default() }).unwrap();
    let mut bytes = Vec::new();
    frame::write(&mut bytes, Kind::Refs, &(), &listed).unwrap();
    // In two pieces, as a pack may come.
    let (one, other) = pack.split_at(pack.len() / 2);
    for piece in [one, other] {
        frame::write(&mut bytes, Kind::Pack, &(), piece).unwrap();
    }
    frame::write(&mut bytes, Kind::PackEnd, &(), &[]).unwrap();
    frame::write(&mut bytes, Kind::Done, &(), &[]).unwrap();
    bytes
}

fn id(object: &Object) -> Oid {
    Oid::hash_object(object.0, &object.1).unwrap()
}

fn tree(entries: &[(&str, &str, Oid)]) -> Object {
    let mut data = Vec::new();
    for (mode, name, id) in entries {
        data.extend(format!("{mode} {name}\0").as_bytes());
        data.extend(id.as_bytes());
    }
    (ObjectType::Tree, data)
}

fn commit(tree: Oid, more: &str) -> Object {
    let text = format!("tree {tree}\n{more}author a <a@b> 1 +0000\ncommitter a <a@b> 1 +0000\n\nm\n");
    (ObjectType::Commit, text.into_bytes())
}

fn blob(text: &str) -> Object {
    (ObjectType::Blob, text.as_bytes().to_vec())
}

/// Sends a commit with one tree, and returns what is said of it.
fn with_tree(sample: &Sample, tree: Object, more: &[Object]) -> String {
    let head = commit(id(&tree), "");
    let tip = id(&head);
    let objects: Vec<Object> = [head, tree].into_iter().chain(more.iter().cloned()).collect();
    sample.fault(&answer(tip, &pack(&objects)))
}

#[test]
fn an_honest_answer_made_by_hand_is_taken() {
    let sample = Sample::new();
    let file = blob("x");
    let tree = tree(&[("100644", "x", id(&file))]);
    let head = commit(id(&tree), &format!("parent {}\n", sample.base()));
    let answer = answer(id(&head), &pack(&[head.clone(), tree, file]));
    sample.take(&answer, false).unwrap();
    assert_eq!(sample.refs()[&work()], id(&head).to_string());
    sample.fsck();
}

#[test]
fn trees_that_would_mislead_a_file_system_are_refused() {
    let sample = Sample::new();
    let file = blob("x");
    let of = |entries: &[(&str, &str, Oid)]| with_tree(&sample, tree(entries), std::slice::from_ref(&file));
    let x = id(&file);
    for name in
        [".git", ".GIT", "git~1", ".git ", ".g\u{200c}it", ".git::$INDEX_ALLOCATION", "..", ".", "", "a/b"]
    {
        let said = of(&[("100644", name, x)]);
        assert!(said.contains("a file system could take") || said.contains("malformed"), "{name}: {said}");
    }
    for (entries, reason) in [
        (vec![("100644", "b", x), ("100644", "a", x)], "is not sorted"),
        (vec![("100644", "a", x), ("100644", "a", x)], "twice"),
        (vec![("100644", "a", x), ("100644", "a.b", x), ("40000", "a", x)], "twice"),
        (vec![("100600", "a", x)], "with the mode 100600"),
        (vec![("0100644", "a", x)], "with the mode 0100644"),
        (vec![("120000", ".gitmodules", x)], "symbolic link named `.gitmodules`"),
        (vec![("100644", "a", Oid::ZERO_SHA1)], "an id of zeros"),
        (vec![("40000", "a", x)], "which is a file"),
        (vec![("100644", "a", sample.base())], "which is a commit"),
    ] {
        let said = of(&entries);
        assert!(said.contains(reason), "{reason}: {said}");
    }
    let said = with_tree(&sample, (ObjectType::Tree, b"100644 a\0short".to_vec()), &[]);
    assert!(said.contains("cut off or malformed"), "{said}");
    sample.fsck();
}

#[test]
fn modules_that_would_run_something_are_refused() {
    let sample = Sample::new();
    for (text, reason) in [
        ("[submodule \"a\"]\n\tpath = a\n\turl = --upload-pack=x\n", "a url that git takes for an option"),
        ("[submodule \"a\"]\n\tpath = \"-x\"\n", "a path that git takes for an option"),
        ("[submodule \"../../x\"]\n\tpath = a\n", "whose folder would be elsewhere"),
        ("[submodule \"a\"]\n\tupdate = !touch x\n", "a command that git would run"),
    ] {
        let file = blob(text);
        let said = with_tree(&sample, tree(&[("100644", ".gitmodules", id(&file))]), &[file]);
        assert!(said.contains(reason), "{reason}: {said}");
    }
    sample.fsck();
}

#[test]
fn commits_and_tags_that_are_malformed_are_refused() {
    let sample = Sample::new();
    let base = sample.repository.library().unwrap().find_commit(sample.base()).unwrap().tree_id();
    let person = "author a <a@b> 1 +0000\ncommitter a <a@b> 1 +0000\n";
    for (text, reason) in [
        (format!("{person}\nm\n"), "no `tree` line"),
        (format!("tree {base}\nparent x\n{person}\nm\n"), "`parent` line that holds no object id"),
        (format!("tree {base}\ncommitter a <a@b> 1 +0000\n\nm\n"), "no `author` line"),
        (format!("tree {base}\n{person}author a <a@b> 1 +0000\n\nm\n"), "second `author` line"),
        (format!("tree {base}\n{person}\nm\0\n"), "a NUL byte"),
        (
            format!("tree {base}\nauthor a 1 +0000\ncommitter a <a@b> 1 +0000\n\nm\n"),
            "without a mail address",
        ),
        (
            format!("tree {base}\nauthor a <a@b> x +0000\ncommitter a <a@b> 1 +0000\n\nm\n"),
            "no number of seconds",
        ),
        (format!("tree {base}\nauthor a <a@b> 1 zone\ncommitter a <a@b> 1 +0000\n\nm\n"), "time zone"),
        (format!("tree {}\n{person}\nm\n", "1".repeat(40)), "which does not exist"),
        (format!("tree {base}\nparent {}\n{person}\nm\n", "1".repeat(40)), "which does not exist"),
        (format!("tree {}\n{person}\nm\n", sample.base()), "which is a commit"),
    ] {
        let head = (ObjectType::Commit, text.into_bytes());
        let said = sample.fault(&answer(id(&head), &pack(&[head])));
        assert!(said.contains(reason), "{reason}: {said}");
    }
    let tag = (ObjectType::Tag, format!("object {base}\ntype tree\ntag ../x\n\nm\n").into_bytes());
    let said = sample.fault(&answer(sample.base(), &pack(&[tag])));
    assert!(said.contains("no name of a tag"), "{said}");
    sample.fsck();
}

#[test]
fn packs_that_are_not_what_they_say_are_refused() {
    let sample = Sample::new();
    let file = blob("x");
    let whole = pack(std::slice::from_ref(&file));
    let of = |bytes: &[u8]| sample.fault(&answer(sample.base(), bytes));
    let mut checksum = whole.clone();
    *checksum.last_mut().unwrap() ^= 1;
    let at = |index: usize, byte: u8| {
        let mut bytes = whole.clone();
        bytes[index] = byte;
        bytes
    };
    for (bytes, reason) in [
        (checksum, "a wrong checksum"),
        ([whole.as_slice(), b"x"].concat(), "goes on after its end"),
        (whole[..whole.len() - 1].to_vec(), "is cut off"),
        (whole[..15].to_vec(), "is cut off"),
        (at(7, 3), "no pack of version 2"),
        (at(11, 2), "unknown kind"),
        (at(12, 6 << 4 | 1), "has a delta"),
        (at(12, 7 << 4 | 1), "has a delta"),
        (at(12, 5 << 4 | 1), "the unknown kind 5"),
        (at(12, 3 << 4 | 2), "smaller than it says"),
        (at(12, 3 << 4), "larger than it says"),
        (at(13, 0), "cannot be inflated"),
        (pack(&[file.clone(), file.clone()]), "twice"),
        (Vec::new(), "is cut off"),
    ] {
        let said = of(&bytes);
        assert!(said.starts_with("refused: its pack"), "{reason}: {said}");
        // The first byte after a whole object may be taken for the header of any.
        assert!(said.contains(reason) || reason == "unknown kind", "{reason}: {said}");
    }
    sample.fsck();
}

#[test]
fn answers_that_are_none_are_refused() {
    let sample = Sample::new();
    let good = answer(sample.base(), &pack(&[blob("x")]));
    let tip = Oid::from_str(&"1".repeat(40)).unwrap();
    let said = sample.fault(&answer(tip, &pack(&[blob("x")])));
    assert!(said.contains("leads to the object 1111") && said.contains("does not exist"), "{said}");
    let file = blob("x");
    let said = sample.fault(&answer(id(&file), &pack(&[file])));
    assert!(said.contains("which is a file"), "{said}");
    // Cut off anywhere.
    for length in [0, 5, 20, good.len() / 2, good.len() - 1] {
        assert!(sample.fault(&good[..length]).starts_with("pipe: "), "{length}");
    }
    assert!(sample.fault(&[&b"garbage\n"[..], &good].concat()).contains("garbage"));
    // A list twice, or too late; refs that are none.
    assert!(sample.fault(&[&good[..good.len() - 10], &good].concat()).starts_with("pipe: "));
    let mut refs = PlaceRefs::default();
    refs.others.insert("refs/../x".to_owned(), object_id(sample.base()).unwrap());
    let mut bytes = Vec::new();
    let listed = serde_json::to_vec(&Listed { refs, ..Listed::default() }).unwrap();
    frame::write(&mut bytes, Kind::Refs, &(), &listed).unwrap();
    frame::write(&mut bytes, Kind::Done, &(), &[]).unwrap();
    assert!(sample.fault(&bytes).contains("refs that are none"));
    // A fault in the middle of a pack, which the helper names.
    let mut bytes = good[..good.windows(5).position(|at| at == b"pack ").unwrap()].to_vec();
    frame::write(&mut bytes, Kind::Pack, &(), b"PACK\0\0\0\x02\0\0\0\x01").unwrap();
    let reported = Reported { path: String::new(), reason: "lost\u{1b}[31m".to_owned() };
    frame::write(&mut bytes, Kind::Fault, &reported, &[]).unwrap();
    assert_eq!(sample.fault(&bytes), "named: lost\\u{1b}[31m");
    sample.fsck();
}

#[test]
fn folders_that_are_nested_without_end_are_refused() {
    let sample = Sample::new();
    let file = blob("x");
    let mut objects = vec![tree(&[("100644", "x", id(&file))]), file];
    for _ in 0..5_000 {
        let below = id(objects.last().unwrap());
        let below = if objects.len() == 2 { id(&objects[0]) } else { below };
        objects.push(tree(&[("40000", "d", below)]));
    }
    let head = commit(id(objects.last().unwrap()), "");
    objects.push(head.clone());
    let said = sample.fault(&answer(id(&head), &pack(&objects)));
    assert!(said.contains("nests more than 4096 folders"), "{said}");
    sample.fsck();
}
