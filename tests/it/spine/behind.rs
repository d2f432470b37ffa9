//! A target branch that lacks commits which the user has fetched.

use paddock_testkit::{Sandbox, count, place_of};

#[test]
fn a_target_branch_behind_what_was_fetched_is_named_before_the_first_landing() {
    let place = Sandbox::new();
    let repository = place.project("shop", "verify: []");
    let (remote, other) = (place.path("remote.git"), place.path("other"));
    place.git(&repository, &["clone", "--quiet", "--bare", ".", remote.to_str().unwrap()]);
    place.git(&repository, &["clone", "--quiet", remote.to_str().unwrap(), other.to_str().unwrap()]);
    for message in ["登录", "Two"] {
        place.git(&other, &["commit", "--quiet", "--allow-empty", "--message", message]);
    }
    place.git(&other, &["push", "--quiet", "origin", "HEAD:main"]);
    place.git(&repository, &["remote", "add", "origin", remote.to_str().unwrap()]);
    place.git(&repository, &["fetch", "--quiet", "origin"]);
    place.git(&repository, &["branch", "--quiet", "--set-upstream-to", "origin/main", "main"]);
    place.objective("one", "commit one.txt\nover", &[]);
    let events = place.idle(0);
    assert!(place_of(&events, "upstream_seen", "*") < place_of(&events, "landed", "*"));
    // A remote that nothing is pushed to leads nobody anywhere.
    assert_eq!((count(&events, "project_held", "*"), count(&events, "config_switched_off", "*")), (0, 0));
    let upstream = &place.json(&["status", "--json"])["projects"][0]["upstream"];
    assert_eq!((&upstream["name"], &upstream["behind"]), (&"origin/main".into(), &2.into()), "{upstream}");
    let said = "main is 2 commits behind origin/main as last fetched: `paddock queue pull`";
    for command in ["status", "doctor"] {
        let shown = place.run(&[command]).1;
        assert!(shown.contains(said), "{command}: {shown}");
    }
    // What the user has pulled is no longer missing.
    place.git(&repository, &["pull", "--quiet", "--no-rebase", "--no-edit"]);
    place.idle(0);
    let upstream = &place.json(&["status", "--json"])["projects"][0]["upstream"];
    assert!(upstream.is_null(), "{upstream}");
}
