//! Which configuration of the machine and of the user git reads: the one place that decides.
//!
//! `HOME`, `XDG_CONFIG_HOME`, `GIT_CONFIG_GLOBAL`, `GIT_CONFIG_SYSTEM`, `GIT_CONFIG_NOSYSTEM` and the pairs of
//! `GIT_CONFIG_COUNT` decide it for the user's own git. Every call of the git program, libgit2, the record of
//! what may run programs, and the jobs follow the same ones, or a filter that the user set up would act in one
//! of them and not in another.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::configured::Level;
use super::error::GitError;

/// Variables that name configuration files, or leave the machine's file out.
const FILE_VARIABLES: [&str; 3] = ["GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM"];
/// Most pairs that the environment may set; a higher count is nobody's work.
const PAIRS_MAX: usize = 1_000;
/// Stands for a file without entries.
const NO_FILE: &str = "/dev/null";

/// What the environment says about git's configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct UserConfig {
    /// `GIT_CONFIG_GLOBAL`, absolute; it replaces both files of the user.
    global: Option<PathBuf>,
    /// `GIT_CONFIG_SYSTEM`, absolute; it replaces the machine's file.
    system: Option<PathBuf>,
    /// Whether `GIT_CONFIG_NOSYSTEM` leaves the machine's file out.
    without_system: bool,
    home: Option<PathBuf>,
    xdg: Option<PathBuf>,
    /// Key and value of each pair of `GIT_CONFIG_COUNT`.
    pairs: Vec<(OsString, OsString)>,
}

impl UserConfig {
    /// Reads Paddock's own environment.
    pub(crate) fn from_environment() -> Self {
        Self::from_variables(|name| std::env::var_os(name))
    }

    fn from_variables(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let file = |name: &str| {
            let named = variable(name)?;
            // To git an empty name means a file without entries. A relative one would lead every call to
            // another file, some in a folder where an agent writes.
            let absolute = (!named.is_empty()).then(|| std::path::absolute(&named).ok()).flatten();
            Some(absolute.unwrap_or_else(|| PathBuf::from(NO_FILE)))
        };
        let folder = |name: &str| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        Self {
            global: file("GIT_CONFIG_GLOBAL"),
            system: file("GIT_CONFIG_SYSTEM"),
            without_system: variable("GIT_CONFIG_NOSYSTEM").is_some_and(|value| is_true(&value)),
            home: folder("HOME"),
            xdg: folder("XDG_CONFIG_HOME"),
            pairs: pairs(&variable).unwrap_or_default(),
        }
    }

    /// Returns the variables that make a call of git read these files, whatever else is taken out of its
    /// environment. The pairs are not among them: a call numbers them together with its own.
    pub(crate) fn variables(&self) -> Vec<(&'static str, OsString)> {
        let [global, system, without] = FILE_VARIABLES;
        let mut found = Vec::new();
        found.extend(self.global.clone().map(|file| (global, file.into_os_string())));
        found.extend(self.system.clone().map(|file| (system, file.into_os_string())));
        found.extend(self.without_system.then(|| (without, OsString::from("1"))));
        found
    }

    /// Returns key and value of each setting that the environment itself holds, the strongest last.
    pub(crate) fn pairs(&self) -> &[(OsString, OsString)] {
        &self.pairs
    }

    /// Returns the files of the machine and of the user, in git's order. `by_default` gives the machine's
    /// files where no variable names another; only git knows where it was built to look.
    pub(crate) fn files(&self, by_default: impl FnOnce() -> Vec<PathBuf>) -> Vec<(Level, PathBuf)> {
        let system = match (&self.system, self.without_system) {
            (_, true) => Vec::new(),
            (Some(file), false) => vec![file.clone()],
            (None, false) => by_default(),
        };
        let global = match &self.global {
            Some(file) => vec![file.clone()],
            None => {
                let own = self.home.as_ref().map(|home| home.join(".gitconfig"));
                self.folder().map(|folder| folder.join("config")).into_iter().chain(own).collect()
            }
        };
        let mut files: Vec<(Level, PathBuf)> = system.into_iter().map(|file| (Level::System, file)).collect();
        files.extend(global.into_iter().map(|file| (Level::Global, file)));
        // A file that two variables name counts once.
        let mut seen = std::collections::BTreeSet::new();
        files.retain(|(_, file)| seen.insert(file.clone()));
        files
    }

    /// Returns the user's home folder.
    pub(crate) fn home(&self) -> Option<&Path> {
        self.home.as_deref()
    }

    /// Returns the folder of the user's own files beside `~/.gitconfig`: `config`, `attributes`, `ignore`.
    pub(crate) fn folder(&self) -> Option<PathBuf> {
        let named = self.xdg.clone();
        Some(named.or_else(|| Some(self.home.as_ref()?.join(".config")))?.join("git"))
    }

    /// Makes libgit2 read the same files as the git program. By itself it knows `HOME` and `XDG_CONFIG_HOME`
    /// alone.
    ///
    /// # Errors
    /// Fails if one of the files cannot be parsed.
    pub(crate) fn apply(&self, config: &mut git2::Config) -> Result<(), GitError> {
        // A missing file holds no entries, which is what git takes it for.
        let none = Path::new(NO_FILE);
        let usable = |file: &Path| if file.is_file() { file.to_owned() } else { none.to_owned() };
        if let Some(file) = &self.global {
            config.add_file(&usable(file), git2::ConfigLevel::Global, true)?;
            config.add_file(none, git2::ConfigLevel::XDG, true)?;
        }
        match (&self.system, self.without_system) {
            (_, true) => config.add_file(none, git2::ConfigLevel::System, true)?,
            (Some(file), false) => config.add_file(&usable(file), git2::ConfigLevel::System, true)?,
            (None, false) => {}
        }
        Ok(())
    }

    /// Returns the configuration of the machine and of the user, without any repository's.
    ///
    /// # Errors
    /// Fails if one of the files cannot be parsed.
    pub(crate) fn without_repository(&self) -> Result<git2::Config, GitError> {
        let mut config = git2::Config::open_default()?;
        self.apply(&mut config)?;
        Ok(config)
    }
}

/// Returns how many settings Paddock's own environment holds for git (`GIT_CONFIG_COUNT`). Who adds settings
/// for a job numbers them from here on, so that the user's own stay.
#[must_use]
pub fn settings_in_environment() -> usize {
    UserConfig::from_environment().pairs.len()
}

/// Returns whether git takes the value of a variable for true.
fn is_true(value: &OsStr) -> bool {
    let text = value.to_string_lossy().to_ascii_lowercase();
    match text.as_str() {
        "" | "false" | "no" | "off" => false,
        text => text.parse::<i64>() != Ok(0),
    }
}

/// Returns the pairs of `GIT_CONFIG_COUNT`, or `None` where git would refuse them.
fn pairs(variable: impl Fn(&str) -> Option<OsString>) -> Option<Vec<(OsString, OsString)>> {
    let count = variable("GIT_CONFIG_COUNT")?.to_str()?.parse::<usize>().ok()?;
    let pair = |place: usize| {
        let key = variable(&format!("GIT_CONFIG_KEY_{place}"))?;
        Some((normal_key(&key)?, variable(&format!("GIT_CONFIG_VALUE_{place}"))?))
    };
    (count <= PAIRS_MAX).then_some(count).and_then(|count| (0..count).map(pair).collect())
}

/// Returns a key with section and last part in lower case, as git compares keys.
fn normal_key(key: &OsStr) -> Option<OsString> {
    let mut bytes = key.as_bytes().to_vec();
    let first = bytes.iter().position(|byte| *byte == b'.')?;
    let last = bytes.iter().rposition(|byte| *byte == b'.')?;
    bytes.get_mut(..first)?.make_ascii_lowercase();
    bytes.get_mut(last..)?.make_ascii_lowercase();
    Some(OsStr::from_bytes(&bytes).to_owned())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs;

    use super::*;

    fn read(variables: &[(&str, &str)]) -> UserConfig {
        let variables: BTreeMap<&str, &str> = variables.iter().copied().collect();
        UserConfig::from_variables(|name| variables.get(name).map(OsString::from))
    }

    fn files(config: &UserConfig) -> Vec<String> {
        let by_default = || vec![PathBuf::from("/etc/gitconfig")];
        config.files(by_default).into_iter().map(|(_, file)| file.display().to_string()).collect()
    }

    #[test]
    fn each_variable_replaces_the_files_that_git_replaces_with_it() {
        let home = [("HOME", "/h")];
        let usual = ["/etc/gitconfig", "/h/.config/git/config", "/h/.gitconfig"];
        assert_eq!(files(&read(&home)), usual);
        let xdg = read(&[("HOME", "/h"), ("XDG_CONFIG_HOME", "/x")]);
        assert_eq!(files(&xdg), ["/etc/gitconfig", "/x/git/config", "/h/.gitconfig"]);
        let global = read(&[("HOME", "/h"), ("GIT_CONFIG_GLOBAL", "/g")]);
        assert_eq!(files(&global), ["/etc/gitconfig", "/g"]);
        assert_eq!(global.variables(), [("GIT_CONFIG_GLOBAL", OsString::from("/g"))]);
        let system = read(&[("HOME", "/h"), ("GIT_CONFIG_SYSTEM", "/s"), ("GIT_CONFIG_GLOBAL", "")]);
        assert_eq!(files(&system), ["/s", "/dev/null"]);
        let without = read(&[("GIT_CONFIG_NOSYSTEM", "1"), ("GIT_CONFIG_SYSTEM", "/s")]);
        assert!(files(&without).is_empty());
        assert_eq!(files(&read(&[("HOME", "/h"), ("GIT_CONFIG_NOSYSTEM", "false")])), usual);
    }

    #[test]
    fn a_relative_file_is_the_one_below_paddock_s_own_folder_for_every_call() {
        let global = read(&[("GIT_CONFIG_GLOBAL", "mine")]).global.unwrap();
        assert!(global.is_absolute() && global.ends_with("mine"), "{global:?}");
    }

    #[test]
    fn pairs_count_only_as_git_would_read_them() {
        let both = [
            ("GIT_CONFIG_COUNT", "1"),
            ("GIT_CONFIG_KEY_0", "Filter.Mine.CLEAN"),
            ("GIT_CONFIG_VALUE_0", "cat"),
        ];
        let pair = ("filter.Mine.clean".into(), "cat".into());
        assert_eq!(read(&both).pairs(), [pair]);
        assert!(read(&both[..2]).pairs().is_empty());
        assert!(read(&[("GIT_CONFIG_COUNT", "many")]).pairs().is_empty());
    }

    #[test]
    fn libgit2_reads_the_named_files_instead_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let [global, system] = ["global", "system"].map(|name| folder.path().join(name));
        fs::write(&global, "[user]\n\tname = Named\n").unwrap();
        fs::write(&system, "[core]\n\tautocrlf = input\n").unwrap();
        let config = UserConfig { global: Some(global), system: Some(system), ..UserConfig::default() };
        let read = config.without_repository().unwrap();
        assert_eq!(read.get_string("user.name").unwrap(), "Named");
        assert_eq!(read.get_string("core.autocrlf").unwrap(), "input");
        let nothing = UserConfig { global: Some("/nowhere".into()), without_system: true, ..config };
        let read = nothing.without_repository().unwrap();
        assert!(read.get_string("user.name").is_err() && read.get_string("core.autocrlf").is_err());
    }
}
