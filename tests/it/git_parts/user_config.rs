//! A filter that the user's own configuration sets up acts in all of Paddock's work, wherever that
//! configuration stands.

use std::fs;
use std::path::Path;

use paddock_git::{PublishOrder, PublishOutcome, add_worktree, publish};
use paddock_testkit::alone;

use super::support::{Home, git, head, read, write};

/// Set in the inner run: where the configuration stands.
const INNER: &str = "PADDOCK_TEST_USER_CONFIG";
/// A stand-in for LFS: the repository holds `stored`, the user works on `plain`.
const FILTER: [(&str, &str); 3] =
    [("clean", "sed s/plain/stored/"), ("smudge", "sed s/stored/plain/"), ("required", "true")];

fn as_file() -> String {
    let lines: Vec<String> = FILTER.iter().map(|(key, value)| format!("\t{key} = {value}\n")).collect();
    format!("[filter \"mine\"]\n{}[core]\n\tautocrlf = input\n", lines.concat())
}

/// Runs the test again, once for each place where the configuration may stand.
fn in_each_place(test: &str) -> bool {
    if std::env::var_os(INNER).is_some() {
        return true;
    }
    for place in ["GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "XDG_CONFIG_HOME", "HOME", "GIT_CONFIG_COUNT"] {
        let home = tempfile::tempdir().unwrap();
        let mut command = alone::command(module_path!(), test);
        for name in ["GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM", "XDG_CONFIG_HOME"] {
            command.env_remove(name);
        }
        command.env("HOME", home.path()).env(INNER, place);
        let file = match place {
            "HOME" => home.path().join(".gitconfig"),
            "XDG_CONFIG_HOME" => home.path().join("x/git/config"),
            _ => home.path().join("mine"),
        };
        match place {
            "HOME" => {}
            "XDG_CONFIG_HOME" => drop(command.env(place, home.path().join("x"))),
            "GIT_CONFIG_COUNT" => {
                command.env(place, FILTER.len().to_string());
                for (count, (key, value)) in FILTER.iter().enumerate() {
                    command.env(format!("GIT_CONFIG_KEY_{count}"), format!("filter.mine.{key}"));
                    command.env(format!("GIT_CONFIG_VALUE_{count}"), value);
                }
            }
            _ => drop(command.env(place, &file)),
        }
        if place != "GIT_CONFIG_COUNT" {
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, as_file()).unwrap();
        }
        alone::passed(&command.output().unwrap());
    }
    false
}

/// Runs git as the user: with the filter.
fn users_git(folder: &Path, arguments: &[&str]) -> String {
    let settings: Vec<String> =
        FILTER.iter().map(|(key, value)| format!("filter.mine.{key}={value}")).collect();
    let settings = settings.iter().flat_map(|setting| ["-c", setting.as_str()]);
    git(folder, &settings.chain(arguments.iter().copied()).collect::<Vec<_>>())
}

#[test]
fn a_filter_of_the_user_acts_in_worktrees_and_publications_wherever_it_is_set_up() {
    if !in_each_place("a_filter_of_the_user_acts_in_worktrees_and_publications_wherever_it_is_set_up") {
        return;
    }
    let home = Home::new();
    write(&home.root, ".gitattributes", "*.big filter=mine\n");
    write(&home.root, "a.big", "plain\n");
    users_git(&home.root, &["add", "-A"]);
    users_git(&home.root, &["commit", "-qm", "big"]);
    assert_eq!(git(&home.root, &["show", "HEAD:a.big"]), "stored");
    let base = head(&home.root);
    let agreed = home.all_agreed();
    assert!(agreed.keys().any(|name| name.contains("filter.mine.smudge")), "{agreed:?}");
    let repository = home.repository().agreeing(agreed);
    // A worktree holds what the user works on, and git's own status calls it clean.
    let worktree = add_worktree(&repository, &home.spec("task")).unwrap();
    assert_eq!(read(&worktree.path, "a.big"), "plain\n");
    assert_eq!(users_git(&worktree.path, &["status", "--porcelain"]), "");
    // Publishing changes the file in the user's checkout, which git's own status calls clean.
    write(&worktree.path, "a.big", "plain two\n");
    users_git(&worktree.path, &["add", "-A"]);
    users_git(&worktree.path, &["commit", "-qm", "two"]);
    let order =
        PublishOrder { target_branch: "master".to_owned(), published: base, to: head(&worktree.path) };
    assert_eq!(publish(&repository, &order).unwrap(), PublishOutcome::Published);
    assert_eq!(read(&home.root, "a.big"), "plain two\n");
    assert_eq!(users_git(&home.root, &["status", "--porcelain"]), "");
    // A filter that nobody agreed to stays off.
    let refused = add_worktree(&home.repository(), &home.spec("other"));
    assert!(refused.is_err(), "{refused:?}");
}
