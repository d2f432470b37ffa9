//! Reads maps key by key, and collects every fault.
//!
//! A [`Section`] remembers which keys were asked for; [`Section::finish`] reports all others as unknown. So
//! the list of allowed keys cannot get out of step with the keys that are read.

use std::cell::{Cell, RefCell};

use super::error::{ConfigError, Place, Severity, nearest};
use super::settings_table::{Key, Map, Row};
use super::yaml::{self, Node, Value};

/// Collects the faults of one file. Faults are added through a shared reference, since nested sections are
/// open at the same time.
#[derive(Debug)]
pub(super) struct Sink {
    file: String,
    found: RefCell<Vec<ConfigError>>,
}

impl Sink {
    pub(crate) fn new(file: &str) -> Self {
        Self { file: file.to_owned(), found: RefCell::default() }
    }

    pub(crate) fn add(&self, place: Place, key: &str, problem: String, right: Option<String>) {
        self.push(place, key, problem, right, Severity::Error);
    }

    pub(crate) fn warn(&self, place: Place, key: &str, problem: String, right: Option<String>) {
        self.push(place, key, problem, right, Severity::Warning);
    }

    fn push(&self, place: Place, key: &str, problem: String, right: Option<String>, severity: Severity) {
        let (file, key) = (self.file.clone(), key.to_owned());
        self.found.borrow_mut().push(ConfigError { file, place, key, problem, right, severity });
    }

    /// Returns the value with all warnings. Fails with all faults, in the order of the file, if one is an
    /// error or there is no value.
    pub(crate) fn finish<T>(self, value: Option<T>) -> Result<(T, Vec<ConfigError>), Vec<ConfigError>> {
        let mut found = self.found.into_inner();
        // Keys are read in the order of the code; people read the file from top to bottom.
        found.sort_by_key(|fault| fault.place);
        let failed = found.iter().any(|fault| fault.severity == Severity::Error);
        match value {
            Some(value) if !failed => Ok((value, found)),
            _ => Err(found),
        }
    }
}

/// A map that is being read. Null counts as not given. Keys that are still unread at the end are unknown.
pub(super) struct Section<'a> {
    pairs: &'a [(yaml::Key, Node)],
    pub path: String,
    pub place: Place,
    pub sink: &'a Sink,
    /// Keys that were asked for.
    known: RefCell<Vec<&'static str>>,
    /// Whether any key is allowed, as in `env`.
    open: Cell<bool>,
}

impl<'a> Section<'a> {
    /// Opens a node as a map. Null counts as an empty map; any other value adds a fault and reads as empty.
    pub(crate) fn new(node: &'a Node, path: &str, sink: &'a Sink) -> Self {
        let mut section = Self {
            pairs: &[],
            path: path.to_owned(),
            place: node.place,
            sink,
            known: RefCell::default(),
            open: Cell::new(false),
        };
        match &node.value {
            Value::Map(pairs) => section.pairs = pairs,
            Value::Null => {}
            other => {
                let what = if path.is_empty() { "the file".to_owned() } else { format!("`{path}`") };
                let problem = format!("{what} must be a map of keys, not {}", other.kind());
                sink.add(node.place, path, problem, None);
            }
        }
        section
    }

    /// Returns whether the node is a map or null.
    pub(crate) fn is_map(node: &Node) -> bool {
        matches!(node.value, Value::Map(_) | Value::Null)
    }

    /// Returns a key with the path of this section.
    pub(crate) fn key(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// Returns the node of a key, or `None` if the key is not given or null.
    pub(crate) fn get(&self, row: &dyn Row) -> Option<&'a Node> {
        let setting = row.setting();
        // A row that is read in the wrong section would accept its key there, without any row saying so.
        debug_assert_eq!(pattern(&self.path), setting.parent(), "`{}` is read elsewhere", setting.path);
        #[cfg(test)]
        super::settings_table::tests::READ.with_borrow_mut(|read| read.insert(setting.path));
        let key = setting.name();
        // Remembered even if the key is not given: it is allowed, and a suggestion for a misspelt one.
        let mut known = self.known.borrow_mut();
        if !known.contains(&key) {
            known.push(key);
        }
        let found = self.pairs.iter().find(|(found, _)| found.text == key).map(|(_, node)| node);
        found.filter(|node| node.value != Value::Null)
    }

    /// Returns the place of a key's value, or of the section if the key is not given.
    pub(crate) fn place_of(&self, row: &dyn Row) -> Place {
        self.get(row).map_or(self.place, |node| node.place)
    }

    /// Adds a fault for a value of the wrong type or range.
    pub(crate) fn wrong(&self, key: &str, node: &Node, expected: &str) {
        let full = self.key(key);
        let problem = format!("`{full}` must be {expected}, not {}", node.value.kind());
        // `name: 12` and `name: yes` are the usual cause: YAML sees a number and a boolean.
        let quote = matches!(node.value, Value::Bool(_) | Value::Int(_) | Value::Float(_));
        let right = (quote && expected.contains("text")).then(|| "put it in quotes".to_owned());
        self.sink.add(node.place, &full, problem, right);
    }

    /// Adds a fault about the value of a key.
    pub(crate) fn fault(&self, key: &str, place: Place, problem: String, right: Option<String>) {
        self.sink.add(place, &self.key(key), problem, right);
    }

    /// Returns the text of a node. Returns `None`, and adds a fault about `key`, for any other value.
    pub(super) fn text_of(&self, key: &str, node: &Node) -> Option<String> {
        match &node.value {
            Value::Text(text) if text.contains('\0') => {
                self.fault(key, node.place, format!("`{}` holds a NUL character", self.key(key)), None);
                None
            }
            Value::Text(text) => Some(text.clone()),
            _ => {
                self.wrong(key, node, "a text");
                None
            }
        }
    }

    /// Returns a text that must be given and not be empty. Returns `None`, and adds a fault, otherwise.
    pub(crate) fn required(&self, row: &Key<String>) -> Option<String> {
        let (key, full) = (row.name(), self.key(row.name()));
        match self.get(row) {
            None => {
                self.sink.add(self.place, &full, format!("`{full}` is missing"), None);
                None
            }
            Some(node) => {
                let text = self.text_of(key, node)?;
                if text.trim().is_empty() {
                    self.fault(key, node.place, format!("`{full}` is empty"), None);
                    return None;
                }
                Some(text)
            }
        }
    }

    /// Returns the items of a list. Returns `None` if it is not given, or, with a fault, if it is not a list.
    pub(crate) fn list(&self, row: &dyn Row) -> Option<&'a [Node]> {
        let node = self.get(row)?;
        if let Value::List(items) = &node.value {
            return Some(items);
        }
        self.wrong(row.setting().name(), node, "a list");
        None
    }

    /// Returns a list of texts, each with its place. Adds a fault for every other item.
    pub(crate) fn texts(&self, row: &dyn Row) -> Option<Vec<(String, Place)>> {
        let (items, key) = (self.list(row)?, row.setting().name());
        let read = |(at, node): (usize, &Node)| {
            let text = self.text_of(&format!("{key}[{at}]"), node)?;
            Some((text, node.place))
        };
        Some(items.iter().enumerate().filter_map(read).collect())
    }

    /// Opens a map below this one. If the key is not given, the map is empty.
    pub(crate) fn section(&self, key: &Key<Map>) -> Section<'a> {
        static NONE: Node = Node { place: Place { line: 0, column: 0 }, value: Value::Null };
        let node = self.get(key).unwrap_or(&NONE);
        Section::new(node, &self.key(key.name()), self.sink)
    }

    /// Opens the items of a list of maps.
    pub(crate) fn sections(&self, key: &Key<Vec<Map>>) -> Option<Vec<Section<'a>>> {
        let (items, name) = (self.list(key)?.iter().enumerate(), key.name());
        Some(
            items
                .map(|(at, node)| Section::new(node, &self.key(&format!("{name}[{at}]")), self.sink))
                .collect(),
        )
    }

    /// Returns the pairs of a map with any keys, such as `env`.
    pub(crate) fn text_map(&self, row: &dyn Row) -> Option<Vec<(String, String)>> {
        let node = self.get(row)?;
        let inner = Section::new(node, &self.key(row.setting().name()), self.sink);
        inner.duplicates();
        let read = |(name, node): &(yaml::Key, Node)| {
            let value = match &node.value {
                // `PORT: 8080` is meant as the text: a variable's value is always a text.
                Value::Int(number) => Some(number.to_string()),
                Value::Null => Some(String::new()),
                _ => inner.text_of(&name.text, node),
            };
            Some((name.text.clone(), value?))
        };
        let pairs = inner.pairs.iter().filter_map(read).collect();
        // Names of variables are the user's, so no key is unknown.
        inner.open.set(true);
        Some(pairs)
    }

    /// Adds a fault for every key that is given twice.
    fn duplicates(&self) {
        for (at, (key, _)) in self.pairs.iter().enumerate() {
            if let Some((first, _)) = self.pairs[..at].iter().find(|(other, _)| other.text == key.text) {
                let problem = format!("`{}` is given twice", self.key(&key.text));
                let right = format!("line {} has it already", first.place.line);
                self.fault(&key.text, key.place, problem, Some(right));
            }
        }
    }

    /// Adds a fault for every key that is given twice, and for every unread key that resembles one that is read:
    /// it may be misspelt. Other keys are ignored.
    pub(crate) fn finish_with_others(&self) {
        self.duplicates();
        let known = self.known.borrow();
        let unread = self.pairs.iter().filter(|(key, _)| !known.contains(&key.text.as_str()));
        for (key, _) in unread {
            if let Some(right) = nearest(&key.text, &known) {
                let problem = format!("unknown key `{}`", key.text.chars().take(60).collect::<String>());
                self.fault(&key.text, key.place, problem, Some(format!("did you mean `{right}`?")));
            }
        }
    }

    /// Adds a fault for every unread key and every key that is given twice.
    pub(crate) fn finish(&self) {
        self.duplicates();
        let known = self.known.borrow();
        for (key, _) in self.pairs {
            if self.open.get() || known.contains(&key.text.as_str()) {
                continue;
            }
            let shown: String = key.text.chars().take(60).collect();
            let inside = if self.path.is_empty() { String::new() } else { format!(" in `{}`", self.path) };
            self.fault(
                &key.text,
                key.place,
                format!("unknown key `{shown}`{inside}"),
                Some(meant(&key.text, &known)),
            );
        }
    }
}

/// Returns the path of a row for a path in a file: `agents[].id` for `agents[3].id`.
fn pattern(path: &str) -> String {
    let mut is_index = false;
    let keep = |character: &char| {
        is_index = *character == '[' || is_index && *character != ']';
        !is_index || *character == '['
    };
    path.chars().filter(keep).collect()
}

/// Returns a correction for a wrong word: the nearest allowed one, or all allowed ones.
pub(super) fn meant(word: &str, right: &[&str]) -> String {
    match nearest(word, right) {
        Some(near) => format!("did you mean `{near}`?"),
        None if right.is_empty() => "nothing is allowed here".to_owned(),
        None => format!("allowed: {}", right.join(", ")),
    }
}

/// Returns what is wrong with a glob, and a correction; `None` if the glob is valid.
pub(super) fn glob_fault(glob: &str) -> Option<(String, Option<String>)> {
    let say = |what: &str, right: &str| Some((format!("the glob {glob:?} {what}"), Some(right.to_owned())));
    if glob.trim().is_empty() {
        return say("is empty", "use `**` for everything");
    }
    if glob.starts_with('/') || glob.split('/').any(|part| part == ".." || part == ".") {
        return say(
            "leaves the repository",
            "paths are relative to the repository's root, without `.` and `..`",
        );
    }
    // With `literal_separator`, `*` does not match `/`, as docs/configuration.md says.
    let built = globset::GlobBuilder::new(glob).literal_separator(true).build();
    built.err().map(|error| (format!("the glob {glob:?} does not compile: {}", error.kind()), None))
}
