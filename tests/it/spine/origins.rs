//! The repository that own places fetch from follows whatever moves the integration ref.

use paddock_testkit::Sandbox;

#[test]
fn the_origin_of_own_places_follows_landings_and_the_users_commits() {
    let place = Sandbox::new();
    let repository = place.project("shop", "verify: []\nworkplace: worktree");
    let folder = place.note("folder");
    place.objective("one", &format!("pwd > {}\ncommit one.txt\nover", folder.display()), &[]);
    place.idle(0);
    let worktree = std::fs::read_to_string(folder).unwrap();
    let origin = std::path::Path::new(worktree.trim()).with_file_name(paddock_git::ORIGIN_FOLDER);
    assert!(!origin.exists(), "a project without own places got {}", origin.display());
    std::fs::create_dir_all(&origin).unwrap();
    let is_followed = || {
        let tip = place.git(&repository, &["rev-parse", "refs/paddock/integration/main"]);
        assert_eq!(place.git(&origin, &["rev-parse", "main"]), tip);
        tip
    };
    place.objective("two", "commit two.txt\nover", &[]);
    place.idle(0);
    let landed = is_followed();
    place.git(&repository, &["commit", "--quiet", "--allow-empty", "--message", "the user's own"]);
    place.idle(0);
    assert_ne!(is_followed(), landed);
    place.git(&repository, &["branch", "--quiet", "other", &landed]);
    place.good(&["project", "set-target", "shop", "other"]);
    place.idle(0);
    assert_eq!(place.git(&origin, &["symbolic-ref", "HEAD"]), "refs/heads/other");
    assert_eq!(place.git(&origin, &["for-each-ref", "--format=%(objectname)"]), landed);
}
