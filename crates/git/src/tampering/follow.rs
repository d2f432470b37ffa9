//! What the gate runs: from its commands through the scripts that they name, and the scripts that those name.
//!
//! Names are looked up in the base. A word that names no file there is no file, so words are taken
//! generously; what is only checked is told from what checks by its name, its folder and its first line.

use std::collections::{BTreeMap, BTreeSet};

use super::super::objects::blob_within;
use super::super::snapshot::Snapshot;
use super::manifest::{self, Manifest};
use super::scan::Language;
use super::words::{is_called_check, is_gate_file, named_scripts};
use paddock_model::path::RepoPath;
use paddock_model::scope::Globs;

/// How many scripts may stand behind each other.
const DEPTH_MAX: usize = 8;
/// Number of scripts that are read.
const FILES_MAX: usize = 200;
/// Size of a script in bytes.
const BYTES_MAX: usize = 1 << 20;
/// Programs that run the file which they are given, whatever its name.
const SHELLS: &[&str] =
    &["sh", "bash", "dash", "zsh", "ksh", "source", ".", "include", "-include", "sinclude", "exec", "bats"];
/// Folders of code.
const CODE_FOLDERS: &[&str] = &["src", "lib", "app", "source", "pkg", "internal", "cmd"];
/// Options after which a file of settings stands.
const SETTINGS: &[&str] =
    &["-c", "-f", "--config", "--rcfile", "--file", "--makefile", "--require", "-r", "--import"];

/// What the gate runs in a tree.
#[derive(Debug, Clone, Default)]
pub(super) struct Gate {
    /// Files that run the checks.
    pub files: BTreeSet<RepoPath>,
    /// Files that may run the checks or be what is checked: scripts outside of folders for either.
    pub doubtful: BTreeSet<RepoPath>,
    /// Files of tests that no pattern of tests matches.
    pub tests: BTreeSet<RepoPath>,
    /// Lists of scripts (`package.json`), with the names of the scripts that the gate runs.
    pub manifests: BTreeMap<RepoPath, BTreeSet<String>>,
    /// Names that a script mentions and the tree does not have.
    pub missing: BTreeSet<String>,
    /// Folders of the tree in which the gate looks for programs.
    pub on_path: BTreeSet<String>,
    /// Folders in which commands run: the top, and the folders after `cd`.
    pub folders: BTreeSet<String>,
    /// All words of commands and scripts.
    pub words: BTreeSet<String>,
}

/// A text that the gate runs, and where.
struct Due {
    text: String,
    /// Folder in which it runs.
    folder: String,
    /// Folder of the script itself.
    own: String,
    depth: usize,
    is_shell: bool,
}

struct Follower<'a, 'r> {
    library: &'a git2::Repository,
    tree: &'a Snapshot<'r>,
    tests: &'a Globs,
    gate: Gate,
    read: BTreeSet<RepoPath>,
    due: Vec<Due>,
}

impl Gate {
    /// Follows the commands through a tree.
    pub(super) fn new(
        library: &git2::Repository,
        tree: &Snapshot<'_>,
        commands: &[String],
        tests: &Globs,
    ) -> Self {
        let gate = Self::default();
        let mut follower = Follower { library, tree, tests, gate, read: BTreeSet::new(), due: Vec::new() };
        for run in commands {
            follower.gate.folders.insert(String::new());
            let (folder, own) = (String::new(), String::new());
            follower.due.push(Due { text: run.clone(), folder, own, depth: 0, is_shell: true });
        }
        while let Some(due) = follower.due.pop() {
            follower.follow(&due);
        }
        follower.gate
    }

    /// Returns whether the gate uses one of these words.
    pub(super) fn uses(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.words.contains(*word))
    }

    /// Returns whether the gate runs Python.
    pub(super) fn runs_python(&self) -> bool {
        let is_python = |word: &String| {
            ["python", "pytest", "py.test", "tox", "nox", "unittest", "coverage"]
                .iter()
                .any(|name| word.starts_with(name))
        };
        self.words.iter().any(is_python) || self.uses(&["uv", "poetry", "hatch", "pdm", "pipenv"])
    }

    /// Returns whether the gate runs Node.js or a tool of its ecosystem.
    pub(super) fn runs_node(&self) -> bool {
        let tools = [
            "node", "npm", "npx", "yarn", "pnpm", "bun", "jest", "mocha", "vitest", "ava", "tsx", "ts-node",
            "deno",
        ];
        self.uses(&tools)
    }
}

impl Follower<'_, '_> {
    fn follow(&mut self, due: &Due) {
        self.note_words(&due.text);
        self.gate.on_path.extend(folders_on_path(&due.text));
        let folders = [due.folder.clone(), due.own.clone()];
        for line in due.text.lines() {
            self.follow_line(due, line.trim(), &folders);
        }
        self.follow_whole(due, &folders);
    }

    fn note_words(&mut self, text: &str) {
        let is_end = |c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/'));
        for word in text.split(is_end).filter(|word| !word.is_empty()) {
            let name = word.rsplit('/').next().unwrap_or(word);
            self.gate.words.extend([word.to_owned(), name.to_owned()]);
        }
    }

    /// Takes the words of a line that are files.
    fn follow_line(&mut self, due: &Due, line: &str, folders: &[String]) {
        if line.starts_with('#') && !line.starts_with("#!") {
            return;
        }
        let words: Vec<&str> = line
            .split(is_end)
            .map(|word| word.trim_start_matches(['@', '+']))
            .filter(|word| !word.is_empty())
            .collect();
        for (at, word) in words.iter().enumerate() {
            let before = at.checked_sub(1).map_or("", |at| words[at]);
            let is_run = SHELLS.contains(&before)
                || (at > 0 && ["include", "-include", "sinclude"].contains(&words[0]));
            let is_setting = SETTINGS.contains(&before);
            for path in candidates(word, before, folders) {
                self.take(due, &path, is_run, is_setting);
            }
        }
    }

    /// Takes the files that well-known programs read without being told, and the scripts of a manifest.
    fn follow_whole(&mut self, due: &Due, folders: &[String]) {
        for word in named_scripts(&due.text) {
            for folder in folders {
                if let Some(path) = joined(folder, &word) {
                    self.take(due, &path, false, false);
                }
            }
        }
        // `make -C sub`, `npm --prefix sub test`.
        let programs = ["make", "gmake", "npm", "yarn", "pnpm", "just"];
        if !due.text.split(is_end).any(|word| {
            programs.contains(&word.trim_start_matches('@')) || word.starts_with("$(MAKE") || word == "MAKE"
        }) {
            return;
        }
        for word in due.text.split(is_end).filter(|word| !word.is_empty()) {
            let Some(path) = joined(&due.folder, word).filter(|path| self.is_folder(path)) else { continue };
            self.gate.folders.insert(path.clone());
            for file in ["GNUmakefile", "makefile", "Makefile", "package.json", "justfile"] {
                if let Some(path) = joined(&path, file) {
                    self.take(due, &path, true, false);
                }
            }
        }
    }

    fn is_folder(&self, path: &str) -> bool {
        matches!(self.tree.entry(&RepoPath::from(path)), Some((_, 0o040_000)))
    }

    /// Takes a file that a text names, if it is one that runs checks.
    fn take(&mut self, due: &Due, path: &str, is_run: bool, is_setting: bool) {
        let found = RepoPath::from(path);
        let Some((id, mode)) = self.tree.entry(&found) else {
            let ending = path.rsplit_once('.').map_or("", |(_, ending)| ending);
            // A file that the gate's own commands name is there soon: without it the gate is red.
            let is_behind = due.depth > 0;
            if is_behind && (is_run || is_setting || ["sh", "mk", "bash"].contains(&ending)) {
                self.gate.missing.insert(path.to_owned());
            }
            return;
        };
        if mode == 0o040_000 {
            if due.text.contains("cd ") {
                self.gate.folders.insert(path.to_owned());
            }
            return;
        }
        let text = blob_within(self.library, id, BYTES_MAX);
        let text = text.map(|blob| String::from_utf8_lossy(blob.content()).into_owned()).unwrap_or_default();
        let is_named = due.depth == 0;
        if path.rsplit('/').next() == Some("package.json") {
            return self.take_manifest(due, found, path, &text);
        }
        let language = Language::from_path(path, &text);
        let is_shell = matches!(language, Language::Shell | Language::Make);
        let is_matched = self.tests.matches(found.as_bytes());
        let is_test = is_matched || (!is_shell && language.has_blocks() && is_called_test(path));
        let checks = match is_named {
            true => is_run || is_gate_file(found.as_bytes()),
            false => is_setting && is_gate_file(found.as_bytes()) || is_script_behind(path, &text, mode),
        };
        // What a script runs in a folder of code is what it checks.
        let is_code = CODE_FOLDERS.contains(&path.split('/').next().unwrap_or_default());
        let is_doubtful = !checks && !is_code && (is_run || (is_shell && language != Language::Make));
        if !(checks || is_doubtful || (is_test && is_shell)) {
            return;
        }
        match is_test && !(is_named && is_shell) {
            true if !is_matched => drop(self.gate.tests.insert(found.clone())),
            true => {}
            false if checks => drop(self.gate.files.insert(found.clone())),
            false => drop(self.gate.doubtful.insert(found.clone())),
        }
        if due.depth >= DEPTH_MAX || self.read.len() >= FILES_MAX || !self.read.insert(found) {
            return;
        }
        let own = path.rsplit_once('/').map_or(String::new(), |(folder, _)| folder.to_owned());
        // A makefile in a folder runs there; a script runs where it is called.
        let is_make = language == Language::Make && !path.ends_with(".mk");
        let folder = if is_make { own.clone() } else { due.folder.clone() };
        self.due.push(Due { text, folder, own, depth: due.depth + 1, is_shell });
    }

    fn take_manifest(&mut self, due: &Due, found: RepoPath, path: &str, text: &str) {
        let manifest = Manifest::new(text);
        let reached: Vec<(String, String)> = manifest.reached(&due.text);
        let known = self.gate.manifests.entry(found).or_default();
        let folder = path.rsplit_once('/').map_or(String::new(), |(folder, _)| folder.to_owned());
        for (name, run) in reached {
            if known.insert(name) && due.depth < DEPTH_MAX {
                // A script calls others of its list by `npm run`, and by programs that run several.
                let text = format!("{run}\n");
                let (folder, own) = (folder.clone(), folder.clone());
                self.due.push(Due { text, folder, own, depth: due.depth + 1, is_shell: due.is_shell });
            }
        }
        if manifest::calls_scripts(&due.text) {
            self.gate.on_path.insert(match folder.is_empty() {
                true => "node_modules/.bin".to_owned(),
                false => format!("{folder}/node_modules/.bin"),
            });
        }
    }
}

fn is_end(c: char) -> bool {
    c.is_whitespace()
        || matches!(c, ';' | '|' | '&' | '(' | ')' | '<' | '>' | '"' | '\'' | '=' | ',' | '[' | ']' | '`')
}

/// Returns the paths that a word may stand for, in the folder of the command and in that of the script.
fn candidates(word: &str, before: &str, folders: &[String]) -> Vec<String> {
    let mut texts = vec![word.to_owned()];
    if word.starts_with(['$', '/', '{', '~', '%']) || word.contains('$') {
        // What a variable stands for is not known, so the rest is tried.
        texts = word.match_indices('/').take(4).map(|(at, _)| word[at + 1..].to_owned()).collect();
    }
    if before == "-m" || before == "import" || before == "from" {
        let module = word.replace('.', "/");
        texts.extend([
            format!("{module}.py"),
            format!("{module}/__main__.py"),
            format!("{module}/__init__.py"),
        ]);
    }
    if word.starts_with("./") || word.starts_with("../") {
        texts.extend(["js", "cjs", "mjs", "ts"].iter().map(|ending| format!("{word}.{ending}")));
    }
    let mut found: Vec<String> = Vec::new();
    for text in texts.iter().filter(|text| !text.is_empty() && !text.starts_with('-') && text.as_str() != ".")
    {
        for folder in folders {
            found.extend(joined(folder, text).filter(|path| !found.contains(path)));
        }
    }
    found
}

/// Returns a path below a folder, without `.` and `..`. `None` if it leaves the repository or is none.
fn joined(folder: &str, word: &str) -> Option<String> {
    if word.starts_with(['/', '~', '-']) || word.contains(['$', '*']) {
        return None;
    }
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in word.split('/').filter(|part| !part.is_empty() && *part != ".") {
        match part {
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    (!parts.is_empty()).then(|| parts.join("/"))
}

/// Returns whether a file is called as tests are.
fn is_called_test(path: &str) -> bool {
    let stem = path.rsplit('/').next().unwrap_or(path).split('.').next().unwrap_or_default();
    let words = ["test", "tests", "spec"];
    words.contains(&stem)
        || words
            .iter()
            .any(|word| stem.starts_with(&format!("{word}_")) || stem.ends_with(&format!("_{word}")))
}

/// Returns whether a file that a script names runs checks. Scripts name much that is only checked, so more is
/// asked of it than of a file that a command names.
fn is_script_behind(path: &str, text: &str, mode: i32) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let (stem, ending) = name.rsplit_once('.').unwrap_or((name, ""));
    let is_of_shell = text.starts_with("#!") && text.lines().next().is_some_and(|line| line.contains("sh"));
    let is_among = path.rsplit_once('/').is_some_and(|(folders, _)| {
        let of_checks = ["ci", ".ci", "script", "scripts", "hack", "tools", "gate"];
        folders.split('/').any(|folder| of_checks.contains(&folder))
    });
    let is_called = is_called_check(stem);
    match ending {
        "mk" | "bats" => true,
        "sh" | "bash" | "zsh" => is_among || is_called,
        "py" | "js" | "mjs" | "cjs" | "ts" | "pl" | "rb" => {
            is_among || (is_gate_file(path.as_bytes()) && !path.contains("src/"))
        }
        "yml" | "yaml" | "toml" | "ini" | "cfg" | "json" => is_among,
        "" if ["Makefile", "makefile", "GNUmakefile", "justfile", "Justfile", "Rakefile"].contains(&name) => {
            true
        }
        "" => (is_of_shell && is_called) || (is_among && (mode == 0o100_755 || text.starts_with("#!"))),
        _ => false,
    }
}

/// Returns the folders of the tree that a text puts on the path of programs.
fn folders_on_path(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("PATH=") {
        let is_own = text[..at]
            .chars()
            .next_back()
            .is_none_or(|c| c.is_whitespace() || matches!(c, ';' | '&' | '"' | '\''));
        let value = text[at + 5..].trim_start_matches(['"', '\'']);
        let value = value
            .split(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ';' | '&'))
            .next()
            .unwrap_or_default();
        for part in value.split(':').filter(|_| is_own) {
            let part = ["$(CURDIR)", "$(pwd)", "${PWD}", "$PWD", "`pwd`"]
                .iter()
                .find_map(|front| part.strip_prefix(front))
                .unwrap_or(part);
            found.extend(
                joined("", part.trim_start_matches('/'))
                    .filter(|_| !part.starts_with("/usr") && !part.starts_with("/bin")),
            );
        }
    }
    found
}
