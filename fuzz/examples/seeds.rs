//! Fills `corpus/` with files of this repository (recordings of real agents, golden events, project files)
//! and with a few small examples. Run it in the folder `fuzz`.

use std::fs;
use std::io;
use std::path::Path;

use paddock_agents::transcript::formats;

/// Most bytes of a recording. A longer one teaches a fuzzer nothing more and slows it down.
const RECORDING_MAX_BYTES: usize = 6_000;

const PLAN: &str = "Here it is:\n\n```yaml\nreasoning: |\n  because\nphase_checks:\n  - {description: d, check_type: shell, check_command: make, expected: \"\"}\nobjectives:\n  - id: one\n    title: \"中文: yes\"\n    description: |\n      ```sh\n      make\n      ```\n    path_scope: [\"src/**\"]\n    depends_on: [old]\n    session_budget: {max_commits: 2, max_minutes: 10}\n  - id: two\n    title: Second\n    depends_on: [one]\n    worker_id: researcher\n    priority: -3\n```\nDone.\n";
const GOALS: &str = "# Goal <!-- id: g -->\n\nWords.\n\n## Milestone\n\n### Phase\n\n```checks\n- {description: d, check_type: shell, check_command: make, expected: \"\"}\n```\n";
const SUMMARY: &str = "words\n---SESSION_SUMMARY---\nstatus: completed\ncommits_made: 2\nsummary: |\n  did it\nneeds_follow_up: false\nfollow_up_notes: \"\"\nout_of_scope_changes_needed: \"\"\n---END_SESSION_SUMMARY---\n";
const KEYS: &str = "# keys\nquit: [q, ctrl-c]\nhelp: \"?\"\npause: []\nlog.follow: f5\n";
const PROJECT: &str = "slug: web\nname: Web\nrepo_root: /src/web\ntarget_branch: main\nmax_parallel_sessions: 2\npath_scope: enforce\nsession_defaults: {scope_level: small, max_commits: 3, max_minutes: 30, max_usd: 1.5}\nagents: [{id: a, command_template: [sh, x, \"{prompt_file}\"]}]\nworkers: [{id: implementer, agents: [a]}]\nverify: [{name: t, run: make, timeout_minutes: 5}]\nland: {publish: auto}\n";
const FRAMES: &str = "\u{3}{\"id\":1,\"body\":{\"hello\":{\"version\":1}}}\n{\"id\":2,\"body\":\"ping\"}\n{\"id\":3,\"body\":{\"subscribe\":{\"since_seq\":4,\"gauges\":false}}}\n{\"id\":4,\"body\":{\"command\":{\"type\":\"project_pause\",\"data\":{\"project\":\"web\",\"paused\":true}}}}\n{\"id\":5,\"body\":{\"cancel\":{\"request\":3}}}\n";

/// Writes a seed of a target.
fn put(target: &str, name: &str, bytes: &[u8]) -> io::Result<()> {
    let folder = Path::new("corpus").join(target);
    fs::create_dir_all(&folder)?;
    fs::write(folder.join(format!("seed-{name}")), bytes)
}

/// Writes the recordings of real agents as seeds of the targets `transcript` and `summary`.
fn recordings() -> io::Result<()> {
    for (number, (format, _)) in formats().enumerate() {
        let Ok(folder) = fs::read_dir(format!("../tests/data/transcripts/{format}")) else { continue };
        for file in folder {
            let path = file?.path();
            let is_output = path.extension().is_some_and(|end| end == "stdout" || end == "stderr");
            if is_output && let Some(name) = path.file_name() {
                // The two bytes that choose the format and the size of the pieces.
                let mut bytes = vec![u8::try_from(number).unwrap_or(0), 64];
                let text = fs::read(&path)?;
                bytes.extend(&text[..text.len().min(RECORDING_MAX_BYTES)]);
                put("transcript", &format!("{format}-{}", name.display()), &bytes)?;
                put("summary", &format!("{format}-{}", name.display()), &bytes[2..])?;
            }
        }
    }
    Ok(())
}

/// Writes the recordings of test runners as seeds of the target `tests`.
fn test_runners() -> io::Result<()> {
    for runner in fs::read_dir("../crates/evidence/tests/recordings")? {
        let runner = runner?.path();
        for file in fs::read_dir(&runner)? {
            let path = file?.path();
            if path.extension().is_some_and(|end| end != "read")
                && let (Some(runner), Some(name)) = (runner.file_name(), path.file_name())
            {
                put("tests", &format!("{}-{}", runner.display(), name.display()), &fs::read(&path)?)?;
            }
        }
    }
    Ok(())
}

fn main() -> io::Result<()> {
    let examples = [
        ("plan", PLAN),
        ("goals", GOALS),
        ("summary", SUMMARY),
        ("keys", KEYS),
        ("project", PROJECT),
        ("frames", FRAMES),
    ];
    for (target, text) in examples {
        put(target, "example", text.as_bytes())?;
    }
    let golden = fs::read_to_string("../tests/golden/events/v1.jsonl")?;
    put("events", "all", golden.as_bytes())?;
    for (number, line) in golden.lines().enumerate() {
        put("events", &number.to_string(), line.as_bytes())?;
    }
    for file in fs::read_dir("../projects")? {
        let path = file?.path();
        if path.is_file()
            && let Some(name) = path.file_name()
        {
            put("project", &name.display().to_string(), &fs::read(&path)?)?;
        }
    }
    recordings()?;
    test_runners()
}
