//! Chains of candidates, and batches that land as one first-parent commit.

use paddock_git::{ChainMember, ChainOrder, ChainOutcome, LandOrder, LandOutcome, land, make_chain};
use paddock_model::ids::ObjectId;

use super::support::{Home, commit_all, git, head, user, write};

const INTEGRATION: &str = "refs/paddock/integration/master";

/// Makes a branch from the first commit with these files.
fn branch(home: &Home, name: &str, files: &[(&str, &str)]) -> ObjectId {
    let worktree = home.worktree(name);
    files.iter().for_each(|(file, text)| write(&worktree.path, file, text));
    commit_all(&worktree.path, name)
}

fn member(name: &str, head: &ObjectId) -> ChainMember {
    let trailers = format!("Paddock-Objective: {name}\n");
    ChainMember {
        head: head.clone(),
        message: format!("Merge objective '{name}' [{name}]\n\n{trailers}"),
        line: format!("{name} [{name}]"),
        trailers,
    }
}

fn chain(home: &Home, base: &ObjectId, members: Vec<ChainMember>) -> ChainOutcome {
    let order = ChainOrder {
        base: base.clone(),
        members,
        identity: user(),
        time_s: 1_700_000_000,
        name: "batch".to_owned(),
        seal: true,
        sign: false,
    };
    make_chain(&home.repository(), &order).unwrap()
}

#[test]
fn a_batch_lands_as_one_first_parent_commit_with_its_members_on_the_second_parent() {
    let home = Home::new();
    let base = head(&home.root);
    let heads = ["one", "two", "three"].map(|name| (name, branch(&home, name, &[(name, "x\n")])));
    let members = heads.iter().map(|(name, head)| member(name, head)).collect();
    let made = chain(&home, &base, members);
    assert_eq!(made.links.len(), 3);
    let last = &made.links[2];
    let show = |format: &str, commit: &ObjectId| git(&home.root, &["show", "-s", format, commit.as_str()]);
    let verified = "--format=%(trailers:key=Paddock-Verified,valueonly)";
    assert_eq!(show(verified, &last.commit), last.tree.as_str());
    assert_eq!(show("--format=%(trailers:key=Paddock-Objective,valueonly)", &last.commit), "one\ntwo\nthree");
    assert_eq!(
        git(&home.root, &["ls-tree", "--name-only", last.commit.as_str(), "one", "two", "three"]),
        "one\nthree\ntwo"
    );
    assert_eq!(show(verified, &made.links[0].commit), made.links[0].tree.as_str());
    let inside = git(&home.root, &["log", "--first-parent", verified, &format!("{base}..{}^2", last.commit)]);
    assert_eq!(inside.trim(), "", "a member's merge claims no verdict of its own");
    // Refs must protect every link: a landing may need any prefix of the chain.
    git(&home.root, &["gc", "-q", "--prune=now"]);
    for link in &made.links {
        git(&home.root, &["cat-file", "-e", link.commit.as_str()]);
    }
    let repository = home.repository();
    repository.set_ref(INTEGRATION, None, &base, "t").unwrap();
    let order = LandOrder {
        integration_ref: INTEGRATION.to_owned(),
        old: base.clone(),
        new: last.commit.clone(),
        verified_tree: last.tree.clone(),
        members: heads.iter().map(|(_, head)| (base.clone(), head.clone())).collect(),
    };
    // The order names two members, but the commit holds the changes of three.
    let lacking = LandOrder { members: order.members[..2].to_vec(), ..order.clone() };
    assert!(matches!(land(&repository, &lacking).unwrap(), LandOutcome::SelfCheckFailed { .. }));
    assert_eq!(land(&repository, &order).unwrap(), LandOutcome::Landed);
    assert_eq!(
        git(&home.root, &["rev-list", "--count", "--first-parent", &format!("{base}..{INTEGRATION}")]),
        "1"
    );
}

#[test]
fn the_rest_of_a_batch_has_the_same_trees_on_top_of_its_landed_prefix() {
    let home = Home::new();
    let base = head(&home.root);
    let heads = ["one", "two", "three"].map(|name| (name, branch(&home, name, &[(name, "x\n")])));
    let members: Vec<ChainMember> = heads.iter().map(|(name, head)| member(name, head)).collect();
    let whole = chain(&home, &base, members.clone());
    let rest = chain(&home, &whole.links[0].commit, members[1..].to_vec());
    let trees = |made: &ChainOutcome| made.links.iter().map(|link| link.tree.clone()).collect::<Vec<_>>();
    assert_eq!(trees(&whole)[1..], trees(&rest));
}

#[test]
fn a_conflict_with_earlier_members_is_kept_separate_and_one_with_the_tip_is_reported() {
    let home = Home::new();
    let old = branch(&home, "old", &[("src/a.rs", "old\n")]);
    let one = branch(&home, "one", &[("new.txt", "one\n")]);
    let two = branch(&home, "two", &[("new.txt", "two\n")]);
    write(&home.root, "src/a.rs", "the user's\n");
    let tip = commit_all(&home.root, "user");
    let made = chain(&home, &tip, vec![member("one", &one), member("two", &two), member("old", &old)]);
    assert_eq!((made.links.len(), made.separate.as_slice()), (1, &[1][..]));
    assert_eq!(made.conflicts.len(), 1);
    assert_eq!((made.conflicts[0].0, made.conflicts[0].1[0].to_string().as_str()), (2, "src/a.rs"));
}
