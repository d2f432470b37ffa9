//! Which words of commands and scripts may be files, and which files check rather than are checked.

/// Returns whether a file that a gate command names runs the checks, as opposed to being checked. Both appear
/// in commands (`pytest app.py`, `sh check.sh`), so names and folders have to tell.
#[must_use]
pub(crate) fn is_gate_file(path: &[u8]) -> bool {
    let text = String::from_utf8_lossy(path).to_lowercase();
    let (folders, name) = text.rsplit_once('/').unwrap_or(("", &text));
    let (stem, ending) = name.rsplit_once('.').unwrap_or((name, ""));
    // Lists of dependencies change with ordinary work.
    let is_list = ["cargo.toml", "pyproject.toml", "pom.xml", "go.mod", "composer.json"].contains(&name);
    let is_setting =
        ["yml", "yaml", "toml", "ini", "cfg", "mk", "sh", "bash", "zsh", "bats"].contains(&ending);
    let is_build = ["makefile", "gnumakefile", "justfile", "rakefile", "noxfile.py"].contains(&name);
    let of_checks = ["ci", ".ci", "script", "scripts", "hack", "tools", "bin", "gate"];
    let is_among = folders.split('/').any(|folder| of_checks.contains(&folder));
    let is_called = is_called_check(stem);
    !is_list
        && (is_setting || is_build || is_among || is_called || (ending.is_empty() && !name.starts_with('.')))
}

/// Returns whether the name of a file, without its ending, says that it runs checks.
#[must_use]
pub(super) fn is_called_check(stem: &str) -> bool {
    let words = ["check", "test", "ci", "verify", "gate", "lint", "run"];
    words.iter().any(|word| {
        let rest = stem.strip_prefix(word);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '_', 's']))
    })
}

/// Returns the words of a shell command that may be paths, and the files that well-known programs run without
/// naming them. After `cd FOLDER`, each also appears below that folder.
#[must_use]
pub(crate) fn named_scripts(run: &str) -> Vec<String> {
    let is_end = |c: char| {
        c.is_whitespace() || matches!(c, ';' | '|' | '&' | '(' | ')' | '<' | '>' | '"' | '\'' | '=')
    };
    let words: Vec<&str> = run.split(is_end).filter(|word| !word.is_empty()).collect();
    let mut folder = String::new();
    let mut found = Vec::new();
    let mut add = |folder: &str, word: &str| {
        let plain = word.trim_start_matches("./").trim_end_matches('/');
        // Options, absolute paths, variables and paths out of the tree name nothing in the repository.
        let is_path = !plain.is_empty() && !plain.starts_with(['-', '/', '$', '~']) && !plain.contains("..");
        if is_path && plain != "." {
            found.push(plain.to_owned());
            if !folder.is_empty() {
                found.push(format!("{folder}/{plain}"));
            }
        }
    };
    for (at, word) in words.iter().enumerate() {
        // Only the last `cd` counts, and words count with and without it: a wrong guess names no file of the
        // tree and drops out later.
        if *word == "cd" {
            folder =
                words.get(at + 1).map_or("", |to| to.trim_matches('/')).trim_start_matches("./").to_owned();
            continue;
        }
        if at > 0 && words[at - 1] == "cd" {
            continue;
        }
        add(&folder, word);
        // These programs find their file by themselves, so the command does not name it.
        let implied: &[&str] = match *word {
            "make" | "gmake" => &["Makefile", "makefile", "GNUmakefile"],
            "just" => &["justfile", "Justfile"],
            "npm" | "yarn" | "pnpm" | "bun" | "npx" => &["package.json"],
            "tox" => &["tox.ini"],
            "nox" => &["noxfile.py"],
            "rake" => &["Rakefile"],
            "task" => &["Taskfile.yml"],
            _ => &[],
        };
        implied.iter().for_each(|file| add(&folder, file));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_run_the_checks_are_distinguished_from_files_that_are_checked() {
        for gate in
            ["check.sh", "ci/run.py", "Makefile", "scripts/lint", "run_tests.py", "verify.js", "tox.ini"]
        {
            assert!(is_gate_file(gate.as_bytes()), "{gate}");
        }
        for other in ["app.py", "src/main.c", "Cargo.toml", "sub/Cargo.toml", "index.js", "runner/a.py"] {
            assert!(!is_gate_file(other.as_bytes()), "{other}");
        }
    }

    #[test]
    fn words_of_a_command_may_be_paths() {
        assert_eq!(named_scripts("sh ./check.sh --fast"), ["sh", "check.sh"]);
        assert!(named_scripts("cd web && npm test").contains(&"web/package.json".to_owned()));
        assert!(named_scripts("make -C . check").contains(&"Makefile".to_owned()));
        assert!(!named_scripts("test -e /etc/x ../y $HOME/z").iter().any(|word| word.contains("etc")));
    }
}
