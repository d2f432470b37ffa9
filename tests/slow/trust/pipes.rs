//! Named pipes in the place of files: nothing waits for them, each is named, and what does not need them
//! goes on. And work that hangs for good, which a second signal ends.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};

use paddock_testkit::git::{commit_all, git};
use paddock_testkit::{Sandbox, Supervisor, until};
use rustix::process::Signal;
use serde_json::Value;

/// Shell lines that do the objective's work, and the folders in which the lines after them put pipes.
fn works(id: &str, then: &str) -> String {
    format!(
        "echo {id} > {id}.txt; git add .; git commit --quiet -m {id} || true\n\
         own=$(git rev-parse --absolute-git-dir); common=$(cd \"$(git rev-parse --git-common-dir)\"; pwd)\n\
         {then}\n"
    )
}

fn blocked(events: &[Value]) -> Vec<&str> {
    let found = events.iter().filter(|event| event["type"] == "file_blocked");
    found.map(|event| event["data"]["path"].as_str().unwrap()).collect()
}

#[test]
fn a_pipe_in_a_worktree_stops_its_own_objective_at_most_and_is_named() {
    let place = Sandbox::scripted("workspace");
    place.simple("workplace: worktree\nmax_parallel_sessions: 6\nrecovery: {max_retries: 0}\n");
    let pipes = [
        ("index", "rm $own/index; mkfifo $own/index"),
        ("head", "rm $own/HEAD; mkfifo $own/HEAD"),
        ("ref", "rm $common/refs/heads/paddock/ref/work; mkfifo $common/refs/heads/paddock/ref/work"),
        ("own", "mkfifo $own/config.worktree"),
        ("ignore", "rm .gitignore; mkfifo .gitignore; git checkout --quiet .gitignore; mkfifo sub.gitignore"),
    ];
    for (id, pipe) in pipes {
        place.script(id, &works(id, pipe));
    }
    place.objectives(&["index", "head", "ref", "own", "ignore", "plain"]);
    let events = place.idle(3);
    assert_eq!(place.status_of("plain")["status"], "done");
    let named = blocked(&events);
    for (id, end) in
        [("index", "/index"), ("head", "/HEAD"), ("ref", "/ref/work"), ("own", "/config.worktree")]
    {
        let status = place.status_of(id);
        assert_eq!(status["status"], "needs_review", "{status}");
        let text = status["reason"]["text"].as_str().unwrap();
        assert!(text.contains(&format!("{end}: a named pipe stands where git keeps a file")), "{text}");
        assert!(named.iter().any(|path| path.ends_with(end)), "{named:?}");
    }
    // A pipe that is no file of git's is left where it is, and named among what could not be kept.
    assert_ne!(place.status_of("ignore")["status"], "active");
}

#[test]
fn a_repository_that_a_pipe_blocks_is_held_and_judged_once_it_is_back() {
    let place = Sandbox::scripted("workspace");
    let repository = place.simple("workplace: worktree\nrecovery: {max_retries: 0}\n");
    let config = repository.join(".git/config");
    // The agent fails, as its git would without a repository: not its own doing, so no retry is needed.
    let pipe = "if [ \"$PADDOCK_SESSION\" = 1 ]; then mv $common/config $common/kept; mkfifo $common/config; exit 1; fi";
    place.script("one", &works("one", pipe));
    place.objectives(&["one"]);
    let running = place.supervisor(&["--poll-seconds", "1"]);
    running.wait("file_blocked", "*");
    let is_broken = |event: &Value| {
        event["type"] == "project_held" && event["data"]["reason"]["code"] == "repository_broken"
    };
    let held = running.wait_where("the hold", is_broken, 1);
    let text = held["data"]["reason"]["text"].as_str().unwrap();
    assert!(text.contains(config.to_str().unwrap()) && text.contains("a named pipe"), "{text}");
    running.wait("session_exited", "one");
    let status = place.status_of("one");
    assert_eq!(status["status"], "active", "it is not judged");
    let why = status["reason"]["text"].as_str().unwrap();
    assert!(why.contains("waits for the repository") && why.contains("a named pipe"), "{why}");
    fs::rename(repository.join(".git/kept"), &config).unwrap();
    running.wait("objective_done", "one");
    running.stop();
}

#[test]
fn a_pipe_in_the_workspace_is_named_by_commands_and_by_the_supervisor() {
    let place = Sandbox::scripted("workspace");
    place.simple("");
    let file = place.project_file("p");
    let kept = place.path("kept.yaml");
    fs::rename(&file, &kept).unwrap();
    mkfifo(&file);
    let (code, said) = place.outcome(&["config", "validate"]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("p.yaml") && said.contains("a named pipe"), "{said}");
    place.objectives(&["one"]);
    let events = place.idle(3);
    assert!(blocked(&events).iter().any(|path| path.ends_with("p.yaml")), "{events:?}");
    fs::rename(&kept, &file).unwrap();
    place.idle(0);
}

#[test]
fn a_second_signal_ends_a_supervisor_in_which_something_hangs() {
    let place = Sandbox::scripted("workspace");
    place.simple("");
    place.objectives(&["one"]);
    let mut command = place.paddock(&["run", "--no-tui", "--json"]);
    let said = place.path("stderr");
    command.env("PADDOCK_TROUBLE", "hang:harvest").stderr(fs::File::create(&said).unwrap());
    let mut running = Supervisor::start_with_stderr(command);
    running.heard_of("session_exited", "one");
    running.signal(Signal::TERM);
    // Two signals that wait at once would count as one.
    until("the first signal is handled", || fs::read_to_string(&said).unwrap().contains("stopping"));
    running.signal(Signal::TERM);
    running.end();
    // What hung has its intent on record, and is done by the next supervisor.
    place.idle(0);
}

fn mkfifo(path: &Path) {
    assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// Lines of an agent that puts pipes at the paths in a file, one per line, relative to the sandbox.
const PLANT: &str = r#"
while read -r path; do
  case $path in */) continue;; esac
  [ -d "$home/$path" ] && continue
  rm -f "$home/$path"; mkdir -p "$(dirname "$home/$path")"; mkfifo "$home/$path"
done < $home/planted
"#;

/// Makes the sandbox of the traced run, and of each run with a pipe.
fn scene() -> (Sandbox, PathBuf) {
    let place = Sandbox::scripted("workspace");
    let repository = place.simple(
        "max_parallel_sessions: 1\nrecovery: {max_retries: 0}\nverify: [{name: gate, run: \"true\"}]\n\
         worktree: {copy: [.env]}\n",
    );
    fs::write(repository.join(".env"), "A=1\n").unwrap();
    fs::write(repository.join(".gitattributes"), "*.bin binary\n").unwrap();
    commit_all(&repository, "Attributes");
    fs::write(place.root().join(".env"), "B=1\n").unwrap();
    git(&repository, &["pack-refs", "--all"]);
    place.script("one", &works("one", PLANT));
    place.script("two", &works("two", ""));
    fs::write(place.path("planted"), "").unwrap();
    place.objectives(&["one", "two < one"]);
    (place, repository)
}

/// Returns the files that the supervisor, and git for it, opened for reading in a traced run, relative to the
/// sandbox. Left out are folders, objects and what only the agent opened.
fn opened_for_reading() -> BTreeSet<String> {
    let (place, _) = scene();
    let trace = place.path("trace");
    let run = place.paddock(&["run", "--no-tui", "--json", "--until-idle"]);
    let mut strace = place.program("strace");
    strace.args(["-f", "-qq", "-z", "-e", "trace=open,openat", "-o"]).arg(&trace).arg(run.get_program());
    strace.args(run.get_args()).stdout(Stdio::null()).stderr(Stdio::null());
    strace.status().unwrap();
    // With a slash at its end.
    let home = place.path("").display().to_string();
    let text = fs::read_to_string(&trace).unwrap();
    let reads = text.lines().filter(|line| line.contains("O_RDONLY") && !line.contains("O_DIRECTORY"));
    let paths = reads.filter_map(|line| line.split('"').nth(1)?.strip_prefix(&home).map(str::to_owned));
    // Content that git addresses by its hash cannot be put into another run, and the test's own scripts are
    // read by the agent alone.
    let is_ours = |path: &String| {
        !["/objects/", "scripts/", "agent.sh", "trace", "/proc/"].iter().any(|part| path.contains(part))
            && !path.ends_with(".lock")
            && place.path(path).is_file() | path.contains(".git/")
    };
    paths.filter(is_ours).collect()
}

/// Runs with a pipe at one path. Returns what is wrong.
fn with_pipe_at(path: &str) -> Option<String> {
    let (place, _) = scene();
    fs::write(place.path("planted"), format!("{path}\n")).unwrap();
    let mut running = place.supervisor(&["--until-idle"]);
    let begun = std::time::Instant::now();
    while !running.is_over() {
        if begun.elapsed().as_secs() > 90 {
            running.signal(Signal::KILL);
            return Some(format!("{path}: hangs"));
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    let events = running.events();
    // A supervisor that cannot go on without the file ends, and the next command names it.
    let (_, said) = place.outcome(&["status"]);
    let full = place.path(path).display().to_string();
    let is_named = said.contains(&full) || events.iter().any(|event| event.to_string().contains(&full));
    let is_there = fs::metadata(&full).is_ok_and(|facts| !facts.is_file());
    // A pipe that nothing reads any more, or that Paddock replaced by its own file, needs no name.
    let landed = events.iter().filter(|event| event["type"] == "objective_done").count();
    (is_there && !is_named && landed < 2).then(|| format!("{path}: not named: {said}"))
}

#[test]
#[ignore = "minutes: cargo test --test slow pipes::at_every -- --ignored --nocapture"]
fn at_every_path_that_a_run_opens_for_reading_a_pipe_hangs_nothing_and_is_named() {
    let paths: Vec<String> = opened_for_reading().into_iter().collect();
    assert!(paths.len() > 20, "{paths:?}");
    println!("{} paths", paths.len());
    let next = AtomicUsize::new(0);
    let faults: Vec<String> = std::thread::scope(|scope| {
        let look = || {
            let mut faults = Vec::new();
            while let Some(path) = paths.get(next.fetch_add(1, Ordering::SeqCst)) {
                println!("{path}");
                faults.extend(with_pipe_at(path));
            }
            faults
        };
        let workers: Vec<_> = (0..3).map(|_| scope.spawn(look)).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    assert!(faults.is_empty(), "{faults:#?}");
}
