//! Publishing into a checkout that the user works in must never change their files. The test tries random
//! states.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use paddock_git::{PublishOrder, PublishOutcome, Repository, publish};
use paddock_model::ids::ObjectId;
use paddock_testkit::Sandbox;

struct Random(u64);

impl Random {
    fn next(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % below
    }
}

const NAMES: [&str; 6] = ["a.txt", "b.txt", "dir/c.txt", "dir/d.txt", "new.txt", "dir/e.log"];

/// Returns every file of the checkout that differs from the commit, and every file that git does not track.
fn users_files(place: &Sandbox, repository: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let status = place.git(repository, &["status", "--porcelain", "--ignored", "-uall", "--no-renames"]);
    let names = status.lines().map(|line| PathBuf::from(&line[3..]));
    names.map(|name| (name.clone(), fs::read(repository.join(&name)).unwrap_or_default())).collect()
}

fn attempts(count: u64) {
    let place = Sandbox::new();
    let repository = place.repository("dirty");
    fs::create_dir(repository.join("dir")).unwrap();
    for name in &NAMES[..4] {
        fs::write(repository.join(name), "begin\n").unwrap();
    }
    fs::write(repository.join(".gitignore"), "*.log\n").unwrap();
    place.git(&repository, &["add", "--all"]);
    place.git(&repository, &["commit", "--quiet", "--message", "Files"]);
    let begin = place.git(&repository, &["rev-parse", "HEAD"]);
    let opened = Repository::open(&repository).unwrap();
    let mut chance = Random(0x9E37_79B9_7F4A_7C15);
    let (mut moved, mut waited) = (0, 0);
    for round in 0..count {
        place.git(&repository, &["reset", "--quiet", "--hard", &begin]);
        place.git(&repository, &["clean", "--quiet", "-ffdx"]);
        // The landing changes, adds or deletes one to three files.
        for _ in 0..=chance.next(3) {
            let name = NAMES[usize::try_from(chance.next(6)).unwrap()];
            match chance.next(3) {
                0 if repository.join(name).exists() => fs::remove_file(repository.join(name)).unwrap(),
                _ => fs::write(repository.join(name), format!("landed {round}\n")).unwrap(),
            }
        }
        place.git(&repository, &["add", "--all", "--force"]);
        place.git(&repository, &["commit", "--quiet", "--allow-empty", "--message", "Landed"]);
        let landed = place.git(&repository, &["rev-parse", "HEAD"]);
        place.git(&repository, &["reset", "--quiet", "--hard", &begin]);
        // The user changes, stages, deletes or adds files, some of them ignored.
        for _ in 0..chance.next(3) {
            let name = NAMES[usize::try_from(chance.next(6)).unwrap()];
            match chance.next(4) {
                0 if repository.join(name).exists() => fs::remove_file(repository.join(name)).unwrap(),
                _ => fs::write(repository.join(name), format!("mine {round}\n")).unwrap(),
            }
            if chance.next(3) == 0 {
                place.git(&repository, &["add", "--all"]);
            }
        }
        let before = users_files(&place, &repository);
        let id = |text: &str| ObjectId::new(text).unwrap();
        let order = PublishOrder { target_branch: "main".to_owned(), published: id(&begin), to: id(&landed) };
        match publish(&opened, &order).unwrap() {
            PublishOutcome::Published | PublishOutcome::AlreadyThere => moved += 1,
            PublishOutcome::Waiting { .. } => waited += 1,
            other => panic!("{other:?}"),
        }
        for (name, bytes) in &before {
            assert_eq!(
                &fs::read(repository.join(name)).unwrap_or_default(),
                bytes,
                "round {round}: {name:?}"
            );
        }
    }
    assert!(moved > 0 && waited > 0, "{moved} moved, {waited} waited");
}

#[test]
fn two_hundred_publications_into_a_dirty_checkout_change_none_of_its_files() {
    attempts(200);
}

/// `cargo test --test slow thousand -- --ignored`
#[test]
#[ignore = "takes a minute: cargo test --test slow -- --ignored a_thousand"]
fn a_thousand_publications_into_a_dirty_checkout_change_none_of_its_files() {
    attempts(1_000);
}
