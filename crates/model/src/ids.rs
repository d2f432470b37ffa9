//! Identifiers of projects, objectives, sessions, gate runs, agents, people and git objects.
//!
//! Each has a type of its own, so that one cannot be passed for another.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Error for a text that is not a valid identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// A slug or id does not have the allowed form.
    #[error(
        "{kind} {shown:?} is not allowed: use 1 to 63 of a-z, 0-9, `_` and `-`, beginning with a letter or digit{hint}"
    )]
    Form {
        /// Kind of identifier: `project slug` or `objective id`.
        kind: &'static str,
        /// The text, cut to a readable length.
        shown: String,
        /// Suggestion of a similar text of the allowed form; empty if there is none.
        hint: String,
    },
    /// A text is not a full hexadecimal git object id.
    #[error("{0:?} is not a git object id of 40 hexadecimal digits")]
    Object(String),
}

/// Longest slug or id, in bytes. It is used in names of folders, branches and refs.
pub(crate) const ID_MAX_BYTES: usize = 63;

fn has_id_form(text: &str) -> bool {
    let bytes = text.as_bytes();
    let first = bytes.first().is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    first
        && bytes.len() <= ID_MAX_BYTES
        && bytes.iter().all(|&b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-')
}

/// Characters of a text that are looked at for an id. Each gives a letter or more, except punctuation.
const READ_CHARS_MAX: usize = 500;

/// Returns the most similar text of the allowed form: in lower case, other scripts transliterated (`登录` becomes
/// `deng-lu`), with `-` for other characters. It is empty if nothing is left.
#[must_use]
pub fn nearest_id(text: &str) -> String {
    let mut out = String::new();
    let start: String = text.chars().take(READ_CHARS_MAX).collect();
    // Characters without a transliteration, such as those of private use, are left out.
    for character in deunicode::deunicode_with_tofu(&start, " ").to_lowercase().chars() {
        let keep = character.is_ascii_lowercase() || character.is_ascii_digit() || character == '_';
        // Runs of other characters become a single `-`, and none at the start.
        match keep {
            true => out.push(character),
            false if !out.is_empty() && !out.ends_with('-') => out.push('-'),
            false => {}
        }
        if out.len() == ID_MAX_BYTES {
            break;
        }
    }
    out.trim_matches(['-', '_']).to_owned()
}

/// Returns the most similar id that is not taken: `fix-it`, then `fix-it-2`. If nothing of `text` is left,
/// `otherwise` is used instead.
#[must_use]
pub fn free_id(text: &str, otherwise: &str, is_taken: impl Fn(&str) -> bool) -> String {
    let near = nearest_id(text);
    let near = if near.is_empty() { otherwise } else { near.as_str() };
    let mut number = 1_u32;
    loop {
        let suffix = if number == 1 { String::new() } else { format!("-{number}") };
        // Ids are ASCII, so every byte is a character boundary.
        let stem = near[..near.len().min(ID_MAX_BYTES - suffix.len())].trim_end_matches('-');
        let id = format!("{stem}{suffix}");
        if !is_taken(&id) {
            return id;
        }
        number += 1;
    }
}

fn check(kind: &'static str, text: &str) -> Result<(), IdError> {
    if has_id_form(text) {
        return Ok(());
    }
    let near = nearest_id(text);
    let hint = if near.is_empty() { String::new() } else { format!(" (for example `{near}`)") };
    let shown = text.chars().take(80).collect();
    Err(IdError::Form { kind, shown, hint })
}

/// Reserved id for planner sessions. An id cannot begin with `_`, so no objective has it.
const PLANNER: &str = "_planner";

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $kind:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Checks that the text has the allowed form.
            ///
            /// # Errors
            /// [`IdError::Form`] if it does not.
            pub fn new(text: impl Into<String>) -> Result<Self, IdError> {
                let text = text.into();
                check($kind, &text)?;
                Ok(Self(text))
            }

            /// Returns the id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                match text.as_str() {
                    // Only stored data may hold the reserved id; `new`, which reads what people write,
                    // refuses it.
                    PLANNER if $kind == "objective id" => Ok(Self(text)),
                    _ => Self::new(text),
                }
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::new(text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
    };
}

text_id!(
    /// Name of a project, unique in its workspace.
    ProjectSlug,
    "project slug"
);
text_id!(
    /// Name of an objective, unique in its project.
    ObjectiveId,
    "objective id"
);
impl ObjectiveId {
    /// Returns the reserved id that planner sessions name as their objective.
    #[must_use]
    pub fn planner() -> Self {
        Self(PLANNER.to_owned())
    }

    /// Returns whether this is the reserved id of planner sessions.
    #[must_use]
    pub fn is_planner(&self) -> bool {
        self.0 == PLANNER
    }
}

text_id!(
    /// Name of a goal, milestone or phase, unique in its project and level.
    NodeId,
    "id"
);

macro_rules! number_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0)
            }
        }
    };
}

number_id!(
    /// Number of a session, unique in the workspace. Its folder is `runtime/sessions/<n>`.
    SessionId
);
number_id!(
    /// Number of an entry in a project's merge queue.
    #[derive(Default)]
    EntryId
);
number_id!(
    /// Number of a gate run, unique in the workspace. Its folder is `runtime/gates/<n>`.
    GateId
);

/// A name from outside of Paddock. Its form is not checked, so that every stored one can be read.
macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Returns the name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl PartialEq<str> for $name {
            fn eq(&self, text: &str) -> bool {
                self.0 == text
            }
        }

        impl PartialEq<&str> for $name {
            fn eq(&self, text: &&str) -> bool {
                self.0 == *text
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
    };
}

name!(
    /// Id of an agent. Agents with the same id are the same agent in all projects of a workspace.
    AgentId
);
name!(
    /// Id of a worker of a project.
    WorkerId
);
name!(
    /// Name of a person who gave an order, for the record.
    Person
);

/// Name of an objective in a workspace: `project/objective`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ObjectiveKey {
    /// Project of the objective.
    pub project: ProjectSlug,
    /// Id of the objective.
    pub id: ObjectiveId,
}

impl fmt::Display for ObjectiveKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.project, self.id)
    }
}

/// Id of a git object (commit or tree), in lower-case hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ObjectId(String);

impl ObjectId {
    /// Checks that the text is a full SHA-1 object id.
    ///
    /// # Errors
    /// [`IdError::Object`] if it is not.
    pub fn new(text: impl Into<String>) -> Result<Self, IdError> {
        let text = text.into();
        let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        match text.len() == 40 && text.bytes().all(hex) {
            true => Ok(Self(text)),
            false => Err(IdError::Object(text.chars().take(80).collect())),
        }
    }

    /// Returns the id as hexadecimal text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the first ten digits, for people.
    #[must_use]
    pub fn short(&self) -> &str {
        &self.0[..10]
    }
}

impl TryFrom<String> for ObjectId {
    type Error = IdError;
    fn try_from(text: String) -> Result<Self, IdError> {
        Self::new(text)
    }
}

impl From<ObjectId> for String {
    fn from(id: ObjectId) -> Self {
        id.0
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_the_allowed_form_are_accepted_and_others_are_explained() {
        for good in ["a", "0", "auth-tokens", "a_b", "main", &"x".repeat(63)] {
            assert_eq!(ObjectiveId::new(good).unwrap().as_str(), good);
        }
        for bad in ["", "-a", "_a", "A", "a b", "../x", "登录", "a/b", "a.b", &"x".repeat(64)] {
            let message = ObjectiveId::new(bad).unwrap_err().to_string();
            assert!(message.contains("a-z, 0-9"), "{message}");
        }
    }

    #[test]
    fn numbers_and_names_are_stored_as_plain_values() {
        assert_eq!(serde_json::to_string(&EntryId(7)).unwrap(), "7");
        let stored = r#""Ann's agent 登录""#;
        let agent: AgentId = serde_json::from_str(stored).unwrap();
        assert_eq!(serde_json::to_string(&agent).unwrap(), stored);
        assert_eq!(
            (format!("{agent}"), format!("{agent:?}")),
            ("Ann's agent 登录".to_owned(), stored.to_owned())
        );
    }

    #[test]
    fn the_most_similar_allowed_id_is_suggested() {
        assert_eq!(nearest_id("Fix the Login!"), "fix-the-login");
        assert_eq!(nearest_id("../etc"), "etc");
        assert_eq!(nearest_id("登录页面：账号"), "deng-lu-ye-mian-zhang-hao");
        assert_eq!(nearest_id("Größe ändern"), "grosse-andern");
        assert_eq!(nearest_id("Добавить вход"), "dobavit-vkhod");
        assert_eq!(nearest_id("\u{e000}…?"), "");
        assert!(ObjectiveId::new(nearest_id(&"登录".repeat(10_000))).is_ok());
        assert!(ObjectiveId::new("Fix it").unwrap_err().to_string().contains("`fix-it`"));
    }

    #[test]
    fn object_ids_are_forty_lower_case_hexadecimal_digits() {
        assert!(ObjectId::new("0123456789abcdef0123456789abcdef01234567").is_ok());
        assert!(ObjectId::new("0123456789ABCDEF0123456789abcdef01234567").is_err());
        assert!(ObjectId::new("abc").is_err());
    }
}
