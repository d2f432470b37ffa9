//! Random trees: what a commit holds, how the next one differs, and the commit that results.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use git2::{Index, IndexEntry, IndexTime, Oid, Repository, Signature};
use sha2::{Digest as _, Sha256};

use super::rng::Rng;

/// Contents of one line. The first three have the same size.
pub(super) const WORDS: [&str; 4] = ["one", "two", "six", "seven"];

/// Plain files that commits change and scripts read and overwrite.
pub(super) const FILES: [&str; 10] = [
    "a.txt",
    "b.txt",
    "src/lib.c",
    "src/deep/x.c",
    "data/crlf.txt",
    "data/id.txt",
    "names/with blank.txt",
    "名前/数据.txt",
    "tool.sh",
    "tests/data.txt",
];

/// A file that the filter `lfs` keeps outside of git.
pub(super) const BIG: &str = "data/big.bin";

const IGNORED: [&str; 4] =
    ["build/\n.cache/\n*.log\n", "build/\n.cache/\n", "/build/\n*.log\nnew.txt\n", "*.log\n"];

/// Lines of `.gitattributes`. With `export-ignore` a file is left out of archives, not of checkouts.
const ATTRIBUTES: [&str; 8] = [
    "data/*.txt text eol=crlf",
    "data/*.txt text",
    "*.txt text=auto",
    "data/id.txt ident",
    "a.txt filter=rot",
    "*.bin filter=lfs -text",
    "names/** export-ignore",
    "src/lib.c working-tree-encoding=UTF-16LE",
];

/// An entry of a commit, as its author wrote it.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Item {
    File { text: String, is_executable: bool },
    Link(&'static str),
    Submodule(Oid),
}

impl Item {
    pub(super) fn file(text: impl Into<String>) -> Self {
        Self::File { text: text.into(), is_executable: false }
    }
}

/// A tree that grows from commit to commit.
#[derive(Clone)]
pub(super) struct Tree {
    pub(super) items: BTreeMap<String, Item>,
    attributes: [bool; ATTRIBUTES.len()],
    /// Whether the store lacks the content of [`BIG`].
    lacks_content: bool,
    /// Number in the content of [`BIG`], since all cases share the store.
    salt: u64,
}

impl Tree {
    /// Returns the first tree.
    pub(super) fn first(rng: &mut Rng, salt: u64) -> Self {
        let mut items = BTreeMap::new();
        for file in FILES {
            items.insert(file.to_owned(), Item::file(format!("{}\n", rng.pick(&WORDS))));
        }
        items.insert(BIG.to_owned(), Item::file(format!("heavy {salt} one\n")));
        items.insert("case/Readme.txt".to_owned(), Item::file("one\n"));
        items.insert("link".to_owned(), Item::Link("a.txt"));
        items.insert("node".to_owned(), Item::file("one\n"));
        items.insert("empty".to_owned(), Item::file(""));
        items.insert("tests/check.sh".to_owned(), Item::file("test -f a.txt && grep -q one a.txt\n"));
        items.insert(".gitignore".to_owned(), Item::file(IGNORED[0]));
        let mut tree = Self { items, attributes: [false; ATTRIBUTES.len()], lacks_content: false, salt };
        for _ in 0..2 {
            tree.toggle_attribute(rng);
        }
        tree
    }

    /// Changes the tree as the next commit does. `modules` are the commits of the submodule; without any there
    /// is none.
    pub(super) fn change(&mut self, rng: &mut Rng, modules: &[Oid]) {
        for _ in 0..1 + rng.below(4) {
            self.change_one(rng, modules);
        }
    }

    fn change_one(&mut self, rng: &mut Rng, modules: &[Oid]) {
        let word = rng.pick(&WORDS);
        match rng.below(13) {
            0 | 1 => self.put(rng.pick(&FILES), Item::file(format!("{word}\n"))),
            2 => drop(self.items.remove(rng.pick(&FILES))),
            3 => {
                let path = rng.pick(&["tool.sh", "a.txt", "tests/check.sh"]);
                if let Some(Item::File { is_executable, .. }) = self.items.get_mut(path) {
                    *is_executable = !*is_executable;
                }
            }
            4 if rng.percent(50) => self.put("link", Item::Link(rng.pick(&["a.txt", "src", "none"]))),
            4 => self.put("link", Item::file("one\n")),
            5 if self.items.remove("node").is_some() => self.put("node/inner.txt", Item::file("one\n")),
            5 => {
                self.items.remove("node/inner.txt");
                self.put("node", Item::file("two\n"));
            }
            6 => {
                let (old, new) = ("case/Readme.txt", "case/README.txt");
                let (from, to) = if self.items.contains_key(old) { (old, new) } else { (new, old) };
                if let Some(item) = self.items.remove(from) {
                    self.put(to, item);
                }
            }
            7 => self.put(".gitignore", Item::file(rng.pick(&IGNORED))),
            8 => self.toggle_attribute(rng),
            9 => self.put(rng.pick(&["data/crlf.txt", "b.txt"]), Item::file(format!("{word}\r\nmore\r\n"))),
            10 => self.put("data/id.txt", Item::file(format!("$Id$ {word}\n"))),
            11 => {
                self.put(BIG, Item::file(format!("heavy {} {word}\n", self.salt)));
                self.lacks_content = rng.percent(10);
            }
            _ if modules.is_empty() => {
                self.put("tests/check.sh", Item::file(format!("test -f a.txt && grep -q {word} a.txt\n")));
            }
            _ if rng.percent(20) => drop(self.items.remove("sub")),
            _ => self.put("sub", Item::Submodule(modules[rng.below(modules.len())])),
        }
    }

    fn toggle_attribute(&mut self, rng: &mut Rng) {
        let flag = &mut self.attributes[rng.below(ATTRIBUTES.len())];
        *flag = !*flag;
    }

    pub(super) fn put(&mut self, path: &str, item: Item) {
        self.items.insert(path.to_owned(), item);
    }

    /// Returns the only line of a file that git writes as the author wrote it.
    pub(super) fn word(&self, path: &str) -> Option<&str> {
        match self.items.get(path) {
            Some(Item::File { text, .. }) => {
                text.strip_suffix('\n').filter(|line| !line.contains(['\r', '\n']))
            }
            _ => None,
        }
    }

    /// Returns the size of a file as its author wrote it, in bytes.
    pub(super) fn size(&self, path: &str) -> usize {
        match self.items.get(path) {
            Some(Item::File { text, .. }) => text.len(),
            _ => 0,
        }
    }

    fn has(&self, attribute: &str) -> bool {
        ATTRIBUTES.iter().zip(self.attributes).any(|(line, is_set)| is_set && *line == attribute)
    }

    /// Returns what git stores for a file: the author's git has run the filters that the attributes name.
    fn stored(&self, path: &str, text: &str, store: &Path) -> Vec<u8> {
        if path == BIG && self.has("*.bin filter=lfs -text") {
            let oid: String = Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect();
            if !self.lacks_content {
                fs::write(store.join(&oid), text).unwrap();
            }
            let head = "version https://git-lfs.github.com/spec/v1";
            return format!("{head}\noid sha256:{oid}\nsize {}\n", text.len()).into_bytes();
        }
        let is_text = self.has("data/*.txt text") || self.has("data/*.txt text eol=crlf");
        if is_text && path.starts_with("data/") && path.ends_with(".txt") {
            return text.replace("\r\n", "\n").into_bytes();
        }
        text.as_bytes().to_owned()
    }

    /// Commits the tree on `main`. `modules` is the address of the submodule, `store` the folder with the
    /// contents of LFS files.
    pub(super) fn commit(&self, repository: &Repository, modules: &Path, store: &Path) -> Oid {
        let mut index = Index::new().unwrap();
        let mut add = |path: &str, mode: u32, id: Oid| index.add(&entry(path, mode, id)).unwrap();
        let blob = |bytes: &[u8]| repository.blob(bytes).unwrap();
        for (path, item) in &self.items {
            match item {
                Item::File { text, is_executable } => {
                    let mode = if *is_executable { 0o100_755 } else { 0o100_644 };
                    add(path, mode, blob(&self.stored(path, text, store)));
                }
                Item::Link(target) => add(path, 0o120_000, blob(target.as_bytes())),
                Item::Submodule(commit) => {
                    add(path, 0o160_000, *commit);
                    let text = format!("[submodule \"sub\"]\n\tpath = sub\n\turl = {}\n", modules.display());
                    add(".gitmodules", 0o100_644, blob(text.as_bytes()));
                }
            }
        }
        let lines = ATTRIBUTES.iter().zip(self.attributes).filter(|(_, is_set)| *is_set);
        let lines: String = lines.map(|(line, _)| format!("{line}\n")).collect();
        add(".gitattributes", 0o100_644, blob(lines.as_bytes()));
        let tree = repository.find_tree(index.write_tree_to(repository).unwrap()).unwrap();
        let by = Signature::now("Someone", "someone@localhost").unwrap();
        let parent = repository.head().ok().and_then(|head| head.peel_to_commit().ok());
        let parents: Vec<_> = parent.iter().collect();
        repository.commit(Some("refs/heads/main"), &by, &by, "Change", &tree, &parents).unwrap()
    }
}

fn entry(path: &str, mode: u32, id: Oid) -> IndexEntry {
    let time = IndexTime::new(0, 0);
    IndexEntry {
        ctime: time,
        mtime: time,
        dev: 0,
        ino: 0,
        mode,
        uid: 0,
        gid: 0,
        file_size: 0,
        id,
        flags: 0,
        flags_extended: 0,
        path: path.as_bytes().to_owned(),
    }
}
