//! Flat files of names and words, such as keys.yaml and theme.yaml: each line has a name and a word or a list
//! of words.

use std::io::ErrorKind;
use std::path::Path;

use super::error::{ConfigError, Place, Severity};
use super::yaml::{self, Node, Value};
use paddock_os::plain;

/// One name and its words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Name, unique in the file.
    pub name: String,
    /// Place of the name in the file.
    pub place: Place,
    /// Words with their places; empty for an empty list.
    pub words: Vec<(String, Place)>,
}

/// Makes a fault about a name in a file.
#[must_use]
pub fn fault(file: &str, place: Place, key: &str, problem: String, right: Option<String>) -> ConfigError {
    let severity = Severity::Error;
    ConfigError { file: file.to_owned(), place, key: key.to_owned(), problem, right, severity }
}

/// Reads a file; a missing file counts as empty. Returns the entries without faults, and the faults.
///
/// A fault in one line must not disable the others: a console with one bad key binding still has all other
/// keys.
#[must_use]
pub fn read(path: &Path, shown: &str) -> (Vec<Entry>, Vec<ConfigError>) {
    let whole = |problem: String| (Vec::new(), vec![fault(shown, Place::default(), "", problem, None)]);
    match plain::read(path).map(String::from_utf8) {
        Ok(Ok(text)) => parse(&text, shown),
        Ok(Err(_)) => whole("is not UTF-8 text".to_owned()),
        Err(error) if error.kind() == ErrorKind::NotFound => (Vec::new(), Vec::new()),
        Err(error) => whole(format!("cannot be read: {error}")),
    }
}

/// Parses the text of a file, as [`read`] does.
#[must_use]
pub fn parse(text: &str, shown: &str) -> (Vec<Entry>, Vec<ConfigError>) {
    let node = match yaml::parse(text) {
        Ok(node) => node,
        Err(error) => {
            let right =
                Some("a name, a colon and a word on each line; signs such as `?` in quotes".to_owned());
            return (Vec::new(), vec![fault(shown, error.place, "", error.message, right)]);
        }
    };
    let (mut entries, mut faults) = (Vec::<Entry>::new(), Vec::new());
    let pairs = match node.value {
        Value::Map(pairs) => pairs,
        // A file with only comments.
        Value::Null => Vec::new(),
        other => {
            let problem = format!("the file must be a map of names, not {}", other.kind());
            return (entries, vec![fault(shown, node.place, "", problem, None)]);
        }
    };
    for (key, node) in pairs {
        if let Some(first) = entries.iter().find(|entry| entry.name == key.text) {
            let right = Some(format!("line {} has it already", first.place.line));
            // The first one stays in force.
            faults.push(fault(shown, key.place, &key.text, format!("`{}` is given twice", key.text), right));
            continue;
        }
        match words_of(&node) {
            Ok(words) => entries.push(Entry { name: key.text, place: key.place, words }),
            Err((place, kind)) => {
                let problem = format!("`{}` must be a word or a list of words, not {kind}", key.text);
                faults.push(fault(shown, place, &key.text, problem, Some("put it in quotes".to_owned())));
            }
        }
    }
    (entries, faults)
}

type Words = Result<Vec<(String, Place)>, (Place, String)>;

fn words_of(node: &Node) -> Words {
    match &node.value {
        Value::List(items) => {
            let words = items.iter().map(|item| Ok((word_of(item)?, item.place)));
            words.collect()
        }
        _ => Ok(vec![(word_of(node)?, node.place)]),
    }
}

fn word_of(node: &Node) -> Result<String, (Place, String)> {
    match &node.value {
        Value::Text(text) => Ok(text.clone()),
        // `quit: 1` binds the key `1`; people do not think of quotes there.
        Value::Int(number) => Ok(number.to_string()),
        other => Err((node.place, other.kind())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_with_their_places_and_faults_leave_the_rest() {
        let (entries, faults) =
            parse("quit: [q, 1]\nnext: n\nzoom: {a: b}\nnext: m\nkill: []\n", "keys.yaml");
        let names: Vec<(&str, usize)> =
            entries.iter().map(|entry| (entry.name.as_str(), entry.words.len())).collect();
        assert_eq!(names, [("quit", 2), ("next", 1), ("kill", 0)]);
        assert_eq!(entries[0].words[1].0, "1");
        let said: Vec<String> = faults.iter().map(ToString::to_string).collect();
        assert_eq!(said.len(), 2, "{said:?}");
        assert!(said[0].starts_with("keys.yaml:3:7: `zoom` must be a word"), "{said:?}");
        assert!(said[1].contains("`next` is given twice; line 2 has it already"), "{said:?}");
    }
}
