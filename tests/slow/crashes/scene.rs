//! A small plan that passes every fail point at least once, played while processes are killed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

use paddock_testkit::{DEADLINE, Sandbox, bounded::output_of};

/// Names the point at which a process kills itself, and the file in which passings are noted.
const VARIABLE: &str = "PADDOCK_FAIL_POINT";

/// Start of these tests' agents. Each session notes its process (id, state and start time would change, so
/// zombies and reused ids do not count) and reports another live session of the same objective in `doubled`.
/// `save FILE TEXT` commits and notes the commit.
pub(super) const COMMON: &str = r#"
set -e
at=$NOTES/at-$PADDOCK_OBJECTIVE
of() { cut -d' ' -f1,3,22 "/proc/$1/stat" 2>/dev/null | grep -v ' [ZX] ' | cut -d' ' -f1,3; }
if [ -f "$at" ] && was=$(cat "$at") && [ -n "$was" ] && [ "$(of "${was%% *}")" = "$was" ]; then
  echo "$PADDOCK_OBJECTIVE" >> "$NOTES/doubled"
fi
of $$ > "$at"
save() {
  printf '%s\n' "$2" > "$1"; git add "$1"
  git diff --cached --quiet || git commit -q -m "Write $1"
  git rev-parse HEAD >> "$NOTES/commits"
}
over() { printf -- '---SESSION_SUMMARY---\nstatus: completed\nsummary: done\n---END_SESSION_SUMMARY---\n'; }
"#;

/// `over` exceeds its budget of commits and leaves uncommitted work; its follow-up finishes.
const AGENT: &str = r#"
case $PADDOCK_OBJECTIVE-$PADDOCK_SESSION_KIND in
over-work)
  echo unsaved > dirty.txt
  save over.txt "one of $PADDOCK_SESSION"
  save over.txt "two of $PADDOCK_SESSION"
  while :; do sleep 1; done;;
over-*) rm -f dirty.txt; save over.txt final; over;;
*) save "$PADDOCK_OBJECTIVE.txt" "$PADDOCK_OBJECTIVE"; over;;
esac
"#;

/// Plans one objective, and an empty plan once that objective exists.
const PLANNER: &str = r#"
echo '```yaml'
if grep -q planned.txt "$PADDOCK_PROMPT_FILE"; then echo 'objectives: []'; else cat <<EOT
objectives:
  - {id: planned, title: Make planned.txt, path_scope: [planned.txt]}
EOT
fi
echo '```'
"#;

/// The objectives that a person adds.
const PLAN: &str = "objectives:
  - {id: first, title: first, path_scope: [first.txt]}
  - {id: over, title: over, path_scope: [over.txt], depends_on: [first], session_budget: {max_commits: 1}}
  - {id: second, title: second, path_scope: [second.txt], depends_on: [over]}
  - {id: last, title: last, path_scope: [last.txt], depends_on: [second]}
";

const OBJECTIVES: [&str; 5] = ["first", "last", "over", "planned", "second"];

/// A moment at which one process kills itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment {
    pub point: &'static str,
    pub nth: usize,
}

/// The end of a run: everything that must not depend on kills on the way.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct End {
    tree: String,
    states: BTreeMap<String, String>,
}

/// One play of the plan.
pub(super) struct Scene {
    pub place: Sandbox,
    repository: PathBuf,
    /// How long each supervisor took from its start until it was at work.
    pub recoveries: Vec<Duration>,
    moments: Vec<Moment>,
    at: usize,
    workplace: &'static str,
}

/// The kinds of place in which sessions work.
pub(super) const WORKPLACES: [&str; 2] = ["worktree", "own"];

impl Scene {
    /// Sets up the plan, with sessions in this kind of place. The moments are awaited one after the other.
    pub(super) fn new(moments: &[Moment], workplace: &'static str) -> Self {
        let place = Sandbox::new();
        let repository = place.repository("web");
        let (recoveries, moments) = (Vec::new(), moments.to_vec());
        let mut scene = Self { place, repository, recoveries, moments, at: 0, workplace };
        let path = scene.repository.to_str().unwrap().to_owned();
        scene.insist(&["project", "add", &path], "already", &["migration.", "integration."]);
        scene.set_up()
    }

    fn set_up(mut self) -> Self {
        let place = &self.place;
        fs::write(place.path("crash.sh"), COMMON.to_owned() + AGENT).unwrap();
        fs::write(place.path("planner.sh"), PLANNER).unwrap();
        fs::write(place.path("plan.yaml"), PLAN).unwrap();
        fs::write(place.path("goals.md"), "# The goal\n\n## The milestone\n\n### The phase\n").unwrap();
        let file = place.project_file("web");
        let (agent, planner) = (place.path("crash.sh"), place.path("planner.sh"));
        let more = format!(
            "agents:\n  - {{id: tester, command_template: [sh, {agent:?}]}}\n  - {{id: planner, planner: true, \
             command_template: [sh, {planner:?}]}}\nworkplace: {}\nsession_defaults: {{planner_agent: planner}}\n\
             verify: [{{name: there, run: \"test -f README.md && test ! -e dirty.txt\"}}]\n",
            self.workplace
        );
        fs::write(&file, fs::read_to_string(&file).unwrap() + &more).unwrap();
        place.good(&["goal", "import", "goals.md"]);
        place.good(&["plan", "apply", "plan.yaml"]);
        // Without a supervisor this command runs itself, so that a kill can hit a one-shot command as well.
        self.insist(&["objective", "pause", "last"], "paused", &["answer."]);
        self
    }

    fn file_of(&self, place: usize) -> PathBuf {
        self.place.path(&format!("passed-{place}"))
    }

    /// Returns the points that were passed while this moment was awaited.
    fn passed(&self, place: usize) -> Vec<String> {
        lines(&self.file_of(place))
    }

    /// Returns the points that an undisturbed run passed, during the set-up and afterwards.
    pub(super) fn all_passed(&self) -> (Vec<String>, Vec<String>) {
        (lines(&self.place.path("passed-setup")), self.passed(0))
    }

    fn is_reached(&self, place: usize) -> bool {
        let moment = self.moments[place];
        self.passed(place).iter().filter(|line| *line == moment.point).count() >= moment.nth
    }

    /// Returns a command of `paddock` that kills itself at the moment that is awaited now.
    fn paddock(&self, arguments: &[&str]) -> Command {
        let mut command = self.place.paddock(arguments);
        let wanted =
            self.moments.get(self.at).map_or("nothing:0".to_owned(), |m| format!("{}:{}", m.point, m.nth));
        command.env(VARIABLE, format!("{wanted}@{}", self.file_of(self.at).display()));
        command
    }

    /// Runs a command as a person does: again if it was killed, until it succeeds or the error contains
    /// `is_done`. It kills itself only at points with one of the given prefixes.
    fn insist(&mut self, arguments: &[&str], is_done: &str, points: &[&str]) {
        let is_for_this = |moment: &Moment| points.iter().any(|prefix| moment.point.starts_with(prefix));
        for _ in 0..5 {
            let mut command = match self.moments.get(self.at).is_some_and(is_for_this) {
                true => self.paddock(arguments),
                false => self.place.paddock(arguments),
            };
            if self.moments.is_empty() {
                command.env(VARIABLE, format!("nothing:0@{}", self.place.path("passed-setup").display()));
            }
            let output = output_of(&mut command);
            self.next_moment();
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            if output.status.success() || said.contains(is_done) {
                let left = self.moments.get(self.at).filter(|moment| is_for_this(moment));
                return assert_eq!(left, None, "the moment was never reached");
            }
            assert!(is_killed(output.status), "{arguments:?}: {said}");
        }
        assert!(self.moments.is_empty(), "{arguments:?} never succeeded");
    }

    /// Plays the scene to its end, through all kills.
    pub(super) fn play(&mut self) -> End {
        let mut resumed = false;
        let once = output_of(&mut self.paddock(&["run", "--no-tui", "--once"]));
        // Exit code 3: the paused objective waits for a person.
        assert!(once.status.code() == Some(3) || is_killed(once.status), "{once:?}");
        // Every moment kills at most one process. A run can also end because `last` is still paused.
        for _ in 0..self.moments.len() + 4 {
            self.next_moment();
            let code = self.run(&mut resumed);
            self.next_moment();
            if code == Some(0) && resumed {
                // How often a point is passed depends on what lands together, but each is passed at least
                // once.
                let left = &self.moments[self.at..];
                assert!(left.iter().all(|moment| moment.nth > 1), "never reached: {left:?}");
                left.iter().for_each(|moment| println!("never reached: {moment:?}"));
                return self.end();
            }
            let explained =
                || self.place.run(&["explain"]).1 + &lines(&self.place.path("problems")).join("\n");
            assert!(
                code.is_none() || !resumed,
                "{:?}: the supervisor ended with {code:?}: {}",
                self.moments,
                explained()
            );
        }
        assert!(self.moments.is_empty(), "the plan was never finished: {}", self.place.run(&["explain"]).1);
        self.end()
    }

    /// Awaits the next moment if the current one was reached.
    fn next_moment(&mut self) {
        while self.at < self.moments.len() && self.is_reached(self.at) {
            self.at += 1;
        }
    }

    /// Runs one supervisor until it ends. Returns its exit code, or `None` if it was killed.
    fn run(&mut self, resumed: &mut bool) -> Option<i32> {
        let begun = Instant::now();
        let mut running = self.start();
        if running.is_up() {
            self.recoveries.push(begun.elapsed());
        }
        if self.is_adoption() {
            running.wait_for("session_started");
            running.child.kill().unwrap();
            running.ended(|| false);
            running = self.start();
            // Until the supervisor listens, the command below would run itself and hold the lock that the
            // supervisor needs.
            running.is_up();
        }
        if !*resumed {
            let output = output_of(&mut self.paddock(&["objective", "resume", "last"]));
            *resumed = output.status.success() || self.place.status_of("last")["status"] != "paused";
        }
        running.ended(|| self.is_halfway())
    }

    /// Returns whether a keeper has killed itself and more moments follow. The supervisor is killed then as
    /// well, since only a new one waits for the next moment.
    fn is_halfway(&self) -> bool {
        let is_keeper = |moment: &Moment| moment.point.starts_with("keeper.");
        self.moments.get(self.at).is_some_and(is_keeper)
            && self.at + 1 < self.moments.len()
            && self.is_reached(self.at)
    }

    /// Returns whether the awaited moment is an adoption. It happens only if a session runs while no
    /// supervisor does, so the supervisor must be killed first.
    fn is_adoption(&self) -> bool {
        self.moments.get(self.at).is_some_and(|moment| moment.point.starts_with("adopt."))
    }

    fn start(&self) -> Running {
        let said = self.place.path("said");
        let mut command = self.paddock(&["run", "--no-tui", "--json", "--until-idle"]);
        command.args(["--planner-cooldown", "0", "--poll-seconds", "5"]);
        let child = command
            .stdout(fs::File::create(&said).unwrap())
            .stderr(fs::File::create(self.place.path("problems")).unwrap())
            .spawn()
            .unwrap();
        Running { child, said }
    }

    /// Asserts that nothing is lost or doubled and no process is left; returns the end.
    fn end(&self) -> End {
        let (place, repository) = (&self.place, self.repository.as_path());
        place.nobody_is_left();
        place.is_tidy(repository, OBJECTIVES.len());
        place.good(&["verify"]);
        place.good(&["doctor"]);
        nothing_is_lost_or_doubled(place, repository);
        let salvaged =
            place.git(repository, &["for-each-ref", "--format=%(refname)", "refs/paddock/salvage/over"]);
        let holds = |name: &str| {
            let shown = place
                .program("git")
                .arg("-C")
                .arg(repository)
                .args(["show", &format!("{name}:dirty.txt")])
                .output();
            shown.is_ok_and(|output| output.stdout == b"unsaved\n")
        };
        assert!(salvaged.lines().any(holds), "no salvage ref holds the uncommitted work: {salvaged}");
        let states = OBJECTIVES.map(|id| (id.to_owned(), place.status_of(id)["status"].to_string()));
        End { tree: place.git(repository, &["rev-parse", "main^{tree}"]), states: BTreeMap::from(states) }
    }
}

/// Asserts that every commit of an agent is reachable, and that no two sessions were ever in one worktree.
pub(super) fn nothing_is_lost_or_doubled(place: &Sandbox, repository: &Path) {
    let doubled = fs::read_to_string(place.note("doubled")).unwrap_or_default();
    assert_eq!(doubled, "", "two sessions in one worktree");
    let reachable = place.git(repository, &["rev-list", "--all"]);
    let reachable: BTreeSet<&str> = reachable.lines().collect();
    let made = fs::read_to_string(place.note("commits")).unwrap_or_default();
    let lost: Vec<&str> =
        made.lines().filter(|commit| commit.len() == 40 && !reachable.contains(commit)).collect();
    assert!(lost.is_empty(), "commits are lost: {lost:?}");
}

fn lines(file: &Path) -> Vec<String> {
    fs::read_to_string(file).unwrap_or_default().lines().map(str::to_owned).collect()
}

fn is_killed(status: ExitStatus) -> bool {
    status.code().is_none()
}

/// A supervisor that writes its events to a file.
struct Running {
    child: Child,
    said: PathBuf,
}

impl Running {
    /// Waits until the supervisor is at work; returns `false` if it died before.
    fn is_up(&mut self) -> bool {
        self.wait_for("supervisor_started")
    }

    /// Waits until the supervisor has printed an event of this type; returns `false` if it ended before.
    fn wait_for(&mut self, kind: &str) -> bool {
        let until = Instant::now() + DEADLINE;
        let wanted = format!("\"type\":\"{kind}\"");
        loop {
            // Looked at before the file: an event that is written just before the end is still found.
            let is_over = self.child.try_wait().unwrap().is_some();
            if fs::read_to_string(&self.said).unwrap().contains(&wanted) {
                return true;
            }
            if is_over {
                return false;
            }
            assert!(Instant::now() < until, "{kind} never came");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits until the supervisor has ended and kills it when `must_die`. Returns its exit code, or `None` if
    /// it was killed.
    fn ended(&mut self, must_die: impl Fn() -> bool) -> Option<i32> {
        let until = Instant::now() + DEADLINE;
        loop {
            if must_die() {
                self.child.kill().unwrap();
            }
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            let said = || fs::read_to_string(&self.said).unwrap();
            assert!(Instant::now() < until, "the supervisor never ended: {}", said());
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}
