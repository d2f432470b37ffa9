//! Random gate scripts: actions that disturb the folder, and checks of what is there.

use super::rng::Rng;
use super::tree::{BIG, FILES, Item, Tree, WORDS};

/// Files that no commit holds. Most commits ignore most of them.
const UNTRACKED: [&str; 8] = [
    "build/out",
    "build/deep/o",
    ".cache/x",
    "a.log",
    "new.txt",
    "junk/file",
    "src/extra.c",
    "tests/conftest.py",
];

/// What a script does that decides how its results may be compared.
#[derive(Default, Clone, Copy)]
pub(super) struct Traits {
    /// Whether a process outlives the command.
    pub(super) has_writer: bool,
    /// Whether the script leaves files that no commit holds.
    pub(super) leaves: bool,
}

/// The few files that most actions and checks of a case are about, so that they meet.
pub(super) struct Focus {
    tracked: [&'static str; 3],
    stray: &'static str,
}

impl Focus {
    pub(super) fn random(rng: &mut Rng) -> Self {
        let tracked = [target(rng), rng.pick(&FILES), rng.pick(&FILES[..6])];
        Self { tracked, stray: rng.pick(&UNTRACKED) }
    }

    fn target(&self, rng: &mut Rng) -> &'static str {
        if rng.percent(75) { rng.pick(&self.tracked) } else { target(rng) }
    }

    fn file(&self, rng: &mut Rng) -> &'static str {
        if rng.percent(75) { rng.pick(&self.tracked) } else { rng.pick(&FILES) }
    }

    fn stray(&self, rng: &mut Rng, about: About) -> &'static str {
        match about {
            About::Build => rng.pick(&UNTRACKED[..2]),
            About::Everything if rng.percent(60) => self.stray,
            About::Everything => rng.pick(&UNTRACKED),
        }
    }
}

/// A random script.
pub(super) struct Script {
    pub(super) text: String,
    pub(super) traits: Traits,
}

/// What scripts are about.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum About {
    /// The whole folder.
    Everything,
    /// The folder `build`, which is kept.
    Build,
}

impl Script {
    /// Makes a script for a tree.
    pub(super) fn random(rng: &mut Rng, focus: &Focus, tree: &Tree, about: About, is_first: bool) -> Self {
        let mut script = Self { text: "bad=0\n".to_owned(), traits: Traits::default() };
        for _ in 0..1 + rng.below(if about == About::Build { 2 } else { 5 }) {
            if rng.percent(55) {
                script.act(rng, focus, about, is_first);
            } else {
                let check = check(rng, focus, tree, about, is_first);
                script.add(&format!(
                    "{{ {check}; }} || {{ echo 'not so: {}'; bad=1; }}",
                    check.replace('\'', "")
                ));
            }
        }
        script.add("exit $bad");
        script
    }

    fn add(&mut self, line: &str) {
        self.text += line;
        self.text += "\n";
    }

    /// Adds an action. It may fail.
    fn act(&mut self, rng: &mut Rng, focus: &Focus, about: About, is_first: bool) {
        let word = rng.pick(&WORDS);
        if about == About::Build || rng.percent(35) {
            let stray = focus.stray(rng, about);
            return self.leave(rng, stray, about, word);
        }
        let path = focus.target(rng);
        let written = write(path, word);
        let kind = rng.below(22);
        let line = match kind {
            // Nothing says what a command leaves in git's index for the next one, and these depend on it.
            13..=16 if !is_first => written,
            0 | 1 => written,
            2 => format!("[ -p '{path}' ] || echo {word} >> '{path}'"),
            3 => format!("rm -rf '{path}'"),
            4 => format!("chmod {} '{path}'", rng.pick(&["755", "644", "600", "000"])),
            5 => format!("touch {} '{path}'", rng.pick(&["", "-d 2001-02-03"])),
            6 => format!("rm -rf '{path}'; ln -s {} '{path}'", rng.pick(&["/etc/hostname", "a.txt", "src"])),
            7 => format!("rm -rf '{path}'; mkfifo '{path}'"),
            8 => format!("rm -rf '{path}'; mkdir '{path}' && echo {word} > '{path}/inner'"),
            9 | 10 => format!("git update-index --skip-worktree '{path}'; {written}"),
            11 => format!("git update-index --assume-unchanged '{path}'; {written}"),
            12 | 19..=21 => {
                format!("touch -r '{path}' .stamp; {written}; touch -r .stamp '{path}'; rm -f .stamp")
            }
            13 => "git sparse-checkout set src".to_owned(),
            14 => "git config --worktree core.sparseCheckout true".to_owned(),
            15 => format!("git rm -q --cached '{path}'"),
            16 => format!("git checkout -q HEAD~1 -- '{path}'"),
            17 => format!("touch -d 2001-02-03 '{path}'; {written}; touch -d 2001-02-03 '{path}'"),
            // It writes when the command is over, so that it cannot race against the script's own checks.
            _ => {
                self.traits.has_writer = true;
                format!("( while kill -0 $$; do sleep 0.01; done; {written} ) > /dev/null 2>&1 &")
            }
        };
        self.add(&format!("{{ {line}; }} 2> /dev/null").replace("&; }", "& }"));
    }

    /// Adds an action that leaves something which no commit holds.
    fn leave(&mut self, rng: &mut Rng, path: &str, about: About, word: &str) {
        self.traits.leaves = true;
        let line = match rng.below(9) {
            0..4 => write(path, word),
            4 if about == About::Build => "rm -rf build/deep".to_owned(),
            4 => "git init -q nested && echo one > nested/file".to_owned(),
            5 if about == About::Build => "mkdir -p build/none; ln -sfn ../a.txt build/link".to_owned(),
            5 => "mkdir -p none/at/all".to_owned(),
            6 if about == About::Build => format!("{}; chmod 755 {path}", write(path, word)),
            6 => "mkdir -p sealed && echo one > sealed/f && chmod 555 sealed".to_owned(),
            7 => format!("mkdir -p build && [ -f a.txt ] && cp a.txt {path}"),
            _ => {
                format!("touch -r {path} .stamp; {}; touch -r .stamp {path}; rm -f .stamp", write(path, word))
            }
        };
        self.add(&format!("{{ {line}; }} 2> /dev/null"));
    }
}

/// Returns a command that writes a file, and never waits for the reader of a pipe.
fn write(path: &str, word: &str) -> String {
    let folder = path.rsplit_once('/').map_or(".", |(folder, _)| folder);
    format!("mkdir -p '{folder}'; [ -p '{path}' ] || echo {word} > '{path}'")
}

/// Returns a file of commits that a script disturbs.
fn target(rng: &mut Rng) -> &'static str {
    match rng.below(8) {
        0 => rng.pick(&["node", "link", "empty", "case/README.txt", BIG, "src", "sub/file", "sub"]),
        1 => rng.pick(&["tests/check.sh", "second.sh", "tests/data.txt", ".gitignore"]),
        _ => rng.pick(&FILES[..9]),
    }
}

/// Returns a condition. It is true in most fresh clones.
fn check(rng: &mut Rng, focus: &Focus, tree: &Tree, about: About, is_first: bool) -> String {
    let path = focus.file(rng);
    let stray = focus.stray(rng, about);
    if about == About::Build || rng.percent(30) {
        let word = rng.pick(&WORDS);
        return match rng.below(if about == About::Build { 9 } else { 5 }) {
            0 | 5.. => format!("[ -e {stray} ]"),
            1 => format!("[ ! -f {stray} ] || [ \"$(cat {stray})\" = {word} ]"),
            2 => "[ -z \"$(ls -A build .cache)\" ]".to_owned(),
            3 if about == About::Everything => {
                "[ ! -e none ] && [ ! -e nested ] && [ ! -e sealed ]".to_owned()
            }
            _ => format!("[ ! -e {stray} ]"),
        };
    }
    match rng.below(12) {
        10 | 11 => {
            // Line ends and filters decide which of the sizes is right.
            let size = tree.size(path) + rng.pick(&[&0, &0, &1, &2]);
            format!("[ -f '{path}' ] && [ $(wc -c < '{path}') = {size} ]")
        }
        0..3 => match tree.word(path).filter(|_| rng.percent(85)) {
            Some(word) => format!("[ -f '{path}' ] && grep -q '^{word}' '{path}'"),
            None => format!("[ -f '{path}' ] && [ \"$(cat '{path}')\" = {} ]", rng.pick(&WORDS)),
        },
        3 => {
            let not = if tree.items.contains_key(path) { "" } else { "! " };
            format!("[ {not}-e '{path}' ]")
        }
        4 => {
            let is_set = matches!(tree.items.get(path), Some(Item::File { is_executable: true, .. }));
            format!("[ {}-x '{path}' ]", if is_set { "" } else { "! " })
        }
        // Nothing says what a command leaves in git's index for the next one.
        5 if is_first => "[ -z \"$(git status --porcelain)\" ]".to_owned(),
        6 => {
            let is_file = |item: &&Item| matches!(item, Item::File { .. });
            let tracked = tree.items.values().filter(is_file).count() + 1;
            let count =
                "find . -name .git -prune -o -name sub -prune -o -name .gitmodules -o -type f -print | wc -l";
            format!("[ $({count}) = {} ]", tracked + usize::from(rng.percent(20)))
        }
        7 => match tree.items.get("link") {
            Some(Item::Link(target)) => format!("[ \"$(readlink link)\" = {target} ]"),
            _ => "[ -f link ] && [ ! -L link ]".to_owned(),
        },
        8 if tree.items.contains_key("sub") => {
            format!("[ -f sub/file ] && grep -q {} sub/file", rng.pick(&WORDS[..2]))
        }
        8 => "sh tests/check.sh".to_owned(),
        _ => format!("[ -f {BIG} ] && grep -q '^{}' {BIG}", tree.word(BIG).unwrap_or("heavy")),
    }
}
