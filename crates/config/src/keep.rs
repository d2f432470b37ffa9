//! Reads `gate.keep`: `auto`, or the folders that outlive a gate run.

use globset::{GlobBuilder, GlobMatcher};

use super::read::Read;
use super::reader::{Section, glob_fault, meant};
use super::settings_table::{self as keys, Setting};
use super::yaml::{Node, Value};
use paddock_model::settings::{GateSettings, Keep};

/// Unlike paths, at each depth: a glob that matches all of one depth names nothing in particular.
const UNLIKE: [[&str; 3]; 3] =
    [["a", "Z9.q", "_-7"], ["a/b", "Z9.q/_-7", "_-7/a"], ["a/b/c", "q/_-7/Z.9", "_/0/x"]];

/// What is wrong with a folder, and a correction; `None` if nothing is.
type Fault = Option<(String, Option<String>)>;

impl Read for Keep {
    fn read(section: &Section<'_>, setting: &Setting, node: &Node) -> Option<Self> {
        let items = match &node.value {
            Value::List(items) => items,
            Value::Text(text) if text == "auto" => return Some(Self::Auto),
            Value::Text(text) => {
                let problem = format!("`{}` cannot be {text:?}", section.key(setting.name()));
                section.fault(setting.name(), node.place, problem, Some(instead_of_text(text)));
                return None;
            }
            _ => {
                section.wrong(setting.name(), node, &setting.kind.expected());
                return None;
            }
        };
        let mut folders = Vec::new();
        for (at, item) in items.iter().enumerate() {
            let key = format!("{}[{at}]", setting.name());
            // The other items are still read, so that all faults of a list are reported at once.
            let Some(text) = section.text_of(&key, item) else { continue };
            // People also write a folder as `target/`, as in .gitignore, and as `target/**`, as in a scope.
            let folder = text.strip_suffix('/').unwrap_or(&text);
            let folder = folder.strip_suffix("/**").unwrap_or(folder);
            if let Some((problem, right)) = folder_fault(&text, folder) {
                section.fault(&key, item.place, problem, right);
            }
            folders.push(folder.to_owned());
        }
        Some(Self::Folders(folders))
    }
}

/// Reads the section `gate`. `is_clean` is `queue.clean`, the older way to keep nothing.
pub(super) fn gate(file: &Section<'_>, is_clean: bool) -> GateSettings {
    let section = file.section(&keys::GATE);
    let given = section.given(&keys::KEEP);
    section.finish();
    let nothing = Keep::Folders(Vec::new());
    if !is_clean {
        return GateSettings { keep: given.unwrap_or_else(|| keys::KEEP.default()) };
    }
    if given.is_some_and(|keep| keep != nothing) {
        let queue = file.section(&keys::QUEUE);
        let problem =
            "`queue.clean` is true and keeps nothing, but `gate.keep` names what to keep".to_owned();
        let right = "remove `queue.clean`, the older way to write `gate.keep: []`".to_owned();
        queue.fault(keys::CLEAN.name(), queue.place_of(&keys::CLEAN), problem, Some(right));
    }
    GateSettings { keep: nothing }
}

/// Returns a correction for a text that is not `auto`.
fn instead_of_text(text: &str) -> String {
    let word = meant(text, &["auto"]);
    match text.trim() {
        // The nearest word is only offered if it is near.
        _ if word.starts_with("did you mean") => word,
        "" | "none" | "nothing" | "off" | "no" => "write `[]` to keep nothing".to_owned(),
        one => format!("write `auto`, or a list of folders: `[{one}]`"),
    }
}

/// Returns what is wrong with a folder of `gate.keep` or `worktree.seed`, and a correction. `text` is the folder as it was
/// written, `folder` without a `/` or `/**` at its end.
pub(super) fn folder_fault(text: &str, folder: &str) -> Fault {
    let say = |what: &str, right: String| Some((format!("the folder {text:?} {what}"), Some(right)));
    let relative = || "folders are relative to the repository's root, like `target`".to_owned();
    if text.trim().is_empty() {
        return say("is empty", "write `keep: []` to keep nothing".to_owned());
    }
    if text == "auto" {
        let right = "write `keep: auto`, or name every folder".to_owned();
        return say("stands for the folders of the project's tools and cannot be part of a list", right);
    }
    if text.starts_with('/') {
        return say("is an absolute path", relative());
    }
    if text.starts_with('~') {
        return say("begins with `~`, which only a shell understands", relative());
    }
    if text.starts_with('!') {
        return say("begins with `!`", "list only what is kept; everything else is removed".to_owned());
    }
    if text.contains('\\') {
        return say("holds a backslash", "separate folders by `/`".to_owned());
    }
    if text.chars().any(char::is_control) {
        return say("holds a control character", "write the folder's name as it is on disk".to_owned());
    }
    if let Some(fault) = parts_fault(folder, say) {
        return Some(fault);
    }
    // Whatever else a glob can be wrong in.
    glob_fault(folder).or_else(|| reach_fault(folder, say))
}

/// Returns what is wrong with a part between two `/`.
fn parts_fault(folder: &str, say: impl Fn(&str, String) -> Fault) -> Fault {
    let parts: Vec<&str> = folder.split('/').collect();
    if parts.contains(&"..") {
        return say("leaves the repository", "folders lie in the repository, without `..`".to_owned());
    }
    if parts.iter().any(|part| part.is_empty() || *part == ".") {
        let named: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty() && *part != ".").collect();
        if named.is_empty() {
            return say("is the whole repository", names_folders());
        }
        return say("has a part that names no folder", format!("write `{}`", named.join("/")));
    }
    // A file system may take `.GIT` for the same name.
    if parts.iter().any(|part| part.eq_ignore_ascii_case(".git")) {
        return say("is git's own", "remove it: git's files are never part of what is kept".to_owned());
    }
    None
}

/// Returns what is wrong with a glob that matches too much.
fn reach_fault(folder: &str, say: impl Fn(&str, String) -> Fault) -> Fault {
    // `glob_fault` has compiled it before.
    let glob = GlobBuilder::new(folder).literal_separator(true).build().ok()?.compile_matcher();
    if UNLIKE.iter().any(|paths| paths.iter().all(|path| glob.is_match(path))) {
        return say("keeps everything", names_folders());
    }
    if matches_git(&glob) {
        return say("also matches `.git`", names_folders());
    }
    None
}

fn matches_git(glob: &GlobMatcher) -> bool {
    [".git", "a/.git", "a/b/.git"].iter().any(|path| glob.is_match(path))
}

fn names_folders() -> String {
    "name the folders, like `target` or `**/node_modules`, or write `keep: auto`".to_owned()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::project_file::parse;
    use paddock_model::settings::ProjectSettings;

    const LEAST: &str = "slug: x\nname: X\nrepo_root: ../r\nworktrees_root: /wt\n";

    fn read(more: &str) -> Result<ProjectSettings, Vec<String>> {
        let text = format!("{LEAST}{more}");
        let file = parse(text.as_bytes(), "projects/x.yaml", None, Path::new("/ws"), None);
        file.map(|file| file.settings).map_err(|faults| faults.iter().map(ToString::to_string).collect())
    }

    fn folders(names: &[&str]) -> Keep {
        Keep::Folders(names.iter().map(|&name| name.to_owned()).collect())
    }

    #[test]
    fn what_outlives_a_gate_run_is_auto_or_a_list_or_nothing() {
        assert_eq!(read("").unwrap().kept(), Keep::Auto);
        assert_eq!(read("gate:\n").unwrap().kept(), Keep::Auto);
        assert_eq!(read("gate: {keep: null}\n").unwrap().kept(), Keep::Auto);
        assert_eq!(read("gate: {keep: auto}\n").unwrap().kept(), Keep::Auto);
        assert_eq!(read("gate: {keep: []}\n").unwrap().kept(), folders(&[]));
        let written = "gate: {keep: [target, \"web/node_modules/\", \"out/**\", \"src/**/gen/**/\", \"**/*.egg-info\", \"packages/*\", .venv, \".c*\"]}\n";
        let names = [
            "target",
            "web/node_modules",
            "out",
            "src/**/gen",
            "**/*.egg-info",
            "packages/*",
            ".venv",
            ".c*",
        ];
        assert_eq!(read(written).unwrap().kept(), folders(&names));
    }

    #[test]
    fn a_folder_that_cannot_be_kept_is_a_fault_with_its_place_and_a_correction() {
        for (folder, what, right) in [
            ("auto", "cannot be part of a list", "write `keep: auto`"),
            ("/target", "is an absolute path", "like `target`"),
            ("../cache", "leaves the repository", "without `..`"),
            ("a/../../b", "leaves the repository", "without `..`"),
            ("", "is empty", "`keep: []`"),
            ("  ", "is empty", "`keep: []`"),
            (".", "is the whole repository", "name the folders"),
            ("./", "is the whole repository", "name the folders"),
            ("./target", "names no folder", "write `target`"),
            ("web//dist", "names no folder", "write `web/dist`"),
            ("target//", "names no folder", "write `target`"),
            (".git", "is git's own", "remove it"),
            ("sub/.GIT/modules", "is git's own", "remove it"),
            ("**/.git", "is git's own", "remove it"),
            (".g*", "also matches `.git`", "name the folders"),
            ("*/.g?t", "also matches `.git`", "name the folders"),
            ("*", "keeps everything", "name the folders"),
            ("**", "keeps everything", "name the folders"),
            ("**/**/", "keeps everything", "name the folders"),
            ("**/*", "keeps everything", "name the folders"),
            ("*/*", "keeps everything", "name the folders"),
            ("?*", "keeps everything", "name the folders"),
            ("{*,target}", "keeps everything", "name the folders"),
            ("[!#]*", "keeps everything", "name the folders"),
            ("~/cache", "begins with `~`", "like `target`"),
            ("!target", "begins with `!`", "list only what is kept"),
            ("web\\\\dist", "holds a backslash", "separate folders by `/`"),
            ("a\\nb", "holds a control character", "as it is on disk"),
            ("a\\0b", "holds a NUL character", ""),
            ("a[", "does not compile", ""),
        ] {
            let faults = read(&format!("gate:\n  keep: [target, \"{folder}\"]\n")).unwrap_err();
            assert_eq!(faults.len(), 1, "{folder:?}: {faults:?}");
            let fault = &faults[0];
            let is_it = fault.starts_with("projects/x.yaml:6:18: ") && fault.contains(what);
            assert!(is_it && fault.contains(right), "{folder:?}: {fault}");
        }
        let several = read("gate: {keep: [\"/a\", 12, \"*\"]}\n").unwrap_err();
        assert_eq!(several.len(), 3, "{several:?}");
        assert!(several[1].contains("`gate.keep[1]` must be a text"), "{several:?}");
    }

    #[test]
    fn another_word_than_auto_is_a_fault_that_says_what_to_write() {
        for (value, right) in [
            ("autp", "did you mean `auto`?"),
            ("none", "write `[]` to keep nothing"),
            ("\"\"", "write `[]` to keep nothing"),
            ("target", "write `auto`, or a list of folders: `[target]`"),
            ("true", "must be auto or a list of folders"),
            ("{target: true}", "must be auto or a list of folders"),
        ] {
            let faults = read(&format!("gate: {{keep: {value}}}\n")).unwrap_err();
            let is_it = faults.len() == 1 && faults[0].starts_with("projects/x.yaml:5:14: ");
            assert!(is_it && faults[0].contains("`gate.keep`") && faults[0].contains(right), "{faults:?}");
        }
        let misspelt = read("gate: {kept: auto}\n").unwrap_err();
        assert!(misspelt[0].contains("unknown key `kept` in `gate`; allowed: keep"), "{misspelt:?}");
    }

    #[test]
    fn a_clean_queue_keeps_nothing_and_contradicts_what_is_kept() {
        let clean = read("queue: {clean: true}\n").unwrap();
        assert!(clean.gate.keep == folders(&[]) && clean.kept() == folders(&[]), "{:?}", clean.gate);
        assert_eq!(read("queue: {clean: true}\ngate: {keep: []}\n").unwrap().kept(), folders(&[]));
        assert_eq!(
            read("queue: {clean: false}\ngate: {keep: [target]}\n").unwrap().kept(),
            folders(&["target"])
        );
        for keep in ["auto", "[target]"] {
            let faults = read(&format!("gate: {{keep: {keep}}}\nqueue: {{clean: true}}\n")).unwrap_err();
            let is_it = faults.len() == 1 && faults[0].starts_with("projects/x.yaml:6:16: ");
            assert!(is_it && faults[0].contains("remove `queue.clean`"), "{faults:?}");
        }
    }
}
