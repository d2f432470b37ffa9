//! What real runners printed of a small project, before and after a change: attempts to look green, and honest
//! changes that look like them.
//!
//! In `tests/pairs/` each part is headed by `=====> change-runner`; `base-runner` is what the change is compared
//! with. The cheats make `add` wrong in the code, never in the tests: they leave with 0 (on import, in a test, at
//! exit, by a signal, by another program, from a thread), print a summary of their own, or change the runner.

use std::collections::BTreeMap;

use super::{plain, read};
use crate::{Difference, compare};

/// Cheats that the output does not show. Marks in the code and the isolated gate stand for them.
const UNSEEN: [(&str, &str); 5] = [
    ("patched-", "assertions that accept everything: the tests ran and passed"),
    ("redefined-sh", "a helper of the shell script accepts everything"),
    ("forged-unittest", "progress and summary are printed as unittest prints them"),
    ("exit_call-nextest", "nextest takes a process that ends with 0 for a test that passed"),
    ("-nextest", "the same, from a thread and after a summary"),
];

fn pairs(text: &str) -> Vec<(&str, Difference)> {
    let parts = text.split("=====> ").skip(1).filter_map(|part| part.split_once('\n'));
    let outputs: BTreeMap<&str, &str> = parts.collect();
    let compared = outputs.iter().filter_map(|(name, output)| {
        let (change, runner) = name.split_once('-')?;
        let base = read(&plain(outputs.get(format!("base-{runner}").as_str())?));
        let difference = compare(&[base.clone(), base], &read(&plain(output)));
        (change != "base").then_some((*name, difference))
    });
    compared.collect()
}

#[test]
fn what_looks_green_and_is_not_shows_in_the_output() {
    let found = pairs(include_str!("../../tests/pairs/cheats.txt"));
    assert!(found.len() > 130, "{}", found.len());
    let is_known = |name: &str| {
        let fewer = name.starts_with("fewer-");
        !fewer
            && UNSEEN
                .iter()
                .any(|(unseen, _)| name == *unseen || name.starts_with(unseen) || name.ends_with(unseen))
    };
    let missed: Vec<&str> = found
        .iter()
        .filter(|(name, found)| found.is_harmless() && !is_known(name))
        .map(|(name, _)| *name)
        .collect();
    assert!(missed.is_empty(), "{missed:?}");
}

#[test]
fn an_honest_change_takes_no_test_away() {
    let found = pairs(include_str!("../../tests/pairs/honest.txt"));
    assert!(found.len() >= 75, "{}", found.len());
    for (name, difference) in &found {
        assert!(difference.is_harmless(), "{name}: {difference:?}");
        // Where tests are named, the new one is.
        if name.starts_with("added-") && (name.ends_with('v') || name.ends_with("tap")) {
            assert_eq!(difference.added.len(), 1, "{name}: {difference:?}");
        }
        // A test that moved is found again, whatever the runner writes before its name.
        if name.starts_with("moved-") && (name.ends_with('v') || name.ends_with("tap")) {
            assert_eq!(difference.moved.len(), 1, "{name}: {difference:?}");
        }
    }
}
