//! The repositories of one case, and its commits.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use git2::Oid;
use paddock_model::ids::ObjectId;
use paddock_testkit::git;

use super::fresh;
use super::rng::Rng;
use super::script::{About, Focus, Script, Traits};
use super::shares::Place;
use super::tree::{Item, Tree};

/// The repositories of a case.
pub(super) struct Case {
    pub(super) rng: Rng,
    pub(super) root: PathBuf,
    /// The user's repository.
    pub(super) user: PathBuf,
    about: About,
    focus: Focus,
    store: PathBuf,
    library: git2::Repository,
    tree: Tree,
    /// Commits of the submodule; without any there is none.
    modules: Vec<Oid>,
    /// Settings of the repository that a clone of this user would have, too.
    settings: Vec<String>,
    /// The scripts of all commits, for a person who looks into a failure.
    pub(super) history: String,
}

/// A commit and its gate.
pub(super) struct Change {
    pub(super) commit: ObjectId,
    pub(super) commands: Vec<String>,
    pub(super) setup: Option<&'static str>,
    /// What the scripts of all commands do.
    pub(super) traits: Traits,
}

impl Case {
    pub(super) fn new(place: &Place, seed: u64, about: About) -> Self {
        let mut rng = Rng::new(seed);
        let focus = Focus::random(&mut rng);
        let user = place.root.join("user");
        git::init(&user, "main");
        let library = git2::Repository::open(&user).unwrap();
        let tree = Tree::first(&mut rng, seed);
        let has_modules = about == About::Everything && rng.percent(15);
        let modules = if has_modules { modules(&place.root.join("modules")) } else { Vec::new() };
        let settings = match rng.below(5) {
            0 => vec!["core.autocrlf=true".to_owned()],
            1 => vec!["core.eol=crlf".to_owned()],
            _ => Vec::new(),
        };
        for setting in &settings {
            let (key, value) = setting.split_once('=').unwrap();
            git::git(&user, &["config", key, value]);
        }
        tree.commit(&library, &place.root.join("modules"), &place.store);
        match rng.below(6) {
            0 => drop(git::git(&user, &["sparse-checkout", "set", "src", "data"])),
            1 => {
                fs::create_dir_all(user.join(".git/info")).unwrap();
                fs::write(user.join(".git/info/sparse-checkout"), "/src/\n").unwrap();
                git::git(&user, &["config", "core.sparseCheckout", "true"]);
            }
            _ => {}
        }
        let (root, store) = (place.root.clone(), place.store.clone());
        let history = String::new();
        Self { rng, root, user, about, focus, store, library, tree, modules, settings, history }
    }

    /// Commits a change with new gate scripts.
    pub(super) fn next(&mut self) -> Change {
        self.tree.change(&mut self.rng, &self.modules);
        let mut commands = vec!["sh gate.sh".to_owned()];
        if self.rng.percent(40) {
            commands.push("sh second.sh".to_owned());
        }
        let mut traits = Traits::default();
        // Both are in the tree when the scripts are made, so that their checks count them.
        for name in ["gate.sh", "second.sh"] {
            self.tree.put(name, Item::file(""));
        }
        for (place, name) in ["gate.sh", "second.sh"].into_iter().enumerate().take(commands.len()) {
            let script = Script::random(&mut self.rng, &self.focus, &self.tree, self.about, place == 0);
            traits.has_writer |= script.traits.has_writer;
            traits.leaves |= script.traits.leaves;
            self.tree.put(name, Item::file(script.text));
        }
        let commit = self.tree.commit(&self.library, &self.root.join("modules"), &self.store);
        self.remember(commit);
        let setup = (!self.modules.is_empty()).then_some("git submodule update --init --quiet");
        Change { commit: ObjectId::new(commit.to_string()).unwrap(), commands, setup, traits }
    }

    /// Returns whether the gate is green in a fresh clone of the newest commit, and its output.
    pub(super) fn is_green_in_a_clone(&self, change: &Change) -> (bool, String) {
        let clone = self.root.join("clone");
        let result = fresh::is_green(&self.user, &clone, &self.settings, change.setup, &change.commands);
        fresh::forget(&clone);
        result
    }

    /// Returns whether git ignores `build` in the newest commit.
    pub(super) fn ignores_build(&self) -> bool {
        matches!(self.tree.items.get(".gitignore"), Some(Item::File { text, .. }) if text.contains("build/"))
    }

    fn remember(&mut self, commit: Oid) {
        let tree = self.library.find_commit(commit).unwrap().tree().unwrap();
        writeln!(self.history, "commit {commit}").unwrap();
        for name in ["gate.sh", "second.sh", ".gitattributes", ".gitignore"] {
            let blob = tree.get_path(Path::new(name)).unwrap().to_object(&self.library).unwrap();
            let content = String::from_utf8_lossy(blob.as_blob().unwrap().content()).into_owned();
            writeln!(self.history, "--- {name}\n{content}").unwrap();
        }
    }
}

/// Makes the repository of a submodule, and returns its commits.
fn modules(folder: &Path) -> Vec<Oid> {
    git::init(folder, "main");
    let commit = |word: &str| {
        fs::write(folder.join("file"), format!("{word}\n")).unwrap();
        Oid::from_str(&git::commit_all(folder, word)).unwrap()
    };
    ["one", "two", "one"].map(commit).to_vec()
}
