//! Reads keys.yaml, which maps names of actions to keys. Faulty
//! entries are reported and ignored; the others are used.

use std::collections::HashMap;
use std::path::PathBuf;

use super::{Key, Keymap};
use paddock_config::error::nearest;
use paddock_config::words::{self, Entry, fault};
use paddock_config::{ConfigError, Environment, Place, Workspace};

/// Returns the paths of a configuration file, each with the name that messages use: first the user's own,
/// then the workspace's. Later files override earlier ones.
#[must_use]
pub fn files(name: &str, workspace: &Workspace, environment: &Environment) -> Vec<(PathBuf, String)> {
    // The XDG specification says to ignore a relative path.
    let absolute = environment.path("XDG_CONFIG_HOME").filter(|path| path.is_absolute());
    let home = || environment.path("HOME").map(|home| home.join(".config"));
    let own = absolute.map(std::path::Path::to_path_buf).or_else(home);
    let own = own.map(|folder| folder.join("paddock").join(name)).map(|path| {
        let shown = path.display().to_string();
        (path, shown)
    });
    own.into_iter().chain([(workspace.root().join(name), name.to_owned())]).collect()
}

impl Keymap {
    /// Applies both files to this keymap. Returns their faults.
    pub(crate) fn load(&mut self, workspace: &Workspace, environment: &Environment) -> Vec<ConfigError> {
        let mut faults = Vec::new();
        for (path, shown) in files("keys.yaml", workspace, environment) {
            let (entries, wrong) = words::read(&path, &shown);
            faults.extend(wrong);
            faults.extend(self.read(&entries, &shown));
        }
        faults
    }

    /// Applies the entries of one file. Returns their faults.
    pub fn read(&mut self, entries: &[Entry], file: &str) -> Vec<ConfigError> {
        let (mut faults, mut given) = (Vec::new(), HashMap::<Key, (&str, Place)>::new());
        for entry in entries {
            let Some(action) = self.find(&entry.name) else {
                faults.push(self.unknown(entry, file));
                continue;
            };
            let mut keys = Vec::new();
            for (word, place) in &entry.words {
                let report = |problem: String, right: &str| {
                    fault(file, *place, &entry.name, problem, Some(right.to_owned()))
                };
                match Key::parse(word) {
                    None => {
                        let right = "use a letter or sign, `ctrl-x`, `alt-x`, `enter`, `space` or `f1`";
                        faults.push(report(format!("{word:?} is not a key"), right));
                    }
                    // The first action that a file gives a key keeps it. Taking the key from an action that
                    // the file does not mention is fine: `bind` does that.
                    Some(key) => match given.insert(key, (action, *place)) {
                        Some((other, first)) if other != action => {
                            let problem = format!("{word:?} is bound to `{other}` already");
                            faults.push(report(problem, &format!("line {} binds it", first.line)));
                            given.insert(key, (other, first));
                        }
                        _ => keys.push(key),
                    },
                }
            }
            // An empty list removes all keys on purpose. If every
            // key of a list is faulty, the action keeps its own.
            let is_intended = entry.words.is_empty() || !keys.is_empty();
            if is_intended {
                self.bind(action, keys);
            }
        }
        faults.extend(self.locked_in(file));
        faults
    }

    /// Gives `quit` and `help` their default keys back if a file
    /// has left them without any. Returns a fault for each.
    fn locked_in(&mut self, file: &str) -> Vec<ConfigError> {
        let mut faults = Vec::new();
        for name in ["quit", "help"] {
            if self.key(name).is_some() {
                continue;
            }
            self.bind(name, self.own_keys(name));
            let problem = format!("`{name}` must have a key, so it keeps its default one");
            faults.push(fault(file, Place::default(), name, problem, None));
        }
        faults
    }

    fn unknown(&self, entry: &Entry, file: &str) -> ConfigError {
        let names: Vec<&str> = self.own.iter().map(|(name, _)| *name).collect();
        let right = match nearest(&entry.name, &names) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "`?` in the console and docs/keys.md list the actions".to_owned(),
        };
        // A file that is no keys.yaml at all may have very long names.
        let shown: String = entry.name.chars().take(60).collect();
        fault(file, entry.place, &entry.name, format!("there is no action `{shown}`"), Some(right))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Keymap, Vec<String>) {
        let (entries, mut faults) = words::parse(text, "keys.yaml");
        let mut keymap = crate::actions::keymap();
        faults.extend(keymap.read(&entries, "keys.yaml"));
        (keymap, faults.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_file_rebinds_keys_and_its_faults_name_line_and_remedy() {
        let text = "retry: [F5, ctrl-r]\nkil: K\nzoom: hyper-z\nskip: F5\nkill: []\nhelp: []\n";
        let (keymap, faults) = read(text);
        assert_eq!(keymap.keys("retry"), ["F5", "Ctrl-R"]);
        assert_eq!(keymap.keys("zoom"), ["z"], "after a faulty key the action keeps its own");
        assert!(keymap.keys("kill").is_empty());
        assert_eq!(keymap.keys("help"), ["?"], "`help` always has a key");
        assert_eq!(faults.len(), 4, "{faults:#?}");
        assert!(
            faults[0].contains("keys.yaml:2:1: there is no action `kil`; did you mean `kill`?"),
            "{faults:#?}"
        );
        assert!(
            faults[1].starts_with("keys.yaml:3:7: \"hyper-z\" is not a key; use a letter"),
            "{faults:#?}"
        );
        assert!(faults[2].contains("\"F5\" is bound to `retry` already; line 1 binds it"), "{faults:#?}");
    }

    #[test]
    fn a_key_belongs_to_one_action_and_its_old_one_loses_it() {
        let (keymap, faults) = read("zoom: j\n");
        assert!(faults.is_empty(), "{faults:?}");
        assert_eq!((keymap.keys("zoom"), keymap.keys("down")), (vec!["j".into()], vec!["Down".to_owned()]));
    }
}
