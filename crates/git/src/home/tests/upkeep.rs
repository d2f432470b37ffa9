//! `git gc`, `git repack` and `git prune` in the project while a place works: nothing is missing anywhere.

use std::fs;

use super::sample::{Sample, commit, git, work};

/// Numbers that are the same in every run.
struct Seed(u64);

impl Seed {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

fn steps(count: u64, seed: u64) {
    let sample = Sample::new();
    let mut seed = Seed(seed);
    for step in 0..count {
        let text = format!("{step}\n");
        match seed.below(8) {
            0 | 1 => drop(sample.work(&[("a", &text), (&format!("d/{}", step % 7), &text)])),
            2 => {
                // Amended: the place's own `git gc` then drops what the project has.
                let library = sample.library();
                let head = library.find_reference(&work()).unwrap().peel_to_commit().unwrap();
                let parents: Vec<_> = head.parent_ids().collect();
                let made = commit(&library, None, &parents, &[("a", &text)]);
                library.reference(&work(), made, true, "amend").unwrap();
            }
            3 => {
                let made = commit(&sample.library(), None, &[sample.base()], &[("side", &text)]);
                sample.library().reference(&format!("refs/heads/s{step}"), made, true, "").unwrap();
            }
            4 => drop(sample.git(&["gc", "--quiet", "--prune=now"])),
            5 => drop(sample.git(&["repack", "-adq"])),
            6 => drop(sample.git(&["prune", "--expire=now"])),
            _ => drop(git(&sample.place(), &["gc", "--quiet", "--prune=now"])),
        }
        if seed.below(2) == 0 {
            sample.bring();
        }
    }
    sample.bring();
    sample.fsck();
    let said = git(&sample.place(), &["fsck", "--strict", "--no-dangling"]);
    assert_eq!(said, "", "git fsck in the place");
    let left = fs::read_dir(sample.repository.common_dir().join("paddock/quarantine")).unwrap().count();
    assert_eq!(left, 0, "left in quarantine");
}

#[test]
fn a_place_goes_on_while_the_project_is_packed_and_pruned() {
    steps(20, 18);
}

#[test]
#[ignore = "a minute: cargo test -p paddock-git --lib upkeep -- --ignored"]
fn places_go_on_for_two_hundred_steps() {
    for seed in 0..10 {
        steps(200, seed);
    }
}
