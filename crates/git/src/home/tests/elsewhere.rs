//! Helpers that forge what commits name and git keeps elsewhere: nothing of it enters the project.

use git2::{ObjectType, Oid};

use super::sample::{Sample, text};
use crate::home::elsewhere::Elsewhere;
use crate::home::fault::Fault;
use crate::home::frame::{self, Kind};
use crate::home::needs::{Found, Needs};
use crate::home::pack::PackWriter;
use crate::home::record::Home;
use crate::home::submodules::ModuleStore;
use crate::home::talk::Reported;
use crate::repository::object_id;

/// A content and its pointer.
const CONTENT: &str = "hello\n";
const POINTER: &str = "version https://git-lfs.github.com/spec/v1\n\
    oid sha256:5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03\nsize 6\n";
const FILE: &str = "lfs/objects/58/91/5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03";

/// A project to which a pointer has come home.
fn with_pointer() -> (Sample, Home) {
    let sample = Sample::new();
    sample.work(&[(".gitattributes", "*.bin filter=lfs\n"), ("a.bin", POINTER)]);
    let home = sample.bring();
    (sample, home)
}

/// Answers what the project asks for with `frames`, each with a body.
fn answered(sample: &Sample, home: &Home, frames: &[(Kind, &str)]) -> Result<Vec<String>, Fault> {
    let place = sample.home();
    let mut elsewhere = Elsewhere::read(&place, &sample.limits, (None, home), true)?;
    let needs = elsewhere.next().unwrap();
    assert_eq!((needs.files.len(), needs.commits.len()), (1, 0));
    let mut bytes = Vec::new();
    for (kind, body) in frames {
        let reported = Reported { path: String::new(), reason: "has none\u{1b}[2J".to_owned() };
        frame::write(&mut bytes, *kind, &reported, body.as_bytes()).unwrap();
    }
    elsewhere.take(&needs, &mut bytes.as_slice())?;
    assert_eq!(elsewhere.next(), None::<Needs>);
    Ok(elsewhere.left_behind(home)?.into_iter().map(|left| left.reason).collect())
}

#[test]
fn a_file_that_is_not_what_was_asked_for_is_refused_or_stays_behind() {
    let (sample, home) = with_pointer();
    let project = sample.repository.common_dir();
    for forged in [
        &[(Kind::Lfs, "hell\n"), (Kind::Done, "")][..],
        &[(Kind::Lfs, "hello\nworld"), (Kind::Done, "")],
        &[(Kind::Lfs, CONTENT)],
        &[(Kind::Lfs, CONTENT), (Kind::Lfs, CONTENT), (Kind::Done, "")],
        &[(Kind::Left, "a body")],
        &[(Kind::Pack, CONTENT), (Kind::Done, "")],
        &[(Kind::Done, "")],
        &[],
    ] {
        let fault = answered(&sample, &home, forged).unwrap_err();
        assert!(matches!(fault, Fault::Pipe(_)), "{forged:?}: {fault:?}");
        drop(std::fs::remove_file(project.join(FILE)));
    }
    let said = answered(&sample, &home, &[(Kind::Lfs, "HELLO\n"), (Kind::Done, "")]).unwrap();
    assert!(said[0].contains("something else than its name says"), "{said:?}");
    let said = answered(&sample, &home, &[(Kind::Left, ""), (Kind::Done, "")]).unwrap();
    assert!(said[0].contains(r"has none\u{1b}[2J"), "{said:?}");
    assert!(!project.join(FILE).exists());
    let frames = [(Kind::Alive, ""), (Kind::Lfs, CONTENT), (Kind::Done, "")];
    assert_eq!(answered(&sample, &home, &frames).unwrap(), Vec::<String>::new());
    assert_eq!(std::fs::read_to_string(project.join(FILE)).unwrap(), CONTENT);
    assert_eq!(std::fs::read_dir(project.join("lfs/tmp")).unwrap().count(), 0);
}

#[test]
fn a_store_that_the_user_linked_elsewhere_gets_the_file() {
    let (sample, home) = with_pointer();
    let elsewhere = sample.shadow().with_file_name("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    let project = sample.repository.common_dir();
    std::os::unix::fs::symlink(&elsewhere, project.join("lfs")).unwrap();
    let left = answered(&sample, &home, &[(Kind::Lfs, CONTENT), (Kind::Done, "")]).unwrap();
    assert_eq!(left, Vec::<String>::new());
    assert_eq!(std::fs::read_to_string(project.join(FILE)).unwrap(), CONTENT);
}

/// Sends a pack of these objects as the submodule `sub`, and returns what is said of it.
fn sent(sample: &Sample, wanted: Oid, objects: &[(ObjectType, Vec<u8>)]) -> Result<(), Fault> {
    let mut pack = PackWriter::new(Vec::new(), u32::try_from(objects.len()).unwrap()).unwrap();
    for (kind, data) in objects {
        pack.begin(*kind, u64::try_from(data.len()).unwrap()).unwrap();
        pack.data(data).unwrap();
        pack.end(Oid::hash_object(*kind, data).unwrap(), *kind).unwrap();
    }
    let mut bytes = Vec::new();
    frame::write(&mut bytes, Kind::Pack, &(), &pack.finish().unwrap().0).unwrap();
    frame::write(&mut bytes, Kind::PackEnd, &Found { at_remote: false }, &[]).unwrap();
    let names = ["sub".to_owned()];
    let store = ModuleStore::open_or_make(&sample.home(), &names, "https://example.org/sub.git")?;
    let taken =
        store.take(&sample.home(), &mut bytes.as_slice(), &object_id(wanted).unwrap(), &sample.limits);
    if taken.is_err() {
        store.give_up();
    }
    taken
}

#[test]
fn a_pack_of_a_submodule_is_checked_like_the_works_own() {
    let sample = Sample::new();
    let module = sample.repository.common_dir().join("modules/sub");
    let commit = |tree: Oid| {
        let text = format!("tree {tree}\nauthor a <a@b> 1 +0000\ncommitter a <a@b> 1 +0000\n\nm\n");
        (ObjectType::Commit, text.into_bytes())
    };
    let tree = |name: &str| {
        let file = Oid::hash_object(ObjectType::Blob, b"x").unwrap();
        (ObjectType::Tree, [format!("100644 {name}\0").as_bytes(), file.as_bytes()].concat())
    };
    let id = |object: &(ObjectType, Vec<u8>)| Oid::hash_object(object.0, &object.1).unwrap();
    let blob = (ObjectType::Blob, b"x".to_vec());
    let (good, bad) = (tree("x"), tree(".git"));
    let head = commit(id(&good));
    for (objects, problem) in [
        (vec![commit(id(&bad)), bad.clone(), blob.clone()], ".git"),
        (vec![head.clone(), good.clone()], "does not exist"),
        (vec![good.clone(), blob.clone()], "does not exist"),
    ] {
        let wanted =
            objects.first().map(|object| if object.0 == ObjectType::Commit { id(object) } else { id(&head) });
        let said = text(sent(&sample, wanted.unwrap(), &objects).unwrap_err());
        assert!(said.contains(problem), "{said}");
        assert!(!module.exists(), "{problem}");
    }
    sent(&sample, id(&head), &[head.clone(), good, blob]).unwrap();
    // What is there stays, whatever is sent later.
    let lie = (ObjectType::Blob, b"lie".to_vec());
    assert!(sent(&sample, id(&lie), &[lie]).is_err());
    let library = git2::Repository::open_bare(&module).unwrap();
    let name = object_id(id(&head)).unwrap();
    let kept = library.find_reference(&format!("refs/paddock/kept/o/{}", name.short()));
    assert_eq!(kept.unwrap().target(), Some(id(&head)));
}
