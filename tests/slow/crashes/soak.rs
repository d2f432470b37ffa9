//! Sixty objectives land through a gate while SIGKILL hits the supervisor and keepers of sessions at random,
//! every few hundred milliseconds. All land, and nothing is lost.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use paddock_testkit::Sandbox;

use super::scene::{COMMON, WORKPLACES, nothing_is_lost_or_doubled};

const OBJECTIVES: usize = 60;
/// Longest time until everything has landed after the last kill.
const PATIENCE: Duration = Duration::from_secs(300);

const AGENT: &str = r#"
save "out/$PADDOCK_OBJECTIVE" "$PADDOCK_OBJECTIVE"
sleep 0.1
over
"#;

/// Numbers that a seed determines (SplitMix64).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}

fn set_up(place: &Sandbox, workplace: &str) -> PathBuf {
    fs::write(place.path("crash.sh"), COMMON.to_owned() + AGENT).unwrap();
    let agent = place.path("crash.sh");
    let settings = format!(
        "workplace: {workplace}\nagents: [{{id: tester, command_template: [sh, {agent:?}]}}]\nmax_parallel_sessions: 3\n\
         recovery: {{max_retries: 100, max_sessions: 100}}\n\
         verify: [{{name: whole, run: \"for f in out/*; do test -s $f || exit 1; done\"}}]"
    );
    let repository = place.repository("web");
    fs::create_dir(repository.join("out")).unwrap();
    fs::write(repository.join("out/begin"), "x\n").unwrap();
    place.git(&repository, &["add", "--all"]);
    place.git(&repository, &["commit", "--quiet", "--message", "A gate"]);
    place.good(&["project", "add", repository.to_str().unwrap()]);
    let file = place.project_file("web");
    fs::write(&file, fs::read_to_string(&file).unwrap() + &settings + "\n").unwrap();
    let mut plan = "objectives:\n".to_owned();
    for n in 0..OBJECTIVES {
        // Three chains: at each kill some objectives run and others wait for them.
        let needs = if n < 3 { String::new() } else { format!("o{}", n - 3) };
        plan.push_str(&format!(
            "  - {{id: o{n}, title: o{n}, path_scope: [\"out/o{n}\"], depends_on: [{needs}]}}\n"
        ));
    }
    fs::write(place.path("plan.yaml"), plan).unwrap();
    place.good(&["plan", "apply", "plan.yaml"]);
    repository
}

fn start(place: &Sandbox) -> Child {
    let mut command = place.paddock(&["run", "--no-tui", "--until-idle", "--poll-seconds", "2"]);
    command.stdout(Stdio::null()).stderr(fs::File::create(place.path("problems")).unwrap()).spawn().unwrap()
}

/// Returns whether a command line is that of a session's keeper. Keepers of gates are spared: after two runs
/// of a gate that could not be evaluated, the queue rightly waits for a person, and the soak would end.
fn is_of_session(command: &str) -> bool {
    command.contains("__keeper") && command.contains("/sessions/")
}

/// Returns one of the living keepers at random. Sessions are short, so it waits up to 200 ms for one.
fn a_keeper(place: &Sandbox, random: &mut Random) -> Option<Pid> {
    for _ in 0..20 {
        let found = place.processes().into_iter();
        let found: Vec<i32> =
            found.filter(|(_, command)| is_of_session(command)).map(|(pid, _)| pid).collect();
        if !found.is_empty() {
            return Pid::from_raw(found[usize::try_from(random.below(found.len() as u64)).unwrap()]);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    None
}

#[derive(Default)]
struct Kills {
    supervisors: u32,
    keepers: u32,
}

/// Kills for this length of time, or until everything has landed. Returns the last supervisor.
fn kill_at_random(place: &Sandbox, random: &mut Random, length: Duration) -> (Child, Kills) {
    let until = Instant::now() + length;
    let mut supervisor = start(place);
    let mut kills = Kills::default();
    while Instant::now() < until {
        std::thread::sleep(Duration::from_millis(100 + random.below(600)));
        if let Some(status) = supervisor.try_wait().unwrap() {
            let said = fs::read_to_string(place.path("problems")).unwrap();
            assert_eq!(status.code(), Some(0), "{said}{}", place.run(&["explain"]).1);
            break;
        }
        // If no keeper lives at this moment, the supervisor is killed instead.
        match (random.below(2) == 0).then(|| a_keeper(place, random)).flatten() {
            Some(pid) => kills.keepers += u32::from(kill_process(pid, Signal::KILL).is_ok()),
            None => {
                supervisor.kill().unwrap();
                supervisor.wait().unwrap();
                kills.supervisors += 1;
                supervisor = start(place);
            }
        }
    }
    (supervisor, kills)
}

fn soak(seed: u64, length: Duration) -> Kills {
    // Every second seed in each kind of place.
    let workplace = WORKPLACES[usize::from(seed % 2 == 1)];
    println!("seed {seed}: {workplace}");
    let place = Sandbox::new();
    let repository = set_up(&place, workplace);
    let (mut supervisor, kills) = kill_at_random(&place, &mut Random(seed), length);
    let until = Instant::now() + PATIENCE;
    let status = loop {
        if let Some(status) = supervisor.try_wait().unwrap() {
            break status;
        }
        assert!(Instant::now() < until, "the supervisor never ended: {}", place.run(&["explain"]).1);
        std::thread::sleep(Duration::from_millis(20));
    };
    let said = fs::read_to_string(place.path("problems")).unwrap();
    assert_eq!(status.code(), Some(0), "{said}{}", place.run(&["explain"]).1);
    is_whole(&place, &repository);
    kills
}

fn is_whole(place: &Sandbox, repository: &Path) {
    place.nobody_is_left();
    // One more for the commit with the gate.
    place.is_tidy(repository, OBJECTIVES + 1);
    place.good(&["verify"]);
    nothing_is_lost_or_doubled(place, repository);
    let landed = place.git(repository, &["ls-tree", "--name-only", "main:out"]);
    assert_eq!(landed.lines().count(), OBJECTIVES + 1, "{landed}");
    // The gate's command on the user's own checkout.
    let gate = "for f in out/*; do test -s $f || exit 1; done";
    assert!(place.program("sh").current_dir(repository).args(["-c", gate]).status().unwrap().success());
}

#[test]
fn sixty_objectives_land_while_supervisors_and_keepers_are_killed() {
    let kills = soak(7, Duration::from_secs(12));
    println!("{} supervisors and {} keepers killed", kills.supervisors, kills.keepers);
}

/// By hand: `SOAK_MINUTES=10 cargo test --test slow -- --ignored --nocapture for_minutes`.
#[test]
#[ignore = "as long as wanted: SOAK_MINUTES=10 cargo test --test slow -- --ignored --nocapture for_minutes"]
fn sixty_objectives_land_again_and_again_for_minutes() {
    let minutes = std::env::var("SOAK_MINUTES").ok().and_then(|text| text.parse().ok()).unwrap_or(10);
    let until = Instant::now() + Duration::from_secs(minutes * 60);
    let (mut total, mut rounds) = (Kills::default(), 0);
    while Instant::now() < until {
        rounds += 1;
        // Longer than a round takes, so that kills continue to its end.
        let kills = soak(rounds, Duration::from_secs(600));
        total.supervisors += kills.supervisors;
        total.keepers += kills.keepers;
        println!("{rounds} rounds: {} supervisors and {} keepers killed", total.supervisors, total.keepers);
    }
}
