//! Environment variables: the process's own, those of the workspace's `.env`, and those that agents get.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::Path;

use super::dotenv;
use super::error::ConfigError;
use paddock_model::ids::{Person, ProjectSlug};
use paddock_model::markers::markers_among;

/// A variable with a value that is not allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name} is {value:?}: {right}")]
pub struct EnvironmentError {
    /// Name of the variable.
    pub name: &'static str,
    /// Value of the variable.
    pub value: String,
    /// Description of the allowed values.
    pub right: String,
}

/// Variables of a process. Names and values may be any bytes.
pub(crate) type Variables = BTreeMap<OsString, OsString>;

/// The variables of this process, and below them those of the workspace's `.env`.
///
/// The variables are kept in a value and never set in the process: changing a process's environment is unsafe
/// once it has threads.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment {
    real: Variables,
    file: BTreeMap<String, String>,
    /// Line of each variable of the file.
    lines: BTreeMap<String, u64>,
}

/// Maximum length of a user's name in characters; the rest is cut. The value comes from outside and is
/// recorded.
const PERSON_CHARS_MAX: usize = 64;

/// Proxy variables of agents. Some programs read the name in upper case, some in lower case, so both are set.
const PROXY_NAMES: [&str; 3] = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"];
const NO_PROXY_DEFAULT: &str = "localhost,127.0.0.1,::1";

impl Environment {
    /// Returns the environment of this process, without a `.env`.
    #[must_use]
    pub fn from_process() -> Self {
        Self { real: std::env::vars_os().collect(), ..Self::default() }
    }

    /// Makes an environment from these variables.
    pub fn from_variables<K: Into<OsString>, V: Into<OsString>>(
        variables: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        let real = variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        Self { real, ..Self::default() }
    }

    /// Adds the variables of `ROOT/.env`; the process's own take precedence. A missing file counts as empty.
    ///
    /// # Errors
    /// Fails with a fault for every line that is not an assignment, or if the file cannot be read.
    pub fn with_file_of(mut self, root: &Path) -> Result<Self, Vec<ConfigError>> {
        let file = root.join(".env");
        self.file = dotenv::read(&file, ".env")?;
        self.lines = dotenv::lines(&file);
        Ok(self)
    }

    /// Returns the value of a variable, or `None` if it is unset, empty or not UTF-8.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        // A value that is not UTF-8 counts as empty, but still hides the one in `.env`: it is set.
        let real = self.real.get(OsStr::new(name)).map(|value| value.to_str().unwrap_or_default());
        real.or_else(|| self.file.get(name).map(String::as_str)).filter(|value| !value.is_empty())
    }

    /// Returns the name of a variable and where its value comes from, in words.
    #[must_use]
    pub fn source_of(&self, name: &str) -> String {
        match self.real.contains_key(OsStr::new(name)) {
            true => format!("{name} in the environment"),
            false => format!("{name} in the workspace's .env"),
        }
    }

    /// Returns the line of the workspace's `.env` that gives a variable its value, from 1; `None` if the value
    /// comes from the process's own environment, or if there is none.
    #[must_use]
    pub fn line_of(&self, name: &str) -> Option<u64> {
        match self.real.contains_key(OsStr::new(name)) {
            true => None,
            false => self.lines.get(name).copied(),
        }
    }

    /// Returns the value of a variable as a path, which may be any bytes, or `None` if it is unset or empty.
    #[must_use]
    pub fn path(&self, name: &str) -> Option<&Path> {
        // Paths need not be UTF-8.
        let real = self.real.get(OsStr::new(name)).map(OsString::as_os_str);
        let value = real.or_else(|| self.file.get(name).map(OsStr::new));
        value.filter(|value| !value.is_empty()).map(Path::new)
    }

    /// Returns the user's name from USER or LOGNAME, for the record of who gave an order.
    #[must_use]
    pub fn person(&self) -> Person {
        // The real environment only: a `.env` must not make orders look like somebody else's.
        let named = ["USER", "LOGNAME"].iter().filter_map(|name| self.real.get(OsStr::new(name))?.to_str());
        let clean =
            |name: &str| name.chars().filter(|c| !c.is_control()).take(PERSON_CHARS_MAX).collect::<String>();
        named.map(clean).find(|name| !name.trim().is_empty()).map_or_else(|| "a person".into(), Person::from)
    }

    /// Returns the variables for agents: the process's own, those of `.env`, and the proxy where none is set.
    ///
    /// Variables by which an agent marks its shells (`CLAUDECODE`, …) are passed on only from `.env`, which a
    /// person wrote. In the process's own environment they mean that Paddock was started from an agent's
    /// shell.
    #[must_use]
    pub fn for_agents(&self) -> Variables {
        let mut all: Variables = self.file.iter().map(|(k, v)| (k.into(), v.into())).collect();
        all.extend(self.unmarked());
        // A proxy that the user has set for themselves stays.
        let mut fill = |name: &str, value: &str| {
            for name in [name.to_owned(), name.to_lowercase()] {
                all.entry(name.into()).or_insert_with(|| value.into());
            }
        };
        let proxy = self.get("PADDOCK_PROXY");
        for name in PROXY_NAMES {
            proxy.into_iter().for_each(|proxy| fill(name, proxy));
        }
        // With a proxy alone, agents could not reach servers on this machine, such as a test database.
        let none = self.get("PADDOCK_NO_PROXY").or(proxy.map(|_| NO_PROXY_DEFAULT));
        none.into_iter().for_each(|none| fill("NO_PROXY", none));
        all
    }

    /// Returns the process's own variables without those by which an agent marks its shells.
    fn unmarked(&self) -> Variables {
        let markers = markers_among(self.real.keys().filter_map(|name| name.to_str().map(str::to_owned)));
        let is_kept = |name: &OsString| !markers.iter().any(|marker| OsStr::new(marker) == name);
        self.real.iter().filter(|(name, _)| is_kept(name)).map(|(k, v)| (k.clone(), v.clone())).collect()
    }

    /// Returns PADDOCK_POLL_SECONDS, the maximum time between two cycles when nothing happens; default: 20
    /// seconds.
    ///
    /// # Errors
    /// Fails if the value is not a whole number from 1 to a year.
    pub fn poll_seconds(&self) -> Result<u64, EnvironmentError> {
        self.seconds("PADDOCK_POLL_SECONDS", 20, 1)
    }

    /// Returns PADDOCK_PLANNER_COOLDOWN, the minimum time between planner runs of a project; default: 300
    /// seconds.
    ///
    /// # Errors
    /// Fails if the value is not a whole number from 0 to a year.
    pub fn planner_cooldown_seconds(&self) -> Result<u64, EnvironmentError> {
        self.seconds("PADDOCK_PLANNER_COOLDOWN", 300, 0)
    }

    /// Returns PADDOCK_LOG_LEVEL, the filter of Paddock's own log; default: `info`.
    #[must_use]
    pub fn log_level(&self) -> &str {
        self.get("PADDOCK_LOG_LEVEL").unwrap_or("info")
    }

    /// Returns PADDOCK_PROJECT, the project of commands that name none, or `None` if it is unset.
    ///
    /// # Errors
    /// Fails if the value is not a slug.
    pub fn project(&self) -> Result<Option<ProjectSlug>, EnvironmentError> {
        let name = "PADDOCK_PROJECT";
        let Some(value) = self.get(name) else { return Ok(None) };
        let error = |right: String| EnvironmentError { name, value: value.to_owned(), right };
        ProjectSlug::new(value).map(Some).map_err(|fault| error(fault.to_string()))
    }

    fn seconds(&self, name: &'static str, default: u64, least: u64) -> Result<u64, EnvironmentError> {
        let Some(value) = self.get(name) else { return Ok(default) };
        let right = format!("use a whole number of seconds from {least}, for example {default}");
        let error = EnvironmentError { name, value: value.to_owned(), right };
        // A year is more than anybody needs, and far below the overflow of a deadline.
        let allowed = least..=31_536_000;
        value.trim().parse().ok().filter(|seconds| allowed.contains(seconds)).ok_or(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_recorded_with_the_systems_name_of_the_user() {
        let of = |variables: &[(&str, &str)]| Environment::from_variables(variables.iter().copied()).person();
        assert_eq!(of(&[("USER", "ada"), ("LOGNAME", "root")]), "ada");
        assert_eq!(of(&[("USER", " "), ("LOGNAME", "艾达\u{1b}[2J")]), "艾达[2J");
        assert_eq!(of(&[]), "a person");
    }
}
