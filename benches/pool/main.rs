//! Times making places: worktrees and own places, out of the pool and anew, each beside `git worktree add` of the
//! same repository; and bringing one small commit home.
//! `cargo bench --bench pool` prints the figures; docs/performance.md holds them.

#![expect(clippy::unwrap_used, reason = "a bench fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use paddock_git::{
    Helper, PlaceHome, Pool, PoolOrder, Repository, StatTrust, Upstream, Worktree, WorktreeSpec,
    add_pooled_worktree, follow_origin, retire_worktree, tend_pool,
};
use paddock_model::ids::ObjectId;
use paddock_testkit::git::git;
use tempfile::TempDir;

const ROUNDS: usize = 5;
/// Commits that are brought home.
const COMMITS: usize = 20;
const INTEGRATION: &str = "refs/paddock/integration/main";

fn main() {
    // `cargo bench -- NUMBER` sets the number of files of the large repository; `cargo test --benches` passes
    // flags only.
    let files = std::env::args().skip(1).find_map(|word| word.parse().ok()).unwrap_or(100_000);
    println!("small repository");
    Ground::new(10).measure();
    println!("{files} files");
    Ground::new(files).measure();
}

/// A repository with two commits that differ in 10 files, and its pool.
struct Ground {
    folder: TempDir,
    root: PathBuf,
    repository: Repository,
    pool: Pool,
    commits: [ObjectId; 2],
}

impl Ground {
    fn new(files: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("repository");
        for n in 0..files {
            let folder = root.join(format!("src/{}", n / 100));
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join(format!("{n}.txt")), format!("content {n}\n")).unwrap();
        }
        git(&root, &["init", "-q", "-b", "main"]);
        let commit = |name: &str| {
            git(&root, &["add", "."]);
            git(&root, &["-c", "gc.auto=0", "commit", "-qm", name]);
            ObjectId::new(git(&root, &["rev-parse", "HEAD"]).trim()).unwrap()
        };
        let first = commit("First");
        for n in (0..files).step_by((files / 10).max(1)) {
            fs::write(root.join(format!("src/{}/{n}.txt", n / 100)), "changed\n").unwrap();
        }
        let commits = [first, commit("Second")];
        git(&root, &["-c", "gc.auto=0", "repack", "-adq"]);
        git(&root, &["update-ref", INTEGRATION, "HEAD"]);
        let repository = Repository::open(&root).unwrap();
        fs::create_dir(folder.path().join("trees")).unwrap();
        let trust = StatTrust::of_this_process();
        println!("  files are trusted by their change time: {}", trust == StatTrust::ChangeTime);
        let pool = Pool::new(&repository, &folder.path().join("trees"), trust).unwrap();
        Self { folder, root, repository, pool, commits }
    }

    fn add(&self, id: &str, commit: &ObjectId, pool: Option<&Pool>) -> (Worktree, Duration) {
        self.add_kind(id, commit, pool, None)
    }

    fn add_own(&self, id: &str, commit: &ObjectId, pool: Option<&Pool>) -> (Worktree, Duration) {
        let folder = self.folder.path().join("trees");
        let origin = follow_origin(&self.repository, &folder, "main", INTEGRATION).unwrap();
        self.add_kind(id, commit, pool, Some(Upstream { origin, branch: "main".to_owned() }))
    }

    fn add_kind(
        &self,
        id: &str,
        commit: &ObjectId,
        pool: Option<&Pool>,
        own: Option<Upstream>,
    ) -> (Worktree, Duration) {
        let path = self.folder.path().join("trees").join(id);
        let (branch, marker) = (format!("paddock/{id}/work"), format!("bench/{id}"));
        let spec = WorktreeSpec { path, branch, base: commit.clone(), marker, own };
        let begun = Instant::now();
        (add_pooled_worktree(&self.repository, &spec, pool).unwrap(), begun.elapsed())
    }

    fn retire(&self, worktree: &Worktree, most: usize) {
        retire_worktree(&self.repository, worktree, Path::new("/nowhere"), (&self.pool, most)).unwrap();
    }

    /// Resets what is in the pool to a commit.
    fn tend(&self, commit: &ObjectId) -> Duration {
        let begun = Instant::now();
        let order = PoolOrder { commit, most: 1, must_end: &|| false };
        assert_eq!(tend_pool(&self.repository, &self.pool, &order).unwrap().ready, 1);
        begun.elapsed()
    }

    /// Times bringing one small commit home, by a helper that is warm. git's own part is not counted.
    fn bring_home(&self, place: &Worktree) -> Duration {
        let home = PlaceHome {
            repository: &self.repository,
            folder: &place.path,
            shadow: &place.git_dir,
            branch: &place.branch,
            objective: "home",
            name: place.place_name(),
        };
        let mut helper = Helper::start(Path::new(env!("CARGO_BIN_EXE_paddock")), &home).unwrap();
        helper.bring(&home, false).unwrap();
        let mut times = Vec::new();
        for n in 0..COMMITS {
            fs::write(place.path.join("home.txt"), format!("{n}\n")).unwrap();
            git(&place.path, &["add", "home.txt"]);
            git(&place.path, &["commit", "-qm", "One more"]);
            let begun = Instant::now();
            helper.bring(&home, false).unwrap();
            times.push(begun.elapsed());
        }
        median(&mut times)
    }

    fn measure(&self) {
        let [mut by_git, mut anew, mut same, mut other, mut first, mut again] = [const { Vec::new() }; 6];
        let [mut own_anew, mut own_same] = [const { Vec::new() }; 2];
        let [one, two] = &self.commits;
        for round in 0..ROUNDS {
            let path = self.folder.path().join("by-git");
            let branch = format!("git{round}");
            let arguments = ["worktree", "add", "-q", "-b", &branch, path.to_str().unwrap(), one.as_str()];
            let begun = Instant::now();
            git(&self.root, &arguments);
            by_git.push(begun.elapsed());
            git(&self.root, &["worktree", "remove", "--force", path.to_str().unwrap()]);
            let (worktree, took) = self.add(&format!("anew{round}"), one, None);
            anew.push(took);
            self.retire(&worktree, 1);
            first.push(self.tend(one));
            let (worktree, took) = self.add(&format!("same{round}"), one, Some(&self.pool));
            same.push(took);
            self.retire(&worktree, 1);
            again.push(self.tend(one));
            let (worktree, took) = self.add(&format!("other{round}"), two, Some(&self.pool));
            other.push(took);
            self.retire(&worktree, 0);
            let (place, took) = self.add_own(&format!("own{round}"), one, None);
            own_anew.push(took);
            self.retire(&place, 1);
            self.tend(one);
            let (place, took) = self.add_own(&format!("ownsame{round}"), one, Some(&self.pool));
            own_same.push(took);
            self.retire(&place, 0);
        }
        let (place, _) = self.add_own("home", one, None);
        println!("  one small commit home: {:.1} ms", ms(self.bring_home(&place)));
        let reference = median(&mut by_git);
        println!("  git worktree add: {:.1} ms", ms(reference));
        for (name, mut times) in [
            ("made anew", anew),
            ("from the pool, same commit", same),
            ("from the pool, another commit", other),
            ("own place, made anew", own_anew),
            ("own place, from the pool", own_same),
            ("background: first reset", first),
            ("background: later reset", again),
        ] {
            let time = median(&mut times);
            println!("  {name}: {:.1} ms, {:.1} %", ms(time), 100.0 * ms(time) / ms(reference));
        }
    }
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}
