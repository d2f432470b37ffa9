//! Slots of jobs under real keepers.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;

use paddock_os::processes::{Identity, signal};
use paddock_runner::{Adoption, Claim, JobReport, JobSpec, LocalRunner, Runner, SlotOrder, SlotPlaces};
use paddock_testkit::{DEADLINE, until};
use rustix::process::Signal;

use super::bench::{Bench, job, stage};

/// Notes its environment, and what is in its folders, and waits.
const NOTES: &str = r#"
ls -A "$TMPDIR" "$XDG_RUNTIME_DIR" > ../inside.$PADDOCK_SLOT
echo rubbish > "$TMPDIR/rubbish"
env > ../half.$NAME && mv ../half.$NAME ../env.$NAME
until [ -e ../go ]; do sleep 0.01; done
"#;

fn places(bench: &Bench) -> SlotPlaces {
    SlotPlaces { shared: Some(bench.path("shared")), temporary: Some(bench.path("tmp")) }
}

fn bench() -> Bench {
    let mut bench = Bench::new();
    fs::create_dir(bench.path("tmp")).unwrap();
    let places = places(&bench);
    bench.runner = bench.runner.map(|runner| runner.with_slots(places));
    bench
}

/// A job with a slot, in a worktree of its own.
fn with_slot(bench: &Bench, id: u64, script: &str) -> JobSpec {
    let worktree = bench.path(&format!("tree-{id}"));
    fs::create_dir_all(&worktree).unwrap();
    JobSpec {
        worktree,
        env_set: BTreeMap::from([("NAME".to_owned(), id.to_string())]),
        slot: Some(SlotOrder { project: "shop".to_owned(), port_base: 20_000, ports_per_slot: 3 }),
        ..job(bench.folder.path(), id, vec![stage("agent", script)])
    }
}

/// Returns the environment of a job, once it has noted it.
fn environment(bench: &Bench, id: u64) -> BTreeMap<String, String> {
    let file = bench.path(&format!("env.{id}"));
    until("a job notes its environment", || file.exists());
    let text = fs::read_to_string(file).unwrap();
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).unwrap().next().is_none()
}

#[test]
fn jobs_at_once_share_neither_numbers_nor_ports_nor_folders() {
    let bench = bench();
    // Another workspace of the user.
    let (sender, reports) = channel();
    let other =
        LocalRunner::with_program(&bench.path("other"), sender, paddock_testkit::program(), BTreeMap::new());
    let other = other.unwrap().with_slots(places(&bench));
    let mut specs: Vec<JobSpec> = (1..=4).map(|id| with_slot(&bench, id, NOTES)).collect();
    specs[3].env_set.insert("TMPDIR".to_owned(), bench.path("tree-4").display().to_string());
    specs[3].env_unset.push("COMPOSE_PROJECT_NAME".to_owned());
    specs[0].env_names.push("FROM_DOTENV".to_owned());
    for spec in &specs[..2] {
        bench.runner().submit(spec).unwrap();
    }
    for spec in &specs[2..] {
        other.submit(spec).unwrap();
    }
    let found: Vec<_> = (1..=4).map(|id| environment(&bench, id)).collect();
    let values = |name: &str| -> BTreeSet<String> {
        found.iter().map(|of| of.get(name).cloned().unwrap_or_default()).collect()
    };
    for name in ["PADDOCK_SLOT", "PADDOCK_PORT_BASE", "TMPDIR", "XDG_RUNTIME_DIR", "COMPOSE_PROJECT_NAME"] {
        assert_eq!(values(name).len(), 4, "{name}: {:?}", values(name));
    }
    let mut folders = Vec::new();
    for of in &found[..3] {
        let number: u32 = of["PADDOCK_SLOT"].parse().unwrap();
        assert_eq!(of["PADDOCK_PORT_BASE"], (20_000 + 3 * number).to_string());
        assert_eq!(of["COMPOSE_PROJECT_NAME"], format!("paddock-shop-{number}"));
        for name in ["TMPDIR", "XDG_RUNTIME_DIR"] {
            assert_eq!(fs::metadata(&of[name]).unwrap().permissions().mode() & 0o777, 0o700);
            folders.push(of[name].clone());
        }
        let inside = fs::read_to_string(bench.path(&format!("inside.{number}"))).unwrap();
        assert!(inside.lines().all(|line| line.is_empty() || line.ends_with(':')), "{inside}");
    }
    // What the settings of an agent set or remove stays as they say.
    assert_eq!(found[3]["TMPDIR"], bench.path("tree-4").display().to_string());
    assert!(!found[3].contains_key("COMPOSE_PROJECT_NAME"));

    fs::write(bench.path("go"), "").unwrap();
    // They may end in any order.
    let mut ended = BTreeSet::new();
    while ended.len() < 2 {
        if let JobReport::Ended { key, record } = bench.report() {
            assert!(record.succeeded(), "{record:?}");
            ended.insert(key);
        }
    }
    for _ in 0..4 {
        drop(reports.recv_timeout(DEADLINE).unwrap());
    }
    assert_eq!(folders.iter().filter(|folder| Path::new(folder).exists()).count(), 0);
    until("the temporary files are removed", || {
        let base = fs::read_dir(bench.path("tmp")).unwrap().next().unwrap().unwrap().path();
        is_empty(&base)
    });
}

fn claim(spec: &JobSpec) -> Claim {
    serde_json::from_slice(&fs::read(spec.dir.join("claim.json")).unwrap()).unwrap()
}

#[test]
fn a_lost_job_keeps_its_slot_until_its_processes_are_dead() {
    let bench = bench();
    let spec = with_slot(&bench, 1, &NOTES.replace("\nuntil", "\ntrap '' TERM\nuntil"));
    bench.runner().submit(&spec).unwrap();
    let of = environment(&bench, 1);
    let keeper: Identity = claim(&spec).keeper.unwrap();
    assert!(signal(keeper, Signal::KILL));
    assert!(bench.lost(spec.key).survivors_killed > 0);
    assert!(!Path::new(&of["TMPDIR"]).exists());
    let again = with_slot(&bench, 2, "test -z \"$(ls -A \"$TMPDIR\")\"");
    assert!(bench.run(&again).succeeded());
}

#[test]
fn a_keeper_that_comes_after_its_slot_was_given_away_starts_nothing() {
    let bench = bench();
    let spec = with_slot(&bench, 1, "echo started >> ../starts");
    assert!(bench.run(&spec).succeeded());
    for name in ["claim.json", "exit.json"] {
        fs::remove_file(spec.dir.join(name)).unwrap();
    }
    let mut late = Command::new(paddock_testkit::program());
    let late = late.arg("__keeper").arg(&spec.dir).stdin(Stdio::null()).output().unwrap();
    let text = String::from_utf8(late.stderr).unwrap();
    assert_eq!(late.status.code(), Some(70), "{text}");
    assert!(text.contains("was given to another job"), "{text}");
    assert!(!spec.dir.join("claim.json").exists());
    assert_eq!(fs::read_to_string(bench.path("starts")).unwrap(), "started\n");
}

#[test]
fn a_job_of_a_build_without_slots_is_adopted() {
    let mut bench = Bench::new();
    let spec = bench.job(1, "echo $$ > ../runs; until [ -e ../go ]; do sleep 0.01; done");
    bench.runner().submit(&spec).unwrap();
    until("the job runs", || bench.path("runs").exists());
    // The form of a build that knew no slots.
    let text = fs::read_to_string(spec.dir.join("session.json")).unwrap();
    assert!(!text.contains("slot"), "{text}");
    bench.restart();
    let adoption = bench.runner().adopt(&spec.key, &spec.dir).unwrap();
    assert!(matches!(adoption, Adoption::Running { .. }), "{adoption:?}");
    fs::write(bench.path("go"), "").unwrap();
    assert!(bench.ended(spec.key).succeeded());
}
