//! The conflict radar on a hundred branches of a repository of 100,000 files.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;
use std::time::Instant;

use paddock_git::{Radar, Repository};
use paddock_model::ids::ObjectId;

const FILES: usize = 100_000;
const BRANCHES: usize = 100;
/// Lines of the file that every branch changes.
const LINES: usize = 800;
/// Number of commits on the main branch from which branches start, in turn.
const BASES: usize = 10;

fn git(folder: &Path, words: &[&str], input: Option<&str>) -> String {
    let mut command = paddock_testkit::git::command(folder, words);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input.unwrap_or_default().as_bytes()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "git {words:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn file(text: &mut String, path: &str, content: &str) {
    writeln!(text, "M 100644 inline {path}\ndata {}\n{content}", content.len()).unwrap();
}

fn commit(text: &mut String, branch: &str, mark: usize, from: Option<usize>) {
    let who = "Bench <bench@localhost> 1700000000 +0000";
    writeln!(text, "commit refs/heads/{branch}\nmark :{mark}\ncommitter {who}\ndata 4\nwork").unwrap();
    if let Some(from) = from {
        writeln!(text, "from :{from}").unwrap();
    }
}

/// Returns the text of the file that every branch changes, with the lines `own` changed by the branch
/// `whose`.
fn shared(own: &[usize], whose: usize) -> String {
    let line = |n| if own.contains(&n) { format!("{whose}\n") } else { format!("line {n}\n") };
    (0..LINES).map(line).collect()
}

/// Returns the history as input of `git fast-import`.
///
/// Every branch changes one file that all others change as well, most of them in other lines and every tenth
/// in the same line. It also changes, removes and adds files of its own. So no pair of branches can be
/// skipped as unrelated: each one needs a real merge.
fn history() -> String {
    let mut text = String::new();
    commit(&mut text, "main", 1, None);
    for n in 0..FILES {
        file(
            &mut text,
            &format!("src/part{}/unit{}/file{n}.txt", n / 2_000, n / 50),
            &format!("content {n}\n"),
        );
    }
    file(&mut text, "shared.txt", &shared(&[], 0));
    for base in 1..=BASES {
        commit(&mut text, "main", 1 + base, Some(base));
        file(&mut text, &format!("main/{base}.txt"), "main\n");
    }
    for branch in 0..BRANCHES {
        commit(&mut text, &format!("topic/{branch}"), 100 + branch, Some(2 + branch % BASES));
        let own = [4 + 7 * branch, if branch % 10 == 0 { 1 } else { 4 + 7 * branch }];
        file(&mut text, "shared.txt", &shared(&own, branch));
        for n in (0..5).map(|n| branch * 900 + n * 60) {
            let path = format!("src/part{}/unit{}/file{n}.txt", n / 2_000, n / 50);
            match n % 3 {
                0 => file(&mut text, &path, &format!("changed by {branch}\n")),
                _ => writeln!(text, "D {path}").unwrap(),
            }
        }
        file(&mut text, &format!("added/{branch}.txt"), "added\n");
    }
    text
}

pub(crate) fn print() {
    let folder = tempfile::tempdir().unwrap();
    git(folder.path(), &["init", "-q", "-b", "main"], None);
    git(folder.path(), &["fast-import", "--quiet"], Some(&history()));
    let at = |name: &str| ObjectId::new(git(folder.path(), &["rev-parse", name], None)).unwrap();
    let (tip, mut heads) = (at("main"), Vec::new());
    heads.extend((0..BRANCHES).map(|branch| at(&format!("topic/{branch}"))));
    let repository = Repository::open(folder.path()).unwrap();
    let mut radar = Radar::default();
    let mut look = |what: &str, tip: &ObjectId, heads: &[ObjectId]| {
        let begun = Instant::now();
        let clashes = radar.scan(&repository, tip, heads).unwrap();
        println!("  {what}: {:.2} s, {} collisions", begun.elapsed().as_secs_f64(), clashes.len());
    };
    println!(
        "radar, {FILES} files, {BRANCHES} branches, 4,950 pairs and as many merges with the tip as branches:"
    );
    look("all of them", &tip, &heads);
    look("again, nothing is new", &tip, &heads);
    let mut text = "reset refs/heads/topic/7\nfrom topic/7^0\n".to_owned();
    commit(&mut text, "topic/7", 1, None);
    file(&mut text, "added/more.txt", "more\n");
    git(folder.path(), &["fast-import", "--quiet"], Some(&text));
    heads[7] = at("topic/7");
    look("after a commit on one branch", &tip, &heads);
    // A landing: the tip becomes the head of one of the branches.
    git(folder.path(), &["update-ref", "refs/heads/main", heads[3].as_str()], None);
    heads.remove(3);
    look("after a landing", &at("main"), &heads);
}
