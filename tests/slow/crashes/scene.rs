//! A small plan in which everything happens once at least, played with one process killed on the way.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

use paddock_testkit::{DEADLINE, Sandbox, bounded::output_of};

/// Names the point to be killed at, and the file that counts.
const VARIABLE: &str = "PADDOCK_FAIL_POINT";

/// What agents of these tests share: each session says that it is at work, and notices another one in its
/// worktree; `save FILE TEXT` commits, and notes the commit.
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

/// `over` makes more commits than it may and leaves work uncommitted; its follow-up finishes.
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

/// Plans one objective, and nothing once it is there.
const PLANNER: &str = r#"
echo '```yaml'
if grep -q planned.txt "$PADDOCK_PROMPT_FILE"; then echo 'objectives: []'; else cat <<EOT
objectives:
  - {id: planned, title: Make planned.txt, path_scope: [planned.txt]}
EOT
fi
echo '```'
"#;

/// What people ask for.
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

/// What a run came to: all that must not depend on what happened on the way.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct End {
    tree: String,
    states: BTreeMap<String, String>,
}

/// A scene on its stage.
pub(super) struct Scene {
    pub place: Sandbox,
    repository: PathBuf,
    /// How often supervisors were started, and how long the ones after a kill took to be at work.
    pub recoveries: Vec<Duration>,
    moments: Vec<Moment>,
    at: usize,
}

impl Scene {
    /// Sets up the plan. The moments come one after the other.
    pub(super) fn new(moments: &[Moment]) -> Self {
        let place = Sandbox::new();
        let repository = place.repository("web");
        let mut scene = Self { place, repository, recoveries: Vec::new(), moments: moments.to_vec(), at: 0 };
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
             command_template: [sh, {planner:?}]}}\nsession_defaults: {{planner_agent: planner}}\n\
             verify: [{{name: there, run: \"test -f README.md && test ! -e dirty.txt\"}}]\n"
        );
        fs::write(&file, fs::read_to_string(&file).unwrap() + &more).unwrap();
        place.good(&["goal", "import", "goals.md"]);
        place.good(&["plan", "apply", "plan.yaml"]);
        // One command that nobody but itself carries out.
        self.insist(&["objective", "pause", "last"], "paused", &["answer."]);
        self
    }

    fn file_of(&self, place: usize) -> PathBuf {
        self.place.path(&format!("passed-{place}"))
    }

    /// The passings while this moment was awaited.
    fn passed(&self, place: usize) -> Vec<String> {
        lines(&self.file_of(place))
    }

    /// The passings of a run in which nobody is killed: while things were set up, and after.
    pub(super) fn all_passed(&self) -> (Vec<String>, Vec<String>) {
        (lines(&self.place.path("passed-setup")), self.passed(0))
    }

    fn is_reached(&self, place: usize) -> bool {
        let moment = self.moments[place];
        self.passed(place).iter().filter(|line| *line == moment.point).count() >= moment.nth
    }

    /// `paddock`, which kills itself at the moment whose turn it is.
    fn paddock(&self, arguments: &[&str]) -> Command {
        let mut command = self.place.paddock(arguments);
        let wanted =
            self.moments.get(self.at).map_or("nothing:0".to_owned(), |m| format!("{}:{}", m.point, m.nth));
        command.env(VARIABLE, format!("{wanted}@{}", self.file_of(self.at).display()));
        command
    }

    /// A command as a person gives it: again, when it was killed; told then that it is done, they are content. It
    /// kills itself at points whose names begin so.
    fn insist(&mut self, arguments: &[&str], is_done: &str, points: &[&str]) {
        let is_meant = |moment: &Moment| points.iter().any(|prefix| moment.point.starts_with(prefix));
        for _ in 0..5 {
            let mut command = match self.moments.get(self.at).is_some_and(is_meant) {
                true => self.paddock(arguments),
                false => self.place.paddock(arguments),
            };
            if self.moments.is_empty() {
                command.env(VARIABLE, format!("nothing:0@{}", self.place.path("passed-setup").display()));
            }
            let output = output_of(&mut command);
            self.go_on();
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            if output.status.success() || said.contains(is_done) {
                let left = self.moments.get(self.at).filter(|moment| is_meant(moment));
                return assert_eq!(left, None, "never reached");
            }
            assert!(is_killed(output.status), "{arguments:?}: {said}");
        }
        assert!(self.moments.is_empty(), "{arguments:?} never came through");
    }

    /// Plays the scene to its end, however often somebody is killed on the way.
    pub(super) fn play(&mut self) -> End {
        let mut resumed = false;
        let once = output_of(&mut self.paddock(&["run", "--no-tui", "--once"]));
        // One objective is paused, which waits for a person.
        assert!(once.status.code() == Some(3) || is_killed(once.status), "{once:?}");
        // Every moment kills one process at most; a run may also end because nobody has resumed yet.
        for _ in 0..self.moments.len() + 4 {
            self.go_on();
            let code = self.run(&mut resumed);
            self.go_on();
            if code == Some(0) && resumed {
                // How often something is passed depends on what lands together; that it is passed does not.
                let left = &self.moments[self.at..];
                assert!(left.iter().all(|moment| moment.nth > 1), "never reached: {left:?}");
                left.iter().for_each(|moment| println!("never reached: {moment:?}"));
                return self.end();
            }
            let explained =
                || self.place.run(&["explain"]).1 + &lines(&self.place.path("problems")).join("\n");
            assert!(
                code.is_none() || !resumed,
                "{:?}: it ended with {code:?}: {}",
                self.moments,
                explained()
            );
        }
        assert!(self.moments.is_empty(), "it never came to an end: {}", self.place.run(&["explain"]).1);
        self.end()
    }

    /// The next moment's turn, once one was reached.
    fn go_on(&mut self) {
        while self.at < self.moments.len() && self.is_reached(self.at) {
            self.at += 1;
        }
    }

    /// One supervisor, until it ends or dies; none: it was killed.
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
            // Before that a command would carry itself out, and hold the lock that the supervisor wants.
            running.is_up();
        }
        if !*resumed {
            let output = output_of(&mut self.paddock(&["objective", "resume", "last"]));
            *resumed = output.status.success() || self.place.status_of("last")["status"] != "paused";
        }
        running.ended(|| self.is_halfway())
    }

    /// A keeper has killed itself, and there are more moments to come: the supervisor is killed, too.
    fn is_halfway(&self) -> bool {
        let is_keeper = |moment: &Moment| moment.point.starts_with("keeper.");
        self.moments.get(self.at).is_some_and(is_keeper)
            && self.at + 1 < self.moments.len()
            && self.is_reached(self.at)
    }

    /// Found again is only who runs while the supervisor does not.
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

    /// Nothing lost, nothing twice, nobody left; and what it came to.
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
        assert!(salvaged.lines().any(holds), "the uncommitted work is nowhere: {salvaged}");
        let states = OBJECTIVES.map(|id| (id.to_owned(), place.status_of(id)["status"].to_string()));
        End { tree: place.git(repository, &["rev-parse", "main^{tree}"]), states: BTreeMap::from(states) }
    }
}

/// Every commit that an agent made is reachable, and never were two of them in one worktree.
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

/// A supervisor that prints its events into a file.
struct Running {
    child: Child,
    said: PathBuf,
}

impl Running {
    /// Waits until it is at work; `false` when it died before.
    fn is_up(&mut self) -> bool {
        self.wait_for("supervisor_started")
    }

    /// Waits until it has told of an event of this type; `false` when it ended before.
    fn wait_for(&mut self, kind: &str) -> bool {
        let until = Instant::now() + DEADLINE;
        let wanted = format!("\"type\":\"{kind}\"");
        loop {
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

    /// Waits until it has ended; its exit code, none when it was killed.
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
            assert!(Instant::now() < until, "it never ended: {}", said());
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}
