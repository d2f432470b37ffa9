//! Work of a place with a repository of its own comes home through a helper process.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use paddock_git::{GitError, Helper, HomeLimits, PlaceHome, Repository};
use paddock_os::fail_points::POINTS;
use paddock_testkit::program;

use super::support::{Home, commit_all, git, head, write};

const BRANCH: &str = "paddock/o/work";

/// A project, and a place that borrows its objects.
struct Place {
    home: Home,
    repository: Repository,
    folder: PathBuf,
    shadow: PathBuf,
}

impl Place {
    fn new() -> Self {
        let home = Home::new();
        let repository = home.repository();
        let at = |name: &str| home.root.with_file_name(name);
        let (folder, shadow) = (at("place"), at("shadow"));
        fs::create_dir_all(&folder).unwrap();
        fs::create_dir_all(&shadow).unwrap();
        git(&home.root, &["branch", BRANCH]);
        git(&folder, &["init", "-q"]);
        let objects = repository.common_dir().join("objects");
        write(&folder, ".git/objects/info/alternates", &format!("{}\n", objects.display()));
        git(&folder, &["update-ref", &format!("refs/heads/{BRANCH}"), head(&home.root).as_str()]);
        git(&folder, &["checkout", "-q", BRANCH]);
        Self { home, repository, folder, shadow }
    }

    /// Finds the place of another process.
    fn at(root: &Path) -> Self {
        let home = Home { folder: tempfile::tempdir().unwrap(), root: root.to_owned() };
        let repository = home.repository();
        let (folder, shadow) = (root.with_file_name("place"), root.with_file_name("shadow"));
        Self { home, repository, folder, shadow }
    }

    /// Brings home while the session runs, and at its end.
    fn brings_twice(&self) {
        let mut helper = self.helper();
        helper.bring(&self.home(), false).unwrap();
        helper.bring(&self.home(), true).unwrap();
    }

    fn home(&self) -> PlaceHome<'_> {
        PlaceHome {
            repository: &self.repository,
            folder: &self.folder,
            shadow: &self.shadow,
            branch: BRANCH,
            objective: "o",
            name: "o-1",
        }
    }

    fn helper(&self) -> Helper {
        Helper::start(&program(), &self.home()).unwrap()
    }

    /// Starts something else in the place of a helper, which may be silent for this long.
    fn other(&self, command: Command, silence: Duration) -> Helper {
        let limits = HomeLimits { silence, ..HomeLimits::default() };
        Helper::start_command(command, &self.home(), limits).unwrap()
    }

    fn at_home(&self) -> String {
        git(&self.home.root, &["rev-parse", BRANCH])
    }
}

fn shell(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    command
}

/// Returns what a fault of the place says.
fn fault<T: std::fmt::Debug>(result: Result<T, GitError>, place: &Place) -> String {
    match result.unwrap_err() {
        GitError::Place { place: folder, what, way_out } => {
            assert_eq!(folder, place.folder);
            assert!(!way_out.is_empty());
            what
        }
        other => panic!("{other}"),
    }
}

fn wait_until_changed(helper: &mut Helper, place: &Place) {
    let end = Instant::now() + Duration::from_secs(60);
    while !helper.changed(&place.home(), Duration::from_secs(5)).unwrap() {
        assert!(Instant::now() < end, "no change was reported");
    }
}

#[test]
fn one_helper_tells_each_change_and_brings_it_home() {
    let place = Place::new();
    let mut helper = place.helper();
    let home = helper.bring(&place.home(), false).unwrap();
    assert_eq!(home.branch, Some(head(&place.home.root)));
    assert!(!helper.changed(&place.home(), Duration::ZERO).unwrap());
    write(&place.folder, "new.txt", "one\n");
    let first = commit_all(&place.folder, "one");
    wait_until_changed(&mut helper, &place);
    assert_eq!(helper.bring(&place.home(), false).unwrap().branch, Some(first.clone()));
    assert_eq!(place.at_home(), first.as_str());
    // What git does all day: a stash, a rebase, a tag, an amended commit, `git gc`.
    write(&place.folder, "new.txt", "stashed\n");
    git(&place.folder, &["stash", "-q"]);
    wait_until_changed(&mut helper, &place);
    assert_eq!(helper.bring(&place.home(), false).unwrap().stashes.len(), 1);
    git(&place.folder, &["tag", "-a", "-m", "t", "v1"]);
    git(&place.folder, &["commit", "-q", "--amend", "-m", "amended"]);
    git(&place.folder, &["gc", "-q", "--prune=now"]);
    let amended = head(&place.folder);
    assert!(helper.changed(&place.home(), Duration::from_secs(60)).unwrap());
    let home = helper.bring(&place.home(), true).unwrap();
    assert_eq!((home.branch, home.left.len()), (Some(amended.clone()), 0));
    assert_eq!(place.at_home(), amended.as_str());
    git(&place.home.root, &["gc", "-q", "--prune=now"]);
    assert_eq!(git(&place.home.root, &["fsck", "--strict", "--no-dangling"]), "");
    git(&place.folder, &["stash", "drop", "-q"]);
    assert!(helper.changed(&place.home(), Duration::from_secs(60)).unwrap());
}

#[test]
fn a_place_that_is_taken_away_is_named_and_the_helper_goes_on() {
    let place = Place::new();
    write(&place.folder, "new.txt", "one\n");
    let first = commit_all(&place.folder, "one");
    let mut helper = place.helper();
    helper.bring(&place.home(), false).unwrap();
    fs::rename(place.folder.join(".git/objects"), place.folder.join("objects")).unwrap();
    assert!(fault(helper.bring(&place.home(), false), &place).contains(".git/objects is no folder"));
    fs::rename(place.folder.join("objects"), place.folder.join(".git/objects")).unwrap();
    assert_eq!(helper.bring(&place.home(), false).unwrap().branch, Some(first.clone()));
    fs::remove_dir_all(&place.folder).unwrap();
    assert!(fault(helper.bring(&place.home(), true), &place).contains(".git cannot be read"));
    assert_eq!(place.at_home(), first.as_str());
}

#[test]
fn helpers_that_talk_nonsense_end_or_hang_are_killed_and_named() {
    let place = Place::new();
    let long = Duration::from_secs(60);
    let garbage = shell("echo garbage; exec cat >/dev/null");
    let mut helper = place.other(garbage, long);
    assert!(fault(helper.bring(&place.home(), false), &place).contains("sent what is no answer"));
    // It was killed, so there is nobody to ask any more.
    assert!(fault(helper.bring(&place.home(), false), &place).contains("ended before"));
    let mut helper = place.other(shell("exit 0"), long);
    assert!(fault(helper.changed(&place.home(), long), &place).contains("ended before"));
    let endless = shell("exec yes 'alive 0\nnull'");
    let limits = HomeLimits { answer: Duration::from_millis(50), ..HomeLimits::default() };
    let mut helper = Helper::start_command(endless, &place.home(), limits).unwrap();
    assert!(fault(helper.bring(&place.home(), false), &place).contains("did not answer"));
    // Its child holds the pipe open; both are killed.
    let pids = place.folder.join("pids");
    let script = format!("sleep 1000 & echo $! >> {0}.new; mv {0}.new {0}; wait", pids.display());
    let mut helper = place.other(shell(&script), Duration::from_millis(50));
    let end = Instant::now() + long;
    while !pids.exists() {
        assert!(Instant::now() < end, "the script does not start");
        std::thread::yield_now();
    }
    assert!(fault(helper.bring(&place.home(), false), &place).contains("was stopped"));
    let pid = fs::read_to_string(&pids).unwrap();
    while is_alive(pid.trim()) {
        assert!(Instant::now() < end, "a child of the helper lives");
        std::thread::yield_now();
    }
}

fn is_alive(pid: &str) -> bool {
    let stat = Command::new("ps").args(["-o", "stat=", "-p", pid]).output().unwrap();
    let stat = String::from_utf8_lossy(&stat.stdout).trim().to_owned();
    !stat.is_empty() && !stat.starts_with('Z')
}

#[test]
fn deltas_in_a_circle_stop_the_helper_and_nothing_else() {
    let place = Place::new();
    let before = place.at_home();
    let ids = ["1111111111111111111111111111111111111111", "2222222222222222222222222222222222222222"];
    put_circle(&place.folder, ids);
    write(&place.folder, &format!(".git/refs/heads/{BRANCH}"), ids[0]);
    let mut helper = place.other(Helper::command(&program(), &place.home()), Duration::from_millis(500));
    let said = fault(helper.bring(&place.home(), false), &place);
    assert!(said.contains("did not answer within 0.5 seconds"), "{said}");
    assert_eq!(place.at_home(), before);
}

/// Writes a pack with two deltas, each of which is based on the other.
fn put_circle(folder: &Path, ids: [&str; 2]) {
    let bytes = |id: &str| vec![u8::from_str_radix(&id[..2], 16).unwrap(); 20];
    // The delta, as zlib stores it.
    let delta = [0x78, 0x01, 0x01, 4, 0, 0xfb, 0xff, 1, 1, 1, b'x', 0x01, 0x8b, 0x00, 0x7c];
    let mut pack = b"PACK\0\0\0\x02\0\0\0\x02".to_vec();
    let mut offsets = Vec::new();
    for base in [ids[1], ids[0]] {
        offsets.extend(u32::try_from(pack.len()).unwrap().to_be_bytes());
        pack.push(0x74);
        pack.extend(bytes(base));
        pack.extend(delta);
    }
    pack.extend([7; 20]);
    let mut index = b"\xfftOc\0\0\0\x02".to_vec();
    for first in 0_u8..=255 {
        index.extend((u32::from(first >= 0x11) + u32::from(first >= 0x22)).to_be_bytes());
    }
    ids.iter().for_each(|id| index.extend(bytes(id)));
    index.extend([0; 8]);
    index.extend(offsets);
    index.extend([7; 40]);
    let packs = folder.join(".git/objects/pack");
    fs::create_dir_all(&packs).unwrap();
    fs::write(packs.join("pack-1.pack"), pack).unwrap();
    fs::write(packs.join("pack-1.idx"), index).unwrap();
}

/// Variable with the folder of the place that a child of the test below works on.
const CHILD: &str = "PADDOCK_TEST_COMING_HOME";

#[test]
fn a_kill_at_every_moment_of_a_bring_is_repaired_by_the_next() {
    if let Some(root) = std::env::var_os(CHILD) {
        // Dies at the point that its environment names.
        Place::at(Path::new(&root)).brings_twice();
        return;
    }
    let points = POINTS.iter().map(|(name, _)| *name).filter(|name| name.starts_with("home."));
    let points: Vec<&str> = points.collect();
    assert!(points.len() > 5, "{points:?}");
    for point in points {
        let place = Place::new();
        for at in 0..2 {
            write(&place.folder, "new.txt", &format!("{at}\n"));
            commit_all(&place.folder, "work");
            place.helper().bring(&place.home(), false).unwrap();
        }
        write(&place.folder, "new.txt", "killed\n");
        commit_all(&place.folder, "work");
        git(&place.folder, &["branch", "side", "HEAD~1"]);
        let passed = place.home.root.with_file_name("passed");
        let child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "git_parts::coming_home::a_kill_at_every_moment_of_a_bring_is_repaired_by_the_next",
            ])
            .env(CHILD, &place.home.root)
            .env("PADDOCK_FAIL_POINT", format!("{point}:1@{}", passed.display()))
            .output()
            .unwrap();
        assert_eq!(child.status.signal(), Some(9), "{point}: {}", String::from_utf8_lossy(&child.stdout));
        git(&place.home.root, &["gc", "-q", "--prune=now"]);
        place.brings_twice();
        assert_eq!(place.at_home(), head(&place.folder).as_str(), "{point}");
        assert_eq!(git(&place.home.root, &["fsck", "--strict", "--no-dangling"]), "", "{point}");
        let packs = fs::read_dir(place.repository.common_dir().join("objects/pack")).unwrap();
        let keeps =
            packs.filter(|one| one.as_ref().unwrap().path().extension().is_some_and(|end| end == "keep"));
        assert_eq!(keeps.count(), 0, "{point}");
        let quarantine = place.repository.common_dir().join("paddock/quarantine");
        assert_eq!(fs::read_dir(quarantine).unwrap().count(), 0, "{point}");
    }
}

#[test]
#[ignore = "measures: cargo test --test it coming_home -- --ignored --nocapture"]
fn one_small_commit_takes_this_long() {
    let place = Place::new();
    for at in 0..200 {
        write(&place.folder, &format!("d{}/f{at}", at % 10), &format!("{at}\n"));
    }
    commit_all(&place.folder, "files");
    let mut helper = place.helper();
    helper.bring(&place.home(), false).unwrap();
    let mut times = Vec::new();
    for at in 0..50 {
        write(&place.folder, "d1/f1", &format!("new {at}\n"));
        commit_all(&place.folder, "small");
        let begun = Instant::now();
        helper.bring(&place.home(), false).unwrap();
        times.push(begun.elapsed());
    }
    times.sort();
    println!("median {:?}, least {:?}, most {:?}", times[25], times[0], times[49]);
}
