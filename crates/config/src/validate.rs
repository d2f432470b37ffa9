//! `paddock config validate`: checks every file of a workspace that people write.

use std::path::{Path, PathBuf};

use super::environment::Environment;
use super::error::{ConfigError, Place};
use super::project_file::{self, ProjectFile};
use super::reader::Sink;
use super::resolve::Project;
use super::templates;
use super::workspace::Workspace;
use paddock_os::plain;

/// Stem of the sample file that a clone of Paddock holds in `projects/`.
const SAMPLE: &str = "example";
/// Line that the sample keeps and a project's own file changes first.
const SAMPLE_ROOT: &str = "repo_root: ../example";

/// Returns whether a file is the sample, which is no project. A project may have its name.
#[must_use]
pub fn is_sample(path: &Path) -> bool {
    if path.file_stem().is_none_or(|stem| stem != SAMPLE) {
        return false;
    }
    let text = plain::read_to_string(path).unwrap_or_default();
    // The words of the first line in every build so far.
    let says =
        |line: &str| line.starts_with('#') && line.contains("roject file") && line.contains("with every key");
    text.lines().next().is_some_and(says) && text.lines().any(|line| line.trim_end() == SAMPLE_ROOT)
}

/// Returns the paths of a workspace's project files, sorted by name. A missing folder counts as empty. The
/// sample file is none.
///
/// # Errors
/// Fails if the folder cannot be read.
pub fn project_files(workspace: &Workspace) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let folder = match std::fs::read_dir(workspace.projects()) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(files),
        other => other?,
    };
    for entry in folder {
        let path = entry?.path();
        // Editors write hidden temporary files next to the file that is edited.
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if !hidden
            && !is_sample(&path)
            && path.extension().is_some_and(|ending| ending == "yaml" || ending == "yml")
        {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Returns every fault and warning of the workspace's `.env`, project files and templates.
///
/// `resolve` resolves a project file; the caller passes it in because it reads the repository, which this
/// crate does not.
pub fn validate(
    workspace: &Workspace,
    event_types: Option<&[&str]>,
    resolve: &dyn Fn(&ProjectFile) -> Result<Project, Vec<ConfigError>>,
) -> Vec<ConfigError> {
    let mut found = Environment::default().with_file_of(workspace.root()).err().unwrap_or_default();
    let mut roots: Vec<(PathBuf, String)> = Vec::new();
    for path in project_files(workspace).unwrap_or_default() {
        let shown = path.strip_prefix(workspace.root()).unwrap_or(&path).display().to_string();
        // A file with faults does not hide the faults of the others.
        let file = match project_file::read(workspace, &path, event_types) {
            Ok(file) => file,
            Err(errors) => {
                found.extend(errors);
                continue;
            }
        };
        found.extend(shared_root(&file, &shown, &mut roots).err());
        match resolve(&file) {
            Ok(project) => {
                let own = templates::faults(&workspace.templates(), &project.settings);
                found.extend(project.warnings);
                // A template that several projects use is reported once.
                let is_said = |fault: &ConfigError| found.contains(fault);
                let fresh: Vec<ConfigError> = own.into_iter().filter(|fault| !is_said(fault)).collect();
                found.extend(fresh);
            }
            Err(errors) => found.extend(errors),
        }
    }
    found
}

/// Fails if an earlier file has the same repository. Two supervised projects would move each other's refs.
fn shared_root(
    file: &ProjectFile,
    shown: &str,
    roots: &mut Vec<(PathBuf, String)>,
) -> Result<(), ConfigError> {
    // Two spellings or a link can name one folder.
    let root = file.repo_root.canonicalize().unwrap_or_else(|_| file.repo_root.clone());
    if let Some((_, other)) = roots.iter().find(|(known, _)| *known == root) {
        let sink = Sink::new(shown);
        let problem = format!("{} is already the repository of {other}", root.display());
        let right = Some("one repository belongs to one project".to_owned());
        sink.add(Place::default(), "repo_root", problem, right);
        return sink.finish(None::<()>).map(|_| ()).map_err(|mut faults| faults.remove(0));
    }
    roots.push((root, shown.to_owned()));
    Ok(())
}

/// Returns whether a program is an executable file: on the given PATH, or at that path if the name has a `/`.
#[must_use]
pub fn on_path(program: &str, path: Option<&std::ffi::OsStr>) -> bool {
    use std::os::unix::fs::PermissionsExt;
    let runs = |file: &Path| {
        file.metadata().is_ok_and(|facts| facts.is_file() && facts.permissions().mode() & 0o111 != 0)
    };
    match program {
        "" => false,
        with_folder if with_folder.contains('/') => runs(Path::new(with_folder)),
        name => path.is_some_and(|path| std::env::split_paths(path).any(|folder| runs(&folder.join(name)))),
    }
}
