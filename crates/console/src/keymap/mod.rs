//! Maps keys to actions: the table's defaults, overridden by the user's keys.yaml, then by the workspace's.

mod file;

use std::collections::HashMap;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

pub use file::files;

/// A key with its modifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    code: KeyCode,
    modifiers: KeyModifiers,
}

impl Key {
    /// Normalizes a key event. Drops Shift, which the letter shows already, and ignores case with Ctrl:
    /// terminals report Ctrl-L as `l` or `L`.
    #[must_use]
    pub(crate) fn from_event(event: KeyEvent) -> Self {
        let mut modifiers = event.modifiers & (KeyModifiers::CONTROL | KeyModifiers::ALT);
        let code = match event.code {
            KeyCode::Char(letter) if modifiers.contains(KeyModifiers::CONTROL) => {
                KeyCode::Char(letter.to_ascii_lowercase())
            }
            code => code,
        };
        // BackTab is Shift-Tab; terminals disagree on the modifiers that they report with it.
        if code == KeyCode::BackTab {
            modifiers = KeyModifiers::NONE;
        }
        Self { code, modifiers }
    }

    /// Parses a name: `a`, `A`, `ctrl-l`, `alt-x`, `enter`, `f5`.
    #[must_use]
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let mut modifiers = KeyModifiers::NONE;
        let mut rest = name;
        // Prefixes in any order: `ctrl-alt-x` and `alt-ctrl-x` are the same key.
        loop {
            let lower = rest.to_ascii_lowercase();
            // The length check leaves `ctrl--` its last character as the key.
            let (prefix, modifier) = match () {
                () if lower.starts_with("ctrl-") && rest.len() > 5 => (5, KeyModifiers::CONTROL),
                () if lower.starts_with("alt-") && rest.len() > 4 => (4, KeyModifiers::ALT),
                () => break,
            };
            modifiers |= modifier;
            rest = &rest[prefix..];
        }
        let mut letters = rest.chars();
        let code = match (letters.next(), letters.next()) {
            // A single character keeps its case: `a` and `A` are different keys. Longer names ignore it.
            (Some(one), None) if !one.is_control() && one != ' ' => KeyCode::Char(one),
            _ => named(&rest.to_ascii_lowercase())?,
        };
        Some(Self::from_event(KeyEvent::new(code, modifiers)))
    }

    /// Returns the event that a terminal sends for this key.
    #[cfg(test)]
    pub(super) fn event(self) -> KeyEvent {
        KeyEvent::new(self.code, self.modifiers)
    }

    /// Returns the name for display: `Ctrl-L`, `Space`, `F5`.
    #[must_use]
    pub(crate) fn name(&self) -> String {
        let mut out = String::new();
        if self.modifiers.contains(KeyModifiers::CONTROL) {
            out.push_str("Ctrl-");
        }
        if self.modifiers.contains(KeyModifiers::ALT) {
            out.push_str("Alt-");
        }
        let is_ctrl = !out.is_empty();
        match self.code {
            KeyCode::Char(' ') => out.push_str("Space"),
            KeyCode::Char(letter) if is_ctrl => out.extend(letter.to_uppercase()),
            KeyCode::Char(letter) => out.push(letter),
            KeyCode::F(number) => out.push_str(&format!("F{number}")),
            code => {
                let name = NAMES.iter().find(|(_, known)| *known == code).map_or("?", |(name, _)| name);
                let mut letters = name.chars();
                out.extend(letters.next().into_iter().flat_map(char::to_uppercase));
                out.push_str(letters.as_str());
            }
        }
        out
    }
}

const NAMES: &[(&str, KeyCode)] = &[
    ("enter", KeyCode::Enter),
    ("esc", KeyCode::Esc),
    ("tab", KeyCode::Tab),
    ("backtab", KeyCode::BackTab),
    ("space", KeyCode::Char(' ')),
    ("up", KeyCode::Up),
    ("down", KeyCode::Down),
    ("left", KeyCode::Left),
    ("right", KeyCode::Right),
    ("home", KeyCode::Home),
    ("end", KeyCode::End),
    ("pageup", KeyCode::PageUp),
    ("pagedown", KeyCode::PageDown),
    ("insert", KeyCode::Insert),
    ("delete", KeyCode::Delete),
    ("backspace", KeyCode::Backspace),
];

fn named(name: &str) -> Option<KeyCode> {
    if let Some(number) = name.strip_prefix('f').and_then(|number| number.parse::<u8>().ok()) {
        return (1..=12).contains(&number).then_some(KeyCode::F(number));
    }
    NAMES.iter().find(|(known, _)| *known == name).map(|(_, code)| *code)
}

/// The bindings of keys to actions. A key has one action at most; an action may have several keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keymap {
    /// Every action with the names of its default keys.
    own: Vec<(&'static str, &'static [&'static str])>,
    by_key: HashMap<Key, &'static str>,
    by_action: HashMap<&'static str, Vec<Key>>,
}

impl Keymap {
    /// Creates the keymap from the actions and the names of their default keys.
    #[must_use]
    pub fn new(own: impl IntoIterator<Item = (&'static str, &'static [&'static str])>) -> Self {
        let own: Vec<_> = own.into_iter().collect();
        let mut keymap = Self { own, by_key: HashMap::new(), by_action: HashMap::new() };
        // A clone, since `bind` changes the keymap.
        for (action, _) in keymap.own.clone() {
            keymap.bind(action, keymap.own_keys(action));
        }
        keymap
    }

    /// Returns the static name that equals `name`, if there is such an action.
    fn find(&self, name: &str) -> Option<&'static str> {
        self.own.iter().map(|(action, _)| *action).find(|action| *action == name)
    }

    /// Returns the default keys of an action.
    fn own_keys(&self, action: &str) -> Vec<Key> {
        let own = self.own.iter().find(|(name, _)| *name == action);
        own.into_iter().flat_map(|(_, keys)| *keys).filter_map(|key| Key::parse(key)).collect()
    }

    /// Binds an action to exactly these keys. Other actions that had one of them lose it.
    pub(crate) fn bind(&mut self, action: &'static str, keys: Vec<Key>) {
        // Both maps must agree: no key may lead to an action that does not list it.
        for old in self.by_action.remove(action).unwrap_or_default() {
            self.by_key.remove(&old);
        }
        for key in &keys {
            if let Some(other) = self.by_key.insert(*key, action)
                && let Some(theirs) = self.by_action.get_mut(other)
            {
                theirs.retain(|one| one != key);
            }
        }
        self.by_action.insert(action, keys);
    }

    /// Returns the action of a key.
    #[must_use]
    pub(crate) fn action(&self, event: KeyEvent) -> Option<&'static str> {
        self.by_key.get(&Key::from_event(event)).copied()
    }

    /// Returns the names of the keys of an action.
    #[must_use]
    pub(crate) fn keys(&self, action: &str) -> Vec<String> {
        self.by_action.get(action).into_iter().flatten().map(Key::name).collect()
    }

    /// Returns the name of the first key of an action.
    #[must_use]
    pub fn key(&self, action: &str) -> Option<String> {
        self.by_action.get(action)?.first().map(Key::name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actions::TABLE;

    #[test]
    fn every_key_of_the_table_can_be_parsed_and_has_one_action() {
        let mut seen = HashMap::new();
        for action in TABLE {
            for name in action.keys {
                let key = Key::parse(name).unwrap_or_else(|| panic!("{name} of {}", action.name));
                let before = seen.insert(key, action.name);
                assert_eq!(before, None, "{name} has two actions");
            }
        }
    }

    #[test]
    fn names_of_keys_can_be_parsed_again() {
        for name in ["a", "A", "Ctrl-L", "Alt-Enter", "Space", "F5", "Esc", "?", "+", "Backtab", "登"] {
            assert_eq!(Key::parse(name).map(|key| key.name()).as_deref(), Some(name));
        }
        for wrong in ["", " ", "ctrl-", "hyper-x", "f13", "enterr", "\u{1b}"] {
            assert_eq!(Key::parse(wrong), None, "{wrong:?}");
        }
    }
}
