//! Identifiers: what names a project, an objective, a session, a gate run and a git object.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Why a text is not an identifier of the kind that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// A slug or objective id that does not have the allowed form (SPEC 1).
    #[error(
        "{kind} {shown:?} is not allowed: use 1 to 63 of a-z, 0-9, `_` and `-`, beginning with a letter or digit{hint}"
    )]
    Form {
        /// What was being named: `project slug` or `objective id`.
        kind: &'static str,
        /// The text as given, cut to a readable length.
        shown: String,
        /// A suggestion of the nearest allowed form, or nothing.
        hint: String,
    },
    /// A text that is not a full hexadecimal git object id.
    #[error("{0:?} is not a git object id of 40 hexadecimal digits")]
    Object(String),
}

/// The longest slug or objective id, in bytes.
pub(crate) const ID_MAX_BYTES: usize = 63;

fn has_id_form(text: &str) -> bool {
    let bytes = text.as_bytes();
    let first = bytes.first().is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    first
        && bytes.len() <= ID_MAX_BYTES
        && bytes.iter().all(|&b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-')
}

/// The nearest allowed id for any text: lower case, other characters become `-`. Empty when nothing is left.
#[must_use]
pub fn nearest_id(text: &str) -> String {
    let mut out = String::new();
    for character in text.chars().flat_map(char::to_lowercase) {
        let keep = character.is_ascii_lowercase() || character.is_ascii_digit() || character == '_';
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

/// The nearest id of a text that is not taken yet: `fix-it`, then `fix-it-2`; of a text that leaves nothing, of
/// `otherwise`.
#[must_use]
pub fn free_id(text: &str, otherwise: &str, is_taken: impl Fn(&str) -> bool) -> String {
    let near = nearest_id(text);
    let near = if near.is_empty() { otherwise } else { near.as_str() };
    let mut number = 1_u32;
    loop {
        let suffix = if number == 1 { String::new() } else { format!("-{number}") };
        // Ids are ASCII: any byte is a fine place to cut.
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

/// What sessions of the planner work for: no objective can be called so.
const PLANNER: &str = "_planner";

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $kind:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Checks the form of SPEC 1 and keeps the text.
            ///
            /// # Errors
            /// [`IdError::Form`] when the text is not of the allowed form.
            pub fn new(text: impl Into<String>) -> Result<Self, IdError> {
                let text = text.into();
                check($kind, &text)?;
                Ok(Self(text))
            }

            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                match text.as_str() {
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
    /// Names a project within its workspace.
    ProjectSlug,
    "project slug"
);
text_id!(
    /// Names an objective within its project.
    ObjectiveId,
    "objective id"
);
impl ObjectiveId {
    /// Stands for the planner where a session names what it works for.
    #[must_use]
    pub fn planner() -> Self {
        Self(PLANNER.to_owned())
    }

    /// Whether it stands for the planner, and names no objective.
    #[must_use]
    pub fn is_planner(&self) -> bool {
        self.0 == PLANNER
    }
}

text_id!(
    /// Names a goal, milestone or phase within its project.
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
    /// Numbers a session, unique in a workspace; its folder is `runtime/sessions/<n>`.
    SessionId
);
number_id!(
    /// Numbers an entry of a project's merge queue.
    #[derive(Default)]
    EntryId
);
number_id!(
    /// Numbers a gate run, unique in a workspace; its folder is `runtime/gates/<n>`.
    GateId
);

/// A name that something outside Paddock gave. Its form is not checked, so whatever is stored can be read.
macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// The name as text.
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
    /// Names an agent; the agents of one id are one agent for all projects of a workspace.
    AgentId
);
name!(
    /// Names a worker of a project.
    WorkerId
);
name!(
    /// Names a person who gave an order, for the record.
    Person
);

/// Names an objective within a workspace: `project/objective`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ObjectiveKey {
    /// The project it belongs to.
    pub project: ProjectSlug,
    /// Its id within that project.
    pub id: ObjectiveId,
}

impl fmt::Display for ObjectiveKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.project, self.id)
    }
}

/// A git object id (commit or tree), in lower-case hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ObjectId(String);

impl ObjectId {
    /// Checks that the text is a full SHA-1 object id.
    ///
    /// # Errors
    /// [`IdError::Object`] when it is not.
    pub fn new(text: impl Into<String>) -> Result<Self, IdError> {
        let text = text.into();
        let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        match text.len() == 40 && text.bytes().all(hex) {
            true => Ok(Self(text)),
            false => Err(IdError::Object(text.chars().take(80).collect())),
        }
    }

    /// The id as hexadecimal text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first ten digits, for people.
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
    fn ids_of_the_allowed_form_are_kept_and_others_are_explained() {
        for good in ["a", "0", "auth-tokens", "a_b", "main", &"x".repeat(63)] {
            assert_eq!(ObjectiveId::new(good).unwrap().as_str(), good);
        }
        for bad in ["", "-a", "_a", "A", "a b", "../x", "登录", "a/b", "a.b", &"x".repeat(64)] {
            let message = ObjectiveId::new(bad).unwrap_err().to_string();
            assert!(message.contains("a-z, 0-9"), "{message}");
        }
    }

    #[test]
    fn numbers_and_names_are_stored_bare_and_names_in_any_form() {
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
    fn the_nearest_allowed_form_is_offered() {
        assert_eq!(nearest_id("Fix the Login!"), "fix-the-login");
        assert_eq!(nearest_id("../etc"), "etc");
        assert_eq!(nearest_id("登录"), "");
        assert!(ObjectiveId::new("Fix it").unwrap_err().to_string().contains("`fix-it`"));
    }

    #[test]
    fn object_ids_are_forty_lower_case_hexadecimal_digits() {
        assert!(ObjectId::new("0123456789abcdef0123456789abcdef01234567").is_ok());
        assert!(ObjectId::new("0123456789ABCDEF0123456789abcdef01234567").is_err());
        assert!(ObjectId::new("abc").is_err());
    }
}
