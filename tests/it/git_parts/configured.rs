//! Programs in git's configuration, planted at every level, while Paddock's calls of git do all their work.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use paddock_git::program::{check_version, merges_by_attributes};
use paddock_git::{
    Candidate, GatePlace, GitError, HoldOrder, Level, Listed, PublishOutcome, Radar, StatTrust, add_worktree,
    bring_forward, hold, make_candidate, prepare_detached,
};
use paddock_testkit::alone;

use super::support::{Home, clean, commit_all, git, head, order, write};

/// Every key by which git, or git LFS, runs a program, and its value; `@` stands for a program that leaves a
/// mark.
const KEYS: [(&str, &str); 70] = [
    ("filter.evil.clean", "@"),
    ("filter.evil.smudge", "@"),
    ("filter.evil.process", "@"),
    ("filter.evil.required", "true"),
    ("filter.EVIL.Two.smudge", "@"),
    ("merge.evil.driver", "@ %A"),
    ("merge.evil.recursive", "evil"),
    ("merge.tool", "evil"),
    ("merge.guitool", "evil"),
    ("diff.external", "@"),
    ("diff.evil.command", "@"),
    ("diff.evil.textconv", "@"),
    ("lfs.customtransfer.evil.path", "@"),
    ("lfs.customtransfer.evil.args", "x"),
    ("lfs.standalonetransferagent", "evil"),
    ("lfs.https://example.org.standalonetransferagent", "evil"),
    ("lfs.extension.evil.clean", "@"),
    ("lfs.extension.evil.smudge", "@"),
    ("lfs.url", "https://example.org"),
    ("hook.evil.command", "@"),
    ("hook.evil.event", "reference-transaction"),
    ("core.fsmonitor", "@"),
    ("core.hooksPath", "#"),
    ("init.templateDir", "#"),
    ("gc.recentObjectsHook", "@"),
    ("uploadpack.packObjectsHook", "@"),
    ("core.alternateRefsCommand", "@"),
    ("core.pager", "@"),
    ("pager.merge", "@"),
    ("core.editor", "@"),
    ("sequence.editor", "@"),
    ("core.askPass", "@"),
    ("interactive.diffFilter", "@"),
    ("alias.merge", "!@"),
    ("alias.evil", "!@"),
    ("trailer.evil.command", "@"),
    ("trailer.evil.cmd", "@"),
    ("tar.evil.command", "@"),
    ("difftool.evil.cmd", "@"),
    ("difftool.evil.path", "@"),
    ("mergetool.evil.cmd", "@"),
    ("mergetool.evil.path", "@"),
    ("guitool.evil.cmd", "@"),
    ("man.evil.cmd", "@"),
    ("man.evil.path", "@"),
    ("browser.evil.cmd", "@"),
    ("browser.evil.path", "@"),
    ("web.browser", "evil"),
    ("help.browser", "evil"),
    ("instaweb.httpd", "@"),
    ("instaweb.browser", "@"),
    ("imap.tunnel", "@"),
    ("sendemail.sendmailCmd", "@"),
    ("sendemail.smtpServer", "@"),
    ("submodule.evil.update", "!@"),
    ("submodule.evil.url", "ext::@"),
    ("gpg.program", "@"),
    ("gpg.ssh.program", "@"),
    ("gpg.ssh.defaultKeyCommand", "@"),
    ("commit.gpgSign", "true"),
    ("core.sshCommand", "@"),
    ("core.gitProxy", "@"),
    ("credential.helper", "!@"),
    ("credential.https://example.org.helper", "!@"),
    ("url.ext::@ .insteadOf", "."),
    ("remote...url", "ext::@"),
    ("remote...vcs", "ext"),
    ("remote...uploadpack", "@"),
    ("remote...receivepack", "@"),
    ("protocol.ext.allow", "always"),
];

/// Returns configuration with all keys, whose programs name this level when they run.
fn planted(folder: &Path, level: &str) -> String {
    let program = folder.join(format!("evil-{level}"));
    let marks = folder.join("marks");
    fs::create_dir_all(&marks).unwrap();
    fs::write(&program, format!("#!/bin/sh\necho \"$0 $*\" >> '{}/{level}'\ncat\n", marks.display()))
        .unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let hooks = folder.join(format!("hooks-{level}"));
    fs::create_dir_all(hooks.join("hooks")).unwrap();
    for hook in ["post-checkout", "reference-transaction", "post-index-change", "post-merge", "pre-push"] {
        fs::copy(&program, hooks.join(hook)).unwrap();
        fs::copy(&program, hooks.join("hooks").join(hook)).unwrap();
    }
    let fill =
        |text: &str| text.replace('@', program.to_str().unwrap()).replace('#', hooks.to_str().unwrap());
    let mut text = String::new();
    for (key, value) in KEYS {
        let (section, rest) = key.split_once('.').unwrap();
        let header = match rest.rsplit_once('.') {
            Some((name, _)) => format!("[{section} \"{}\"]", fill(name)),
            None => format!("[{section}]"),
        };
        let last = key.rsplit('.').next().unwrap();
        text.push_str(&format!("{header}\n\t{last} = \"{}\"\n", fill(value)));
    }
    text
}

fn append(file: &Path, text: &str) {
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    let before = fs::read_to_string(file).unwrap_or_default();
    fs::write(file, before + text).unwrap();
}

fn marks(home: &Home) -> Vec<String> {
    let files = fs::read_dir(home.folder.path().join("marks")).into_iter().flatten().flatten();
    files.map(|file| fs::read_to_string(file.path()).unwrap()).collect()
}

/// Plants all keys at every level: the user's two files, the repository's, a worktree's, and included ones.
fn plant(home: &Home) {
    let folder = home.folder.path();
    let user = PathBuf::from(std::env::var_os("HOME").unwrap());
    append(&user.join(".gitconfig"), &planted(folder, "global"));
    append(&user.join("xdg/git/config"), &planted(folder, "xdg"));
    append(&user.join("system"), &planted(folder, "system"));
    let config = home.root.join(".git/config");
    for name in ["included", "conditional"] {
        append(&folder.join(name), &planted(folder, name));
    }
    append(&config, &planted(folder, "local"));
    append(
        &config,
        &format!(
            "[extensions]\n\tworktreeConfig = true\n[include]\n\tpath = ../../included\n[includeIf \
             \"gitdir:**\"]\n\tpath = {}\n",
            folder.join("conditional").display()
        ),
    );
    append(&home.root.join(".git/config.worktree"), &planted(folder, "worktree"));
    for hook in ["post-checkout", "reference-transaction", "post-index-change", "post-merge"] {
        let file = home.root.join(".git/hooks").join(hook);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::copy(folder.join("evil-local"), file).unwrap();
    }
}

const PLANTED: &str = "PADDOCK_TEST_PLANTED";

/// Runs the test again with a home folder of its own, in which the user's configuration is planted.
fn in_a_home_of_its_own(test: &str) -> bool {
    if std::env::var_os(PLANTED).is_some() {
        return true;
    }
    let home = tempfile::tempdir().unwrap();
    let mut command = alone::command(module_path!(), test);
    command.env(PLANTED, "1").env("HOME", home.path()).env("XDG_CONFIG_HOME", home.path().join("xdg"));
    command.env("GIT_CONFIG_SYSTEM", home.path().join("system")).env_remove("GIT_CONFIG_GLOBAL");
    alone::passed(&command.output().unwrap());
    false
}

#[test]
fn no_program_of_any_level_runs_and_each_is_listed_with_its_file() {
    if !in_a_home_of_its_own("no_program_of_any_level_runs_and_each_is_listed_with_its_file") {
        return;
    }
    let home = Home::new();
    let (base, head_one, _) = home.candidate(|folder| write(folder, "src/a.rs", "one\n"));
    git(&home.root, &["checkout", "-q", "-b", "two", base.as_str()]);
    write(&home.root, "src/a.rs", "two\n");
    let two = commit_all(&home.root, "two");
    git(&home.root, &["checkout", "-q", "master"]);
    write(&home.root, "src/b.rs", "b\n");
    let tip = commit_all(&home.root, "tip");
    plant(&home);
    let repository = home.repository();
    // A worktree of a new branch, one that is brought forward, a planner's folder, a gate's folder.
    let worktree = add_worktree(&repository, &home.spec("fresh")).unwrap();
    bring_forward(&repository, &worktree, &tip).unwrap();
    let detached = prepare_detached(&repository, &home.place("_planner"), &base).unwrap();
    prepare_detached(&repository, &home.place("_planner"), &tip).unwrap();
    let place = GatePlace { folder: home.place("_gate-1"), private: home.folder.path().join("runtime") };
    for commit in [&base, &tip] {
        let wanted = HoldOrder { commit, kept: &[], start_from_nothing: false, trust: StatTrust::ChangeTime };
        hold(&repository, &place, &wanted).unwrap();
    }
    // A merge, one that conflicts, the radar, and both ways to publish.
    let made = make_candidate(&repository, &order(&tip, &head_one)).unwrap();
    make_candidate(&repository, &order(&head_one, &two)).unwrap();
    Radar::default().scan(&repository, &tip, &[head_one.clone(), two]).unwrap();
    let candidate = clean(&made).0;
    assert_eq!(home.publish("master", &tip, &candidate), PublishOutcome::Published);
    repository.set_ref("refs/heads/unused", None, &tip, "t").unwrap();
    // The remote named `.` leads elsewhere, which git refuses.
    let outcome = home.publish("unused", &tip, &candidate);
    assert!(
        matches!(&outcome, PublishOutcome::Waiting { text, .. } if text.contains("not allowed")),
        "{outcome:?}"
    );
    let listed = repository.configured().unwrap();
    assert_eq!(marks(&home), [""; 0], "programs ran");
    assert_eq!(fs::read_to_string(detached.path.join("src/b.rs")).unwrap(), "b\n");
    each_is_listed(&home, &listed);
    an_attribute_needs_an_agreement(&home);
}

/// Every key is listed at every level, with the file that git itself names, and nothing else is.
fn each_is_listed(home: &Home, listed: &[Listed]) {
    let asked = git(&home.root, &["config", "--list", "--show-origin", "-z", "--local", "--includes"]);
    let mut fields = asked.split('\0');
    let mut by_git = BTreeSet::new();
    while let (Some(origin), Some(entry)) = (fields.next(), fields.next()) {
        let origin = home.root.join(origin.strip_prefix("file:").unwrap());
        let (key, value) = entry.split_once('\n').unwrap();
        by_git.insert((fs::canonicalize(origin).unwrap(), key.to_owned(), value.to_owned()));
    }
    assert!(by_git.len() > 3 * KEYS.len(), "{}", by_git.len());
    let local: Vec<&Listed> = listed.iter().filter(|entry| entry.level == Level::Local).collect();
    for entry in local.iter().filter(|entry| !entry.key.contains(' ') && entry.value.len() < 79) {
        let one = (fs::canonicalize(&entry.origin).unwrap(), entry.key.clone(), entry.value.clone());
        assert!(by_git.contains(&one) || entry.key.contains("://"), "git does not name {one:?}");
    }
    let user = PathBuf::from(std::env::var_os("HOME").unwrap());
    let folder = home.folder.path().canonicalize().unwrap();
    let files = [
        (Level::System, user.join("system")),
        (Level::Global, user.join(".gitconfig")),
        (Level::Global, user.join("xdg/git/config")),
        (Level::Local, home.root.join(".git/config")),
        (Level::Local, folder.join("included")),
        (Level::Local, folder.join("conditional")),
        (Level::Worktree, home.root.join(".git/config.worktree")),
    ];
    for (level, file) in files {
        let here: Vec<&str> = listed
            .iter()
            .filter(|entry| entry.level == level && fs::canonicalize(&entry.origin).unwrap() == file)
            .map(|entry| entry.key.as_str())
            .collect();
        for (key, _) in KEYS.iter().filter(|(key, _)| !key.contains('@')) {
            let (start, last) = key.rsplit_once('.').unwrap();
            let (section, name) = start.split_once('.').unwrap_or((start, ""));
            let dot = if start.contains('.') { "." } else { "" };
            let wanted = format!("{section}{dot}{name}.{}", last.to_lowercase());
            assert!(here.contains(&wanted.as_str()), "{wanted} of {} is not listed", file.display());
        }
    }
    assert!(listed.iter().any(|entry| entry.key == "hook post-checkout"));
}

/// A file that needs a filter which nobody agreed to is not written without it; once it is agreed to, the
/// filter runs.
fn an_attribute_needs_an_agreement(home: &Home) {
    write(&home.root, ".gitattributes", "*.evil filter=evil\n");
    let without = commit_with_plumbing(home);
    let repository = home.repository();
    // No file has the attribute yet.
    prepare_detached(&repository, &home.place("_planner"), &without).unwrap();
    write(&home.root, "x.evil", "x\n");
    let commit = commit_with_plumbing(home);
    fs::remove_dir_all(home.folder.path().join("marks")).unwrap();
    fs::create_dir(home.folder.path().join("marks")).unwrap();
    let refused = prepare_detached(&repository, &home.place("_planner"), &commit).unwrap_err();
    let GitError::NotAgreed { attribute, path, .. } = &refused else { panic!("{refused}") };
    assert_eq!((attribute.as_str(), path.as_str()), ("filter=evil", "x.evil"));
    let place = GatePlace { folder: home.place("_gate-1"), private: home.folder.path().join("runtime") };
    let trust = StatTrust::ChangeTime;
    let wanted = HoldOrder { commit: &commit, kept: &[], start_from_nothing: false, trust };
    assert!(matches!(hold(&repository, &place, &wanted), Err(GitError::NotAgreed { .. })));
    assert_eq!(marks(home), [""; 0]);
    // `process` speaks a protocol that the program does not know, so that the agreed filter fails. It runs.
    let agreeing = repository.agreeing(home.all_agreed());
    drop(prepare_detached(&agreeing, &home.place("_planner"), &commit));
    assert!(!marks(home).is_empty());
}

/// Commits everything, without a filter.
fn commit_with_plumbing(home: &Home) -> paddock_model::ids::ObjectId {
    let off = ["-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "commit.gpgSign=false"];
    let filter = ["-c", "filter.evil.process=", "-c", "filter.evil.required=false"];
    let call = |words: &[&str]| git(&home.root, &[&off[..], &filter[..], words].concat());
    call(&["add", "-A"]);
    call(&["commit", "-q", "--no-verify", "-m", "more"]);
    head(&home.root)
}

/// Without its driver a file is in conflict: no merge lands that the user's git would have made in another
/// way.
#[test]
fn a_merge_driver_that_nobody_agreed_to_leaves_a_conflict() {
    let home = Home::new();
    let ran = home.folder.path().join("ran");
    git(&home.root, &["config", "merge.own.driver", &format!("touch '{}'; true", ran.display())]);
    let lines = |first: &str, last: &str| format!("{first}\n{}{last}\n", "same\n".repeat(9));
    write(&home.root, ".gitattributes", "list.txt merge=own\n");
    write(&home.root, "list.txt", &lines("a", "a"));
    commit_all(&home.root, "a list");
    let worktree = {
        let repository = home.repository().agreeing(home.all_agreed());
        add_worktree(&repository, &home.spec("task")).unwrap()
    };
    write(&worktree.path, "list.txt", &lines("b", "a"));
    let theirs = commit_all(&worktree.path, "theirs");
    write(&home.root, "list.txt", &lines("a", "b"));
    let ours = commit_all(&home.root, "ours");
    let made = make_candidate(&home.repository(), &order(&ours, &theirs)).unwrap();
    assert!(!ran.exists());
    if !merges_by_attributes(&check_version().unwrap()) {
        return assert!(matches!(made, Candidate::Clean { .. }), "merged as text, by no driver: {made:?}");
    }
    assert!(matches!(&made, Candidate::Conflict { paths, .. } if paths.len() == 1), "{made:?}");
    let needed: Vec<String> =
        home.repository().needed([&ours].into_iter()).unwrap().into_iter().map(|one| one.attribute).collect();
    assert_eq!(needed, ["merge=own"]);
    let agreeing = home.repository().agreeing(home.all_agreed());
    assert!(matches!(make_candidate(&agreeing, &order(&ours, &theirs)).unwrap(), Candidate::Clean { .. }));
    assert!(ran.exists());
}

#[test]
fn a_key_without_a_value_is_read() {
    let home = Home::new();
    append(&home.root.join(".git/config"), "[filter \"x\"]\n\trequired\n[core]\n\tfsmonitor\n");
    let keys: Vec<String> =
        home.repository().configured().unwrap().into_iter().map(|entry| entry.key).collect();
    assert!(["filter.x.required", "core.fsmonitor"].iter().all(|key| keys.iter().any(|found| found == key)));
}
