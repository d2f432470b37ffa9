//! Documents stay short and true: what they name exists.

use std::fs;
use std::path::Path;

use super::language::texts;
use super::sources::{files_of, root};

/// ARCHITECTURE.md is read whole; what is longer belongs to the module that it is about.
const ARCHITECTURE_WORDS_MAX: usize = 2_500;

const DOCUMENTS: [&str; 3] = ["ARCHITECTURE.md", "CONTRIBUTING.md", "README.md"];

/// The texts between backquotes, without blocks of code.
fn quoted(text: &str) -> Vec<String> {
    let prose: Vec<&str> = text.split("```").step_by(2).collect();
    let parts = prose.iter().flat_map(|part| part.split('`').skip(1).step_by(2));
    parts.map(str::to_owned).collect()
}

/// Whether a quoted text is the path of a file or folder of the project.
fn is_path(text: &str) -> bool {
    let first = text.split('/').next().unwrap_or_default();
    let folders = ["crates", "src", "tests", "docs", "templates", "benches", "fuzz", "assets", ".ci"];
    text.contains('/') && folders.contains(&first) && !text.contains(['*', '<', ' ', '{'])
}

/// Whether `module::name` stands for a module file or an item in one: `engine::decide::follow`, `git::process`.
fn module_exists(text: &str) -> bool {
    let mut parts = text.split("::");
    let Some(folder) = parts.next().map(|name| root().join("crates").join(name).join("src")) else {
        return true;
    };
    if !folder.is_dir() {
        // No crate: the name of a type or of a module that the reader knows from the sentence before.
        return true;
    }
    let Some(name) = parts.next() else { return true };
    let is_item = |path: &Path| {
        let source = fs::read_to_string(path).unwrap_or_default();
        ["fn ", "struct ", "enum ", "trait ", "static ", "const ", "mod ", "macro_rules! "]
            .iter()
            .any(|kind| source.contains(&format!("{kind}{name}")))
    };
    folder.join(name).with_extension("rs").is_file()
        || folder.join(name).is_dir()
        || is_item(&folder.join("lib.rs"))
        || fs::read_to_string(folder.join("lib.rs")).unwrap_or_default().contains(name)
}

#[test]
fn what_the_documents_name_exists() {
    let mut missing = Vec::new();
    for document in DOCUMENTS {
        let text = fs::read_to_string(root().join(document)).unwrap();
        for name in quoted(&text) {
            let name = name.split(['(', ' ']).next().unwrap_or_default();
            if is_path(name) && !root().join(name).exists() {
                missing.push(format!("{document}: {name} is no file or folder"));
            }
            if name.contains("::") && !module_exists(name) {
                missing.push(format!("{document}: {name} is no module or item"));
            }
        }
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if !link.contains("://") && !link.starts_with('#') && !root().join(link).exists() {
                missing.push(format!("{document}: the link {link} leads nowhere"));
            }
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

#[test]
fn the_architecture_is_read_in_ten_minutes() {
    let words = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap().split_whitespace().count();
    assert!(words <= ARCHITECTURE_WORDS_MAX, "{words} words: move details into the docs of their modules");
}

#[test]
fn no_file_names_a_text_that_is_not_here() {
    // Split, so that this file does not find itself.
    let marks =
        [concat!("SP", "EC "), concat!("SP", "EC.md"), concat!("HO", "USE.md"), concat!("DES", "IGN.md")];
    let mut found = Vec::new();
    for path in texts() {
        let text = fs::read_to_string(&path).unwrap();
        let named = text.lines().enumerate().filter(|(_, line)| marks.iter().any(|mark| line.contains(mark)));
        found.extend(named.map(|(at, line)| format!("{}:{}: {}", path.display(), at + 1, line.trim())));
    }
    assert!(
        found.is_empty(),
        "these name a specification that is not in the repository:\n{}",
        found.join("\n")
    );
}

/// Returns the names of the tests in these folders, with the modules that their files stand for: `trust::kills::a_name`.
fn tests_below(folder: &str) -> Vec<String> {
    let mut names = Vec::new();
    for path in files_of(&[folder]) {
        let modules = path.strip_prefix(root().join(folder)).unwrap().with_extension("");
        let modules = modules.to_string_lossy().replace('/', "::").replace("::mod", "");
        let text = fs::read_to_string(&path).unwrap();
        let functions =
            text.lines().filter_map(|line| line.trim_start().strip_prefix("fn ")?.split('(').next());
        names.extend(functions.map(|name| format!("{modules}::{name}")));
    }
    names
}

/// The folder of sources that `cargo test` with these words runs, and the words that choose tests in it.
fn chosen(command: &str) -> Option<(String, Vec<&str>)> {
    let mut words = command.split_whitespace().skip_while(|word| *word != "test").skip(1);
    let (mut folder, mut filters) = (None, Vec::new());
    while let Some(word) = words.next() {
        match word {
            "--test" => folder = words.next().map(|program| format!("tests/{program}")),
            "--package" => {
                let package = words.next()?.strip_prefix("paddock-")?;
                folder = Some(format!("crates/{package}/src"));
            }
            "--skip" => _ = words.next(),
            flag if flag.starts_with('-') => {}
            filter => filters.push(filter),
        }
    }
    Some((folder?, filters))
}

#[test]
fn the_commands_of_the_documents_run_tests_that_exist() {
    let mut wrong = Vec::new();
    let mut checked = 0;
    for document in ["docs/reliability.md", "docs/performance.md", "CONTRIBUTING.md"] {
        let text = fs::read_to_string(root().join(document)).unwrap();
        for command in quoted(&text).iter().filter(|text| text.contains("cargo test ")) {
            let Some((folder, filters)) = chosen(command) else { continue };
            let names = tests_below(&folder);
            if names.is_empty() {
                wrong.push(format!("{document}: {command}: no tests in {folder}"));
            }
            for filter in filters {
                checked += 1;
                if !names.iter().any(|name| name.contains(filter)) {
                    wrong.push(format!("{document}: {command}: no test of {folder} is called so: {filter}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(checked > 50, "only {checked} filters were found");
}
