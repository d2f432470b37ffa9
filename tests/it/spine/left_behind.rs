//! What commits of an own place name and do not hold: it comes home with them, or the agent is asked for it.

use paddock_testkit::{Sandbox, count};

const FILE: &str = "lfs/objects/58/91/5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03";

#[test]
fn a_file_of_lfs_that_is_nowhere_is_asked_for_and_then_lands() {
    let place = Sandbox::new();
    let repository = place.project("shop", "workplace: own\nverify: []");
    let script = format!(
        "if [ -e big.bin ]; then\n\
         mkdir -p .git/{folder}; echo hello > .git/{FILE}\n\
         else\n\
         echo '*.bin filter=lfs' > .gitattributes\n\
         printf 'version https://git-lfs.github.com/spec/v1\\noid sha256:{hash}\\nsize 6\\n' > big.bin\n\
         git add -A\n\
         git commit -qm pointer\n\
         fi\nover",
        folder = &FILE[..17],
        hash = &FILE[18..],
    );
    place.objective("one", &script, &[]);
    let events = place.idle(0);
    assert_eq!((count(&events, "landed", "*"), count(&events, "session_started", "*")), (1, 2));
    let reviewed =
        events.iter().map(ToString::to_string).find(|event| event.contains("left_behind")).unwrap();
    assert!(
        reviewed.contains("`big.bin`: its content (git LFS 5891b5b522d5, 6 bytes) is not in"),
        "{reviewed}"
    );
    assert_eq!(std::fs::read_to_string(repository.join(".git").join(FILE)).unwrap(), "hello\n");
}

#[test]
fn a_commit_of_a_submodule_that_was_never_pushed_passes_the_gate_and_lands() {
    let place = Sandbox::new();
    let sub = place.repository_on("sub", "main", &[("value.txt", "1\n")]);
    let repository = place.repository("shop");
    let add =
        ["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", sub.to_str().unwrap(), "sub"];
    place.git(&repository, &add);
    place.git(&repository, &["commit", "--quiet", "--message", "submodule"]);
    let update = "git -c protocol.file.allow=always submodule --quiet update --init";
    place.add(
        "shop",
        &format!("workplace: own\nworktree: {{setup: '{update}'}}\nverify: [{{name: t, run: grep -q 2 sub/value.txt}}]"),
    );
    place.objective(
        "one",
        "cd sub; echo 2 > value.txt; git commit -qam two; cd ..; git commit -qam bump\nover",
        &[],
    );
    let events = place.idle(0);
    assert_eq!((count(&events, "landed", "*"), count(&events, "session_started", "*")), (1, 1));
    let tip = place.git(&repository, &["rev-parse", "main:sub"]);
    place.git(&repository.join(".git/modules/sub"), &["cat-file", "-e", &tip]);
    assert!(place.git(&sub, &["branch", "--all", "--format=%(objectname)"]).lines().all(|head| head != tip));
}
