//! The format of case files: heads (`key: value`), then sections that begin with `--- verb path`.

use super::tree::{File, Tree};

/// A case file as it is written.
#[derive(Debug, Default)]
pub(crate) struct Written {
    /// Keys and values, in order.
    pub(crate) heads: Vec<(String, String)>,
    /// Sections, in order.
    pub(crate) sections: Vec<Section>,
}

/// A section of a case file.
#[derive(Debug)]
pub(crate) struct Section {
    /// What is done.
    verb: String,
    /// The words behind the verb.
    words: Vec<String>,
    /// The lines below it.
    body: String,
}

const VERBS: [&str; 7] = ["base", "change", "replace", "append", "delete", "move", "mode"];

impl Written {
    /// Reads a case file.
    pub(crate) fn parse(text: &str) -> Self {
        let mut written = Self::default();
        for line in text.lines() {
            if let Some(section) = begun(line) {
                written.sections.push(section);
            } else if let Some(section) = written.sections.last_mut() {
                section
                    .body
                    .push_str(line.strip_prefix('\\').filter(|_| line.starts_with("\\---")).unwrap_or(line));
                section.body.push('\n');
            } else if !line.trim().is_empty() && !line.starts_with('#') {
                let (key, value) = line.split_once(':').unwrap_or_else(|| panic!("no head: {line}"));
                written.heads.push((key.trim().to_owned(), value.trim().to_owned()));
            }
        }
        for section in &mut written.sections {
            let end = section.body.trim_end_matches('\n').len();
            section.body.truncate(end);
            section.body.push_str(if end > 0 { "\n" } else { "" });
        }
        written
    }

    /// Applies the sections to the files before and after the change.
    pub(crate) fn apply(&self, base: &mut Tree, changed: &mut Option<Tree>) {
        for section in &self.sections {
            if section.verb == "base" {
                assert!(changed.is_none(), "`--- base` stands before all changes");
                section.write(base);
            } else {
                section.apply(changed.get_or_insert_with(|| base.clone()));
            }
        }
    }
}

/// Returns the section that a line begins.
fn begun(line: &str) -> Option<Section> {
    let mut words = line.strip_prefix("--- ")?.split_whitespace().map(str::to_owned);
    let verb = words.next().filter(|verb| VERBS.contains(&verb.as_str()))?;
    Some(Section { verb, words: words.collect(), body: String::new() })
}

impl Section {
    fn write(&self, tree: &mut Tree) {
        let has = |word: &str| self.words[1..].iter().any(|other| other == word);
        let mode = match () {
            () if has("link") => "120000",
            () if has("executable") => "100755",
            () => "100644",
        };
        let bytes = match () {
            () if has("link") => self.body.trim_end().as_bytes().to_vec(),
            () if has("utf-16") => {
                let units = std::iter::once(0xfeff).chain(self.body.encode_utf16());
                units.flat_map(u16::to_le_bytes).collect()
            }
            () if has("latin-1") => {
                self.body.chars().map(|letter| u8::try_from(u32::from(letter)).unwrap()).collect()
            }
            () => self.body.as_bytes().to_vec(),
        };
        tree.0.insert(self.words[0].clone(), File { mode, bytes });
    }

    fn apply(&self, tree: &mut Tree) {
        let path = &self.words[0];
        if self.verb == "change" {
            return self.write(tree);
        }
        let mut file = tree.0.remove(path).unwrap_or_else(|| panic!("{path} is not there"));
        let text = || String::from_utf8(file.bytes.clone()).unwrap();
        match self.verb.as_str() {
            "delete" => return,
            "move" => return drop(tree.0.insert(self.words[1].clone(), file)),
            "mode" => file.mode = if self.words[1] == "executable" { "100755" } else { "100644" },
            "append" => file.bytes.extend(self.body.as_bytes()),
            _ => {
                let (old, new) = self.body.split_once("=>\n").unwrap_or_else(|| panic!("{path}: no `=>`"));
                let text = text();
                assert_eq!(text.matches(old).count(), 1, "{path}: {old:?} is not there once");
                file.bytes = text.replacen(old, new, 1).into_bytes();
            }
        }
        tree.0.insert(path.clone(), file);
    }
}

#[test]
fn a_case_file_is_read() {
    let text = "kind: gate\n# why\ngate: sh a.sh\ngate: true\n\n--- base a.sh executable\ntwo\none\n\n\
                --- base b link\na.sh\n--- replace a.sh\none\n=>\nthree\n--- append a.sh\n\\--- base x\n\
                --- move b c\n";
    let written = Written::parse(text);
    assert_eq!(written.heads[1..], [("gate".into(), "sh a.sh".into()), ("gate".into(), "true".into())]);
    let (mut base, mut changed) = (Tree::default(), None);
    written.apply(&mut base, &mut changed);
    let changed = changed.unwrap();
    let is = |tree: &Tree, path: &str| {
        let file = &tree.0[path];
        (file.mode, String::from_utf8(file.bytes.clone()).unwrap())
    };
    assert_eq!(is(&base, "a.sh"), ("100755", "two\none\n".to_owned()));
    assert_eq!(is(&changed, "a.sh"), ("100755", "two\nthree\n--- base x\n".to_owned()));
    assert_eq!(is(&changed, "c"), ("120000", "a.sh".to_owned()));
    assert_eq!(base.differing(&changed), ["a.sh", "b", "c"]);
}
