//! The files of a case, before and after its change.

use std::collections::BTreeMap;

/// A file as git has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct File {
    /// Git's mode: `100644`, `100755` or `120000`.
    pub(crate) mode: &'static str,
    /// The content; for a link its target.
    pub(crate) bytes: Vec<u8>,
}

/// All files by path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Tree(pub(crate) BTreeMap<String, File>);

impl Tree {
    /// Returns the paths that differ between two trees.
    pub(crate) fn differing<'t>(&'t self, other: &'t Self) -> Vec<&'t str> {
        let all: std::collections::BTreeSet<&String> = self.0.keys().chain(other.0.keys()).collect();
        all.into_iter().filter(|path| self.0.get(*path) != other.0.get(*path)).map(String::as_str).collect()
    }

    /// Returns this tree with the tests, and all that a runner reads, as they are in `base`.
    pub(crate) fn judged_by(&self, base: &Self) -> Self {
        let mut judged = self.clone();
        for path in self.differing(base).into_iter().filter(|path| is_judging(path)) {
            match base.0.get(path) {
                Some(file) => drop(judged.0.insert(path.to_owned(), file.clone())),
                None => drop(judged.0.remove(path)),
            }
        }
        judged
    }
}

/// Returns whether a file is a test, or something that a runner reads: all that recordings need to know.
fn is_judging(path: &str) -> bool {
    let path = path.to_lowercase();
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", &path));
    let is_config = ["jest.config", "vitest.config", ".mocharc", ".npmrc", "ctestcustom", "cmakelists"]
        .iter()
        .any(|known| name.starts_with(known));
    let ends = [".ini", ".cfg", ".toml", ".mk", ".sh", ".pth", "package.json", "makefile", "conftest.py"];
    let is_shadow = ["pytest.py", "sitecustomize.py", "usercustomize.py"].contains(&name);
    folder.contains("test")
        || name.contains("test")
        || name.contains("spec")
        || is_config
        || is_shadow
        || ends.iter().any(|end| name.ends_with(end))
}
