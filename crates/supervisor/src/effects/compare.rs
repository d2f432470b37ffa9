//! Compares the tests that a gate run on a candidate reported with those of runs on its base.

use std::collections::BTreeMap;

use super::super::error::EffectError;
use super::super::world::{Site, World};
use super::attempts::{past_locks, patiently};
use super::evidence::kept;
use paddock_engine::effect::Compare;
use paddock_engine::input::{Input, Problem};
use paddock_evidence::{Difference, Report, clue, compare as compare_reports};
use paddock_git::LostTests;
use paddock_model::evidence::{ChangedTest, ComparedCommand, Comparison, Gone, GoneHow, Tests};
use paddock_model::gate::CommandResult;
use paddock_model::ids::{GateId, ProjectSlug};
use paddock_model::path::RepoPath;
use paddock_model::scope::Globs;
use paddock_model::state::State;
use paddock_os::fail_points::fail_point;

/// Most groups of missing tests that are kept; an event must stay small. The rest counts as one group.
const GROUPS_MAX: usize = 50;

/// Most bytes of all diffs together.
const DIFFS_BYTES_MAX: usize = 12 << 10;

/// A comparison to make.
pub(in super::super) struct Order {
    site: Site,
    wanted: Box<Compare>,
    candidate: Vec<CommandResult>,
    /// The runs on the base, with the results of their commands.
    bases: Vec<(GateId, Vec<CommandResult>)>,
}

impl Order {
    pub(in super::super) fn from_state(
        state: &State,
        project: &ProjectSlug,
        wanted: Box<Compare>,
    ) -> Option<Self> {
        let results = |gate: GateId| state.gate(gate).map(|run| run.results.clone());
        let bases = wanted.bases.iter().filter_map(|gate| Some((*gate, results(*gate)?))).collect();
        Some(Self { site: Site::find(state, project)?, candidate: results(wanted.gate)?, bases, wanted })
    }
}

/// Compares two runs.
///
/// Reconciled by comparing again: it only reads.
pub(in super::super) fn compare(world: &World, order: &Order) {
    fail_point!("compare.before");
    let result = past_locks(world, &order.site, || patiently(|| comparison(world, order)));
    let result = result.map(Box::new).map_err(|error| Problem::new(error.to_string()));
    let (project, wanted) = (order.site.slug.clone(), order.wanted.clone());
    world.report(Input::TestsCompared { project, wanted, result });
}

fn comparison(world: &World, order: &Order) -> Result<Comparison, EffectError> {
    let repository = world.repository(&order.site.repo_root)?;
    let (onto, commit) = (&order.wanted.onto, &order.wanted.commit);
    let mut lost = repository.lost_tests(onto, commit)?;
    let tests = Globs::new(&order.site.guarded.0)?;
    let (mut changed, more_changed) = repository.changed_tests(onto, commit, &tests)?;
    shorten(&mut changed, DIFFS_BYTES_MAX);
    // Elsewhere a name says nothing about a test.
    lost.edited.retain(|edited| tests.matches(edited.file.as_bytes()));
    let commands = order.candidate.iter().enumerate();
    let commands = commands.filter_map(|(place, result)| command(world, order, &lost, (place, result)));
    Ok(Comparison { commands: commands.collect(), changed, more_changed })
}

/// Leaves out the diffs beyond a number of bytes. The numbers of their lines stay.
fn shorten(changed: &mut [ChangedTest], bytes_max: usize) {
    let mut left = bytes_max;
    for test in changed {
        match left.checked_sub(test.diff.len()) {
            Some(rest) => left = rest,
            None => test.diff.clear(),
        }
    }
}

/// Compares the tests of one command.
fn command(
    world: &World,
    order: &Order,
    lost: &LostTests,
    (place, result): (usize, &CommandResult),
) -> Option<ComparedCommand> {
    let tests = result.tests.clone()?;
    let candidate = report(world, order.wanted.gate, place, &tests);
    let mut bases = Vec::new();
    let mut base = None;
    for (gate, results) in &order.bases {
        let found = results.iter().position(|other| other.name == result.name);
        let reported = found.and_then(|at| Some((at, results[at].tests.clone()?)));
        if let Some((at, reported)) = reported {
            bases.push(report(world, *gate, at, &reported));
            base = Some(reported);
        }
    }
    let found = compare_reports(&bases, &candidate);
    let gone = gone(&found, lost);
    Some(ComparedCommand {
        name: result.name.clone(),
        added: found.added.len() as u64,
        added_names: found.added.into_iter().take(Gone::NAMED_MAX).collect(),
        gone,
        silent: found.silent,
        nameless: found.nameless,
        fewer: found.fewer,
        failures: found.failures,
        base,
        tests,
    })
}

/// Returns the tests that a command reported, with their names; where the file of the names is gone, with their
/// number alone.
fn report(world: &World, gate: GateId, place: usize, reported: &Tests) -> Report {
    kept(&world.workspace.gate_dir(gate), place + 1).unwrap_or_else(|| Report::from_tests(reported))
}

/// Groups missing tests by the file of the base in which they were defined, if the candidate changed that file.
/// Where only numbers are known, the removed definitions stand for them.
fn gone(found: &Difference, lost: &LostTests) -> Vec<Gone> {
    let mut groups: BTreeMap<(GoneHow, Option<RepoPath>), Vec<String>> = BTreeMap::new();
    for (name, how) in &found.gone {
        let clue = clue(name);
        // A definition that moved to where no runner looks is gone all the same.
        let has_run = |new: &str| found.added.iter().any(|name| is_named(new, &self::clue(name).leaf));
        let is_renamed = |(old, new): &(String, String)| is_named(old, &clue.leaf) && has_run(new);
        if *how == GoneHow::Missing && lost.renamed.iter().any(is_renamed) {
            continue;
        }
        let file = match how {
            GoneHow::Failed => None,
            GoneHow::Missing | GoneHow::Skipped => file_of(&clue.leaf, clue.file.as_deref(), *how, lost),
        };
        groups.entry((*how, file)).or_default().push(name.clone());
    }
    if found.fewer > 0 {
        for file in &lost.files {
            let names = groups.entry((GoneHow::Missing, Some(file.file.clone()))).or_default();
            names.extend(file.names.iter().filter(|name| !names.contains(name)).cloned().collect::<Vec<_>>());
        }
        // No definition is gone: lines of tests that were taken out may have stood for several tests.
        if groups.is_empty() {
            let edited = lost.edited.iter().filter(|edited| !edited.removed.is_empty());
            groups.extend(edited.map(|edited| ((GoneHow::Missing, Some(edited.file.clone())), Vec::new())));
        }
    }
    let rest: u64 = groups.values().skip(GROUPS_MAX).map(|names| names.len() as u64).sum();
    let mut gone: Vec<Gone> = groups.into_iter().take(GROUPS_MAX).map(group).collect();
    if rest > 0 {
        gone.push(Gone { how: GoneHow::Missing, file: None, count: rest, names: Vec::new() });
    }
    gone
}

fn group(((how, file), names): ((GoneHow, Option<RepoPath>), Vec<String>)) -> Gone {
    let count = names.len() as u64;
    Gone { how, file, count, names: names.into_iter().take(Gone::NAMED_MAX).collect() }
}

/// Returns the file from which the candidate took a test away. A test that is skipped is still defined, so its
/// file is one that the candidate changed.
fn file_of(leaf: &str, named: Option<&str>, how: GoneHow, lost: &LostTests) -> Option<RepoPath> {
    let fits = |path: &RepoPath| named.is_some_and(|named| path.to_string().ends_with(named));
    let has = |names: &[String]| names.iter().any(|name| is_named(name, leaf));
    let mut holding = lost.files.iter().filter(|file| has(&file.names));
    let first = holding.clone().next();
    let found = holding.find(|file| fits(&file.file)).or(first).map(|file| &file.file);
    let deleted =
        || lost.files.iter().find(|file| file.is_deleted && fits(&file.file)).map(|file| &file.file);
    // One of several tests that a definition stands for.
    let shortened = || lost.edited.iter().find(|edited| !edited.removed.is_empty() && fits(&edited.file));
    let shortened = || shortened().map(|edited| &edited.file);
    let edited = || lost.edited.iter().find(|edited| edited.takes_out(leaf)).map(|edited| &edited.file);
    let touched = || lost.touched.iter().find(|path| how == GoneHow::Skipped && fits(path));
    found.or_else(deleted).or_else(edited).or_else(shortened).or_else(touched).cloned()
}

/// Returns whether a definition is the one that a runner names so. A script is a test by itself: runners name
/// it with or without its folder and its ending.
fn is_named(definition: &str, leaf: &str) -> bool {
    let file = definition.rsplit('/').next().unwrap_or(definition);
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    [definition, file, stem].contains(&leaf) || leaf.ends_with(&format!("/{file}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use paddock_git::{Edited, LostIn};

    fn lost(file: &str, names: &[&str], is_deleted: bool) -> LostIn {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        LostIn { file: RepoPath::new(file), names, is_deleted }
    }

    fn missing(names: &[&str]) -> Difference {
        let gone = names.iter().map(|name| ((*name).to_owned(), GoneHow::Missing)).collect();
        Difference { gone, ..Difference::default() }
    }

    fn files_of(found: &Difference, lost: &LostTests) -> Vec<(Option<String>, u64)> {
        let groups = gone(found, lost);
        groups.into_iter().map(|group| (group.file.map(|file| file.to_string()), group.count)).collect()
    }

    #[test]
    fn missing_tests_are_found_in_the_files_that_the_candidate_took_them_from() {
        let lost = LostTests {
            files: vec![
                lost("src/a/test_x.py", &["test_one"], false),
                lost("tests/test_x.py", &["test_one", "test_two"], true),
                lost("checks/pipe.sh", &["checks/pipe.sh"], true),
            ],
            renamed: vec![("test_old".to_owned(), "test_new".to_owned())],
            touched: vec![RepoPath::new("tests/test_y.py")],
            edited: vec![Edited {
                file: RepoPath::new("tests/checks.c"),
                removed: "if (is(\"small sums\")) check(add);".into(),
                added: "if (is(\"smaller sums\")) check(sub);".into(),
            }],
        };
        let found = missing(&["tests/test_x.py::T::test_one", "test_two (test_x.T)", "pipe", "test_old"]);
        let tests = || Some("tests/test_x.py".to_owned());
        let found = files_of(&found, &lost);
        assert!(found.contains(&(Some("checks/pipe.sh".to_owned()), 1)), "{found:?}");
        assert!(found.iter().any(|(file, _)| *file == tests()), "{found:?}");
        let renamed =
            Difference { added: vec!["tests/test_x.py::test_new".into()], ..missing(&["test_old"]) };
        assert_eq!(files_of(&renamed, &lost), [], "it has another name now");
        assert_eq!(
            files_of(&missing(&["test_old"]), &lost),
            [(None, 1)],
            "it does not run under the new name"
        );
        assert_eq!(files_of(&missing(&["test_elsewhere"]), &lost), [(None, 1)]);
        let listed = || Some("tests/checks.c".to_owned());
        assert_eq!(files_of(&missing(&["small sums"]), &lost), [(listed(), 1)], "it stood in a list");
        assert_eq!(files_of(&missing(&["sums"]), &lost), [(None, 1)], "its line has it still");
        let cases = missing(&["tests/checks.c::test_sums[3]"]);
        assert_eq!(files_of(&cases, &lost), [(listed(), 1)], "its file lost a line");
        let skipped = Difference {
            gone: vec![("tests/test_y.py::test_z".to_owned(), GoneHow::Skipped)],
            ..Difference::default()
        };
        assert_eq!(files_of(&skipped, &lost), [(Some("tests/test_y.py".to_owned()), 1)]);
    }

    #[test]
    fn removed_definitions_stand_for_tests_of_which_only_the_number_is_known() {
        let lost = LostTests {
            files: vec![lost("tests/a.py", &["test_a", "test_b"], false)],
            ..LostTests::default()
        };
        let fewer = Difference { fewer: 2, ..Difference::default() };
        assert_eq!(files_of(&fewer, &lost), [(Some("tests/a.py".to_owned()), 2)]);
        assert_eq!(files_of(&Difference::default(), &lost), []);
        let edited = |removed: &str| Edited {
            file: RepoPath::new("tests/b.py"),
            removed: removed.into(),
            added: "[1, 2]".into(),
        };
        let listed = |removed| LostTests { edited: vec![edited(removed)], ..LostTests::default() };
        let found = files_of(&fewer, &listed("[1, 2, 3]"));
        assert_eq!(found, [(Some("tests/b.py".to_owned()), 0)], "a list of cases got shorter");
        assert_eq!(files_of(&fewer, &listed("")), [], "the work only added to tests");
    }

    #[test]
    fn long_diffs_are_left_out_so_that_the_event_stays_small() {
        let test = |bytes: usize| ChangedTest {
            path: RepoPath::new("tests/a.py"),
            added: 1,
            removed: 1,
            diff: "-".repeat(bytes),
        };
        let mut changed = [test(6), test(5), test(4)];
        shorten(&mut changed, 10);
        assert_eq!(changed.map(|test| test.diff.len()), [6, 0, 4]);
    }

    #[test]
    fn many_files_with_missing_tests_stay_one_small_event() {
        let files = (0..200).map(|n| lost(&format!("tests/t{n}.py"), &["test_a"], true)).collect();
        let lost = LostTests { files, ..LostTests::default() };
        let names: Vec<String> = (0..200).map(|n| format!("tests/t{n}.py::test_a")).collect();
        let groups = gone(&missing(&names.iter().map(String::as_str).collect::<Vec<_>>()), &lost);
        assert_eq!(groups.len(), GROUPS_MAX + 1);
        assert_eq!(groups.iter().map(|group| group.count).sum::<u64>(), 200);
    }
}
