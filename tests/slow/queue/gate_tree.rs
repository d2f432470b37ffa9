//! The gate runs on exactly the tree that lands, whatever the user's checkout leaves out and whatever earlier
//! runs left in its folder.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use paddock_testkit::{Sandbox, count, git, is};
use serde_json::Value;

use super::guards::guarded;

/// A gate that runs the code under test, then the tests.
const BOTH: &str = "verify: [{name: tests, run: 'for f in src/*.sh; do sh $f || exit 1; done; sh tests/check.sh'}]\n\
                    recovery: {max_retries: 0}\nqueue: {flaky_retries: 0}\n";

/// The files of [`BOTH`].
const FILES: [(&str, &str); 4] = [
    ("src/code.sh", "true\n"),
    ("tests/check.sh", "grep -q good value.txt\n"),
    ("value.txt", "good\n"),
    (".gitignore", "cache/\nbuild/\ntarget/\n"),
];

/// Work that no gate may let through.
const BAD: &str = "commit value.txt broken\nover";

/// Runs an objective alone, until nothing moves. Returns whether it landed, and the events.
pub(super) fn lands(place: &Sandbox, id: &str, script: &str) -> (bool, Vec<Value>) {
    place.objective(id, script, &[]);
    let mut supervisor = place.supervisor(&["--until-idle"]);
    supervisor.end();
    let events = supervisor.events();
    (count(&events, "landed", id) == 1, events)
}

/// Runs an objective alone, whose branch the gate must find red. Returns the events.
fn is_red(place: &Sandbox, id: &str, script: &str) -> Vec<Value> {
    let (has_landed, events) = lands(place, id, script);
    let verdicts: Vec<Value> = results(&events).iter().map(|run| run["verdict"].clone()).collect();
    let is_as_wanted = !has_landed && verdicts.contains(&"red".into());
    assert!(
        is_as_wanted,
        "{id} has landed: {has_landed}; {verdicts:?}; {}",
        place.outcome(&["explain", id]).1
    );
    assert_eq!(count(&events, "queue_held", "*"), 0, "the queue is held");
    events
}

/// Returns the results of the gate runs that these events report.
pub(super) fn results(events: &[Value]) -> Vec<Value> {
    events.iter().filter(|event| is(event, "gate_ended", "*")).map(|event| event["data"].clone()).collect()
}

#[test]
fn a_test_outside_of_the_users_sparse_checkout_is_run() {
    let place = Sandbox::new();
    let gate = "for t in tests/*.sh; do test ! -f $t || sh $t || exit 1; done";
    let settings = format!(
        "workplace: worktree\nverify: [{{name: tests, run: {gate:?}}}]\nrecovery: {{max_retries: 0}}\n"
    );
    let repository = guarded(&place, &FILES, &settings);
    place.git(&repository, &["sparse-checkout", "set", "src"]);
    place.good(&["project", "trust", "guard"]);
    is_red(&place, "bad", BAD);
    // An agent cannot hide the tests either: its worktree shares the repository's configuration.
    let own = "git config core.sparseCheckout true\nmkdir -p $(git rev-parse --git-common-dir)/info\n\
               echo /src/ > $(git rev-parse --git-common-dir)/info/sparse-checkout\n";
    is_red(&place, "worse", &format!("{own}{BAD}"));
    let own = "git sparse-checkout set src\n";
    is_red(&place, "sly", &format!("{own}{BAD}"));
    assert_eq!(place.git(&repository, &["show", "main:value.txt"]), "good");
}

/// Makes the repository of a submodule. Returns its commits with these contents.
fn library<const N: usize>(place: &Sandbox, contents: [&str; N]) -> [String; N] {
    let folder = place.path("library");
    git::init(&folder, "main");
    contents.map(|text| git::commit_file(&folder, "value.txt", text))
}

/// Makes a project with a submodule `lib` at this commit, whose gate notes what it sees there.
fn with_submodule(place: &Sandbox, commit: &str) -> PathBuf {
    let settings = "verify: [{name: tests, run: 'cat lib/value.txt >> $NOTES/seen; grep -q good lib/value.txt'}]\n\
                    worktree: {setup: 'git submodule update --init --quiet'}\n\
                    recovery: {max_retries: 0}\nqueue: {flaky_retries: 0}\n";
    let repository = place.repository("guard");
    let from = place.path("library");
    place.git(&repository, &["submodule", "--quiet", "add", from.to_str().unwrap(), "lib"]);
    place.git(&repository.join("lib"), &["checkout", "--quiet", commit]);
    place.git(&repository, &["add", "--all"]);
    place.git(&repository, &["commit", "--quiet", "--message", "A submodule"]);
    place.add("guard", settings);
    place.idle(0);
    repository
}

#[test]
fn a_change_of_a_submodule_is_gated_with_the_new_one() {
    let place = Sandbox::new();
    let [first, bad, good] = library(&place, ["good 1\n", "bad\n", "good 2\n"]);
    let repository = with_submodule(&place, &first);
    assert!(lands(&place, "first", "commit first.txt\nover").0);
    let bump = |commit: &str| format!("git -C lib checkout -q {commit}\ngit commit -qam Bump\nover");
    is_red(&place, "bad", &bump(&bad));
    assert!(lands(&place, "good", &bump(&good)).0);
    let seen = fs::read_to_string(place.note("seen")).unwrap();
    assert!(seen.contains("bad\n") && seen.ends_with("good 2\n"), "{seen}");
    assert!(place.git(&repository, &["ls-tree", "main", "lib"]).contains(&good));
}

#[test]
fn a_submodule_that_the_set_up_leaves_at_another_commit_gives_no_verdict() {
    let place = Sandbox::new();
    let [first, second] = library(&place, ["good 1\n", "good 2\n"]);
    with_submodule(&place, &first);
    let file = place.project_file("guard");
    let text = fs::read_to_string(&file).unwrap();
    let other = format!("update --init --quiet && git -C lib checkout -q {second}");
    fs::write(&file, text.replace("update --init --quiet", &other)).unwrap();
    // The set-up of the agent's worktree moves the submodule, too, which is no part of the work.
    let script = "touch work.txt\ngit add work.txt\ngit commit -qm Work\nover";
    let (has_landed, events) = lands(&place, "work", script);
    assert!(!has_landed);
    let held = events.iter().find(|event| is(event, "queue_held", "*")).unwrap().to_string();
    assert!(held.contains("not_evaluated") && held.contains("lib"), "{held}");
}

/// Code under test that replaces a test, after it has told git not to look.
fn hiding(before: &str) -> String {
    format!(
        "echo '{before} echo exit 0 > tests/check.sh' > src/code.sh\ngit add -A\ngit commit -qm Hide\nover"
    )
}

fn is_red_for_the_test(events: &[Value]) {
    let results = results(events);
    let found = results.iter().find(|run| run["verdict"] == "red").unwrap();
    let changed = &found["results"][0]["changed"];
    assert_eq!(
        (&changed["is_gate"], &changed["paths"][0]),
        (&true.into(), &"tests/check.sh".into()),
        "{found}"
    );
    assert_eq!(found["results"][0]["exit"]["code"], 0, "the command itself has passed");
}

#[test]
fn code_that_hides_a_test_from_git_and_rewrites_it_is_red_and_hides_nothing_later() {
    for flag in ["--skip-worktree", "--assume-unchanged"] {
        let place = Sandbox::new();
        guarded(&place, &FILES, BOTH);
        let events = is_red(&place, "evil", &hiding(&format!("git update-index {flag} tests/check.sh;")));
        is_red_for_the_test(&events);
        is_red(&place, "later", BAD);
        assert!(lands(&place, "good", "commit other.txt\nover").0, "{flag}");
    }
}

#[test]
fn code_that_rewrites_a_test_is_red_and_the_next_session_reads_why() {
    let place = Sandbox::new();
    guarded(&place, &FILES, &BOTH.replace("max_retries: 0", "max_retries: 1"));
    let script = format!(
        "case $PADDOCK_PROMPT_FILE in */1/*) {};; *) commit src/code.sh true; over;; esac",
        hiding("").trim().replace('\n', "; ")
    );
    let (has_landed, events) = lands(&place, "evil", &script);
    is_red_for_the_test(&events);
    assert!(has_landed, "the second session has taken it back");
    let prompt = fs::read_to_string(place.note("guard.evil.2.prompt")).unwrap();
    assert!(prompt.contains("it changed tests/check.sh, by which the gate judges"), "{prompt}");
}

#[test]
fn a_file_that_a_gate_rewrites_is_put_back_named_and_no_reason_to_be_red() {
    let place = Sandbox::new();
    let settings = "verify: [{name: install, run: 'echo other > deps.lock'}, {name: tests, run: 'grep -q pinned deps.lock'}]\n\
                    queue: {flaky_retries: 0}\n";
    let repository = guarded(&place, &[("deps.lock", "pinned\n")], settings);
    let (has_landed, events) = lands(&place, "work", "commit work.txt\nover");
    assert!(has_landed);
    let found = results(&events).pop().unwrap();
    let changed = &found["results"][0]["changed"];
    assert_eq!((&changed["is_gate"], &changed["paths"][0]), (&false.into(), &"deps.lock".into()), "{found}");
    assert_eq!(found["results"][1]["changed"], Value::Null, "{found}");
    assert!(place.good(&["events"]).contains("deps.lock"));
    assert_eq!(place.git(&repository, &["show", "main:deps.lock"]), "pinned");
}

#[test]
fn a_file_that_a_red_run_planted_does_not_make_a_later_one_green() {
    let place = Sandbox::new();
    let run = "for f in src/*.sh; do sh $f || exit 1; done; { test -e cache/pass || sh tests/check.sh; }";
    guarded(
        &place,
        &FILES,
        &BOTH.replace("for f in src/*.sh; do sh $f || exit 1; done; sh tests/check.sh", run),
    );
    let plant = "echo 'mkdir -p cache; touch cache/pass; exit 1' > src/code.sh\ngit commit -qam Plant\nover";
    is_red(&place, "plant", plant);
    is_red(&place, "later", BAD);
}

#[test]
fn a_build_result_whose_source_was_deleted_is_gone() {
    let place = Sandbox::new();
    let run = "mkdir -p build; for f in src/*; do cp $f build/; done; grep -q main build/*.c";
    let settings = BOTH.replace("for f in src/*.sh; do sh $f || exit 1; done; sh tests/check.sh", run);
    let mut files = FILES.to_vec();
    files.extend([("src/main.c", "main\n"), ("src/other.c", "other\n")]);
    guarded(&place, &files, &settings);
    assert!(lands(&place, "first", "commit first.txt\nover").0);
    is_red(&place, "delete", "git rm -q src/main.c\ngit commit -qm Delete\nover");
}

#[test]
fn a_change_of_line_ends_by_attributes_alone_is_gated() {
    let place = Sandbox::new();
    let settings = BOTH.replace(
        "for f in src/*.sh; do sh $f || exit 1; done; sh tests/check.sh",
        "test $(wc -c < value.txt) = 5",
    );
    guarded(&place, &FILES, &settings);
    assert!(lands(&place, "first", "commit first.txt\nover").0);
    // A fresh clone has six bytes from here on, and git itself does not write the file again.
    let script = "commit .gitattributes 'value.txt text eol=crlf'\nover";
    is_red(&place, "ends", script);
    assert!(lands(&place, "other", "commit other.txt\nover").0);
}

/// Makes git keep `*.bin` outside of the repository, as git LFS does.
fn with_lfs(place: &Sandbox) {
    let program = place.path("lfs.sh");
    let store = place.path("store");
    fs::create_dir(&store).unwrap();
    let text = format!(
        "store={}\ncase $1 in\nclean) cat > $store/new.$$; id=$(sha256sum < $store/new.$$ | cut -c1-64); mv $store/new.$$ $store/$id\n\
         printf 'version https://git-lfs.github.com/spec/v1\\noid sha256:%s\\nsize 1\\n' $id;;\n\
         smudge) text=$(cat); id=${{text#*sha256:}}; id=$(echo $id | cut -c1-64)\n\
         cat $store/$id 2> /dev/null || printf '%s\\n' \"$text\";;\nesac\n",
        store.display()
    );
    fs::write(&program, text).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).unwrap();
    let filter =
        format!("[filter \"lfs\"]\n\tclean = sh {0} clean\n\tsmudge = sh {0} smudge\n", program.display());
    let file = place.path("gitconfig");
    let before = fs::read_to_string(&file).unwrap_or_default();
    fs::write(file, before + &filter).unwrap();
}

#[test]
fn a_gate_sees_files_in_place_of_lfs_pointers_or_gives_no_verdict() {
    let place = Sandbox::new();
    with_lfs(&place);
    let settings = BOTH
        .replace("for f in src/*.sh; do sh $f || exit 1; done; sh tests/check.sh", "grep -q heavy big.bin");
    let files = [(".gitattributes", "*.bin filter=lfs -text\n"), ("big.bin", "heavy 1\n")];
    let repository = guarded(&place, &files, &format!("workplace: worktree\n{settings}"));
    assert!(place.git(&repository, &["show", "main:big.bin"]).starts_with("version https://git-lfs"));
    assert!(lands(&place, "first", "commit big.bin 'heavy 2'\nover").0);
    let store = place.path("store");
    let hide = format!(
        "commit big.bin 'heavy 3'\nmkdir $NOTES/away\ngrep -lr 'heavy 3' {} | xargs -I@ mv @ $NOTES/away\nover",
        store.display()
    );
    let (has_landed, events) = lands(&place, "lost", &hide);
    assert!(!has_landed);
    let held = events.iter().find(|event| is(event, "queue_held", "*")).unwrap().to_string();
    assert!(held.contains("big.bin") && held.contains("git lfs fetch"), "{held}");
    for entry in fs::read_dir(place.note("away")).unwrap().flatten() {
        fs::rename(entry.path(), store.join(entry.file_name())).unwrap();
    }
    place.good(&["queue", "release"]);
    assert_eq!(count(&place.idle(0), "landed", "lost"), 1);
}

/// Makes a gate folder as the first builds did: a worktree with a marker and nothing beside it.
fn first_build_folder(place: &Sandbox, repository: &Path) -> PathBuf {
    let folder = place.path("guard-wt/guard/_gate-1");
    fs::create_dir_all(folder.parent().unwrap()).unwrap();
    place.git(repository, &["worktree", "add", "--quiet", "--detach", folder.to_str().unwrap()]);
    fs::write(repository.join(".git/worktrees/_gate-1/paddock"), "paddock: detached").unwrap();
    folder
}

#[test]
fn a_gate_folder_of_the_first_build_is_taken_over_without_what_code_left_in_it() {
    let place = Sandbox::new();
    let run = "for f in src/*.sh; do sh $f || exit 1; done; { test -e target/pass || sh tests/check.sh; }";
    let repository =
        place.repository_on("guard", "main", &[("value.txt", "good\n"), (".gitignore", "target/\n")]);
    for (name, text) in [FILES[0], FILES[1]] {
        fs::create_dir_all(repository.join(name).parent().unwrap()).unwrap();
        git::commit_file(&repository, name, text);
    }
    let folder = first_build_folder(&place, &repository);
    place.add("guard", &BOTH.replace("for f in src/*.sh; do sh $f || exit 1; done; sh tests/check.sh", run));
    fs::create_dir(folder.join("target")).unwrap();
    fs::write(folder.join("target/pass"), "").unwrap();
    place.git(&folder, &["update-index", "--skip-worktree", "tests/check.sh"]);
    fs::write(folder.join("tests/check.sh"), "exit 0\n").unwrap();
    is_red(&place, "bad", BAD);
    assert!(!folder.join("target").exists());
    assert!(lands(&place, "good", "commit other.txt\nover").0);
}
