//! A container whose first process reaps no children: a process that dies without its parent stays a zombie
//! for ever.

use std::fs;
use std::process::{Child, Stdio};

use paddock_testkit::{DEADLINE, Sandbox, within};

use super::scene::{COMMON, nothing_is_lost_or_doubled};

/// The first session waits until supervisor and keeper are killed; the second one finishes.
const AGENT: &str = r#"
if [ ! -e "$NOTES/killed" ]; then touch "$NOTES/waits"; while :; do sleep 600; done; fi
save one.txt one
over
"#;

/// Kills the first supervisor and then the keeper, waits until the keeper is a zombie, and runs a second
/// supervisor to the end.
const SCRIPT: &str = r#"
"$PADDOCK" --root "$ROOT" run --no-tui --until-idle >/dev/null 2>&1 &
supervisor=$!
until [ -e "$NOTES/waits" ]; do sleep 0.02; done
touch "$NOTES/killed"
kill -9 $supervisor
wait $supervisor
keeper=
for folder in /proc/[0-9]*; do
  if tr '\0' ' ' < $folder/cmdline 2>/dev/null | grep -q ' __keeper '; then keeper=${folder#/proc/}; fi
done
kill -9 $keeper
until grep -q ') Z ' /proc/$keeper/stat; do sleep 0.02; done
"$PADDOCK" --root "$ROOT" run --no-tui --until-idle > "$NOTES/said" 2>&1
code=$?
grep -l ') Z ' /proc/[0-9]*/stat 2>/dev/null | wc -l > "$NOTES/zombies"
echo $code > "$NOTES/code.new"
mv "$NOTES/code.new" "$NOTES/code"
"#;

/// Runs the script in a namespace of process ids whose first process is `sleep`, which reaps nothing. Returns
/// `None` if the system allows no namespaces.
fn contained(place: &Sandbox) -> Option<Child> {
    fs::write(place.path("script.sh"), SCRIPT).unwrap();
    let mut command = place.pid_namespace()?;
    command.args(["sh", "-c", "sh script.sh & exec sleep 600"]).env("ROOT", place.root());
    command.env("PADDOCK", paddock_testkit::program()).stdout(Stdio::null()).stderr(Stdio::null());
    Some(command.spawn().unwrap())
}

#[test]
fn zombies_that_are_never_reaped_do_not_hold_anything_up() {
    let place = Sandbox::new();
    fs::write(place.path("crash.sh"), COMMON.to_owned() + AGENT).unwrap();
    let agent = place.path("crash.sh");
    let repository = place.project(
        "web",
        &format!(
            "agents: [{{id: tester, command_template: [sh, {agent:?}]}}]\n\
             verify: [{{name: there, run: \"test -f one.txt\"}}]"
        ),
    );
    place.objective("one", "", &["--scope", "one.txt"]);
    let Some(mut container) = contained(&place) else {
        return println!("no namespaces here: not tried");
    };
    let is_over = within(DEADLINE, || place.note("code").exists());
    assert!(is_over, "the script never ended: {}", place.run(&["explain"]).1);
    let note = |name: &str| fs::read_to_string(place.note(name)).unwrap().trim().to_owned();
    assert_eq!(note("code"), "0", "{}", note("said"));
    assert_ne!(note("zombies"), "0", "no zombie was left, so the test proves nothing");
    drop((container.kill(), container.wait()));
    place.nobody_is_left();
    place.is_tidy(&repository, 1);
    nothing_is_lost_or_doubled(&place, &repository);
}
