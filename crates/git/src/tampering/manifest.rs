//! Lists of scripts (`package.json`): which scripts the gate runs, and what a change did to them.

use std::collections::{BTreeMap, BTreeSet};

use paddock_model::tamper::How;

use super::found::Found;

/// Programs that run scripts of a `package.json`.
const RUNNERS: &[&str] =
    &["npm", "yarn", "pnpm", "bun", "npx", "run-s", "run-p", "npm-run-all", "wireit", "turbo", "nx", "lerna"];
/// Scripts that an installation runs.
const INSTALLS: &[&str] = &["preinstall", "install", "postinstall", "prepare"];
/// Keys that decide how tests run, or which files a name stands for.
const KEYS: &[&str] = &["jest", "mocha", "vitest", "ava", "c8", "nyc", "tap", "babel", "type", "imports"];

/// The scripts of a `package.json`.
pub(super) struct Manifest {
    scripts: BTreeMap<String, String>,
}

impl Manifest {
    /// Reads a `package.json`. A text that is no JSON has no scripts.
    pub(super) fn new(text: &str) -> Self {
        let parsed: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
        let scripts = parsed.get("scripts").and_then(|scripts| scripts.as_object());
        let pairs = scripts.into_iter().flatten();
        let scripts = pairs.filter_map(|(name, run)| Some((name.clone(), run.as_str()?.to_owned())));
        Self { scripts: scripts.collect() }
    }

    /// Returns the scripts that a text runs, with those that run before and after them.
    pub(super) fn reached(&self, text: &str) -> Vec<(String, String)> {
        if !calls_scripts(text) {
            return Vec::new();
        }
        let words: BTreeSet<&str> = text.split(is_end).filter(|word| !word.is_empty()).collect();
        let installs = ["install", "ci", "i"].iter().any(|word| words.contains(word));
        let is_called = |name: &str| {
            let is_matched = |word: &&str| {
                word.strip_suffix('*').is_some_and(|front| !front.is_empty() && name.starts_with(front))
            };
            words.contains(name)
                || (name == "test" && (words.contains("t") || words.contains("tst")))
                || words.iter().any(is_matched)
                || (installs && INSTALLS.contains(&name))
        };
        let is_reached = |name: &str| {
            is_called(name)
                || ["pre", "post"].iter().any(|front| name.strip_prefix(front).is_some_and(is_called))
        };
        let found = self.scripts.iter().filter(|(name, _)| is_reached(name));
        found.map(|(name, run)| (name.clone(), run.clone())).collect()
    }
}

/// Returns whether a text may run scripts of a `package.json`.
pub(super) fn calls_scripts(text: &str) -> bool {
    text.contains("--run") || text.split(is_end).any(|word| RUNNERS.contains(&word))
}

fn is_end(c: char) -> bool {
    c.is_whitespace() || matches!(c, ';' | '|' | '&' | '(' | ')' | '"' | '\'' | '=' | ',' | '@')
}

/// Returns what a change did to the scripts that the gate runs, and to what runners read. `reached` are the
/// names of these scripts, and `before` and `after` the texts of both versions.
pub(super) fn compare(reached: &BTreeSet<String>, before: &str, after: &str) -> Option<Found> {
    let (old, new) = (Manifest::new(before), Manifest::new(after));
    let is_broken = serde_json::from_str::<serde_json::Value>(after).is_err();
    // A list that is gone runs nothing any more.
    if is_broken && !reached.is_empty() {
        return Some(Found::whole(How::GateChanged));
    }
    let front = |name: &String| ["pre", "post"].map(|front| format!("{front}{name}"));
    let names: BTreeSet<String> =
        reached.iter().flat_map(|name| [vec![name.clone()], front(name).to_vec()].concat()).collect();
    let changed = names.iter().find(|name| old.scripts.get(*name) != new.scripts.get(*name));
    if let Some(name) = changed {
        let (source, run) = match old.scripts.get(name) {
            Some(run) => (before, run),
            None => (after, new.scripts.get(name)?),
        };
        let mark = format!("\"{name}\"");
        let line = source.lines().position(|line| line.contains(&mark)).unwrap_or(0);
        let number = u32::try_from(line + 1).unwrap_or(u32::MAX);
        return Some(Found::text(How::GateChanged, number, &format!("{name}: {run}")));
    }
    let key = settings_changed(before, after)?;
    let line = |text: &str| text.lines().position(|line| line.contains(&format!("\"{key}\"")));
    let number = line(before).or_else(|| line(after)).and_then(|at| u32::try_from(at + 1).ok()).unwrap_or(1);
    Some(Found::text(How::Changed, number, key))
}

/// Returns the first key of runners whose value differs.
fn settings_changed(before: &str, after: &str) -> Option<&'static str> {
    let parsed = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap_or_default();
    let (old, new) = (parsed(before), parsed(after));
    KEYS.iter().copied().find(|key| old.get(key) != new.get(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str =
        r#"{"scripts": {"test": "npm run unit && jest", "unit": "node unit.js", "build": "tsc"}}"#;

    fn reached() -> BTreeSet<String> {
        ["test", "unit"].map(str::to_owned).into()
    }

    #[test]
    fn scripts_that_a_command_runs_are_found() {
        let names = |text: &str| {
            Manifest::new(BASE).reached(text).into_iter().map(|(name, _)| name).collect::<Vec<_>>()
        };
        assert_eq!(names("npm test"), ["test"]);
        assert_eq!(names("npm run unit && npm run build"), ["build", "unit"]);
        assert_eq!(names("npm t"), ["test"]);
        assert_eq!(names("node unit.js"), Vec::<String>::new());
    }

    #[test]
    fn only_scripts_that_the_gate_runs_count() {
        let how = |after: &str| compare(&reached(), BASE, after).map(|found| found.how);
        assert_eq!(
            how(&BASE.replace("\"build\": \"tsc\"", "\"build\": \"vite\", \"lint\": \"eslint\"")),
            None
        );
        assert_eq!(
            how(&BASE.replace("\"build\"", "\"pretest\": \"true\", \"build\"")),
            Some(How::GateChanged)
        );
        assert_eq!(how(&BASE.replace("node unit.js", "true")), Some(How::GateChanged));
        assert_eq!(
            how(&BASE.replace("{\"scripts\"", "{\"jest\": {\"bail\": 1}, \"scripts\"")),
            Some(How::Changed)
        );
        assert_eq!(how("{"), Some(How::GateChanged));
        let found = compare(&reached(), BASE, &BASE.replace("node unit.js", "true")).unwrap();
        assert_eq!(found.was.as_deref(), Some("unit: node unit.js"));
    }
}
