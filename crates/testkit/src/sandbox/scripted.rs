//! A sandbox whose agent runs scripts from the sandbox, and records each of its starts.

use std::fs;
use std::path::{Path, PathBuf};

use super::workplace::workplace_line;
use super::{Sandbox, agents};
use crate::supervisor::Supervisor;

/// Files of the first commit in the repositories of these sandboxes.
const FILES: [(&str, &str); 3] = [("a.txt", "a\n"), ("b.txt", "b\n"), (".gitignore", "*.log\n.env\n")];

impl Sandbox {
    /// Makes a sandbox with a workspace in the folder of this name, and an agent that runs the scripts that
    /// [`Self::script`] sets.
    ///
    /// A test may end while processes are left; they are killed then.
    pub fn scripted(workspace: &str) -> Self {
        let mut sandbox = Self::without_workspace();
        sandbox.root = sandbox.path(workspace);
        sandbox.may_leave_processes = true;
        for name in ["scripts", "prompts", "busy"] {
            fs::create_dir(sandbox.path(name)).unwrap();
        }
        let home = shell_words::quote(sandbox.folder.path().to_str().unwrap()).into_owned();
        fs::write(sandbox.path("agent.sh"), agents::SCRIPTED.replace("@HOME@", &home)).unwrap();
        sandbox.good(&["init"]);
        sandbox
    }

    /// Makes a repository on this branch with one commit.
    pub fn checkout(&self, name: &str, branch: &str) -> PathBuf {
        self.repository_on(name, branch, &FILES)
    }

    /// Adds a repository as the project `slug`, with these lines in its project file.
    pub fn register(&self, slug: &str, repository: &Path, lines: &str) {
        self.good(&["project", "add", repository.to_str().unwrap(), "--slug", slug]);
        let quoted = |path: PathBuf| serde_json::to_string(path.to_str().unwrap()).unwrap();
        let branch = self.status(slug)["target_branch"].as_str().unwrap().to_owned();
        let text = format!(
            "slug: {slug}\nname: {slug}\nrepo_root: {}\nworktrees_root: {}\ntarget_branch: \"{branch}\"\n\
             {}disk: {{min_free_gb: 0}}\nagents:\n  - {{id: sh, command_template: [sh, {}]}}\n{lines}",
            quoted(repository.to_owned()),
            quoted(self.path(&format!("{slug}-wt"))),
            workplace_line(lines),
            quoted(self.path("agent.sh")),
        );
        fs::write(self.project_file(slug), text).unwrap();
        self.good(&["config", "validate"]);
    }

    /// Makes a repository on `main`, and adds it as the project `p`.
    pub fn simple(&self, lines: &str) -> PathBuf {
        let repository = self.checkout("repo", "main");
        self.register("p", &repository, lines);
        repository
    }

    /// Sets the shell lines that the agent runs in the worktree for an objective.
    pub fn script(&self, objective: &str, text: &str) {
        fs::write(self.path("scripts").join(objective), text).unwrap();
    }

    /// Adds objectives to the project `p`: `id`, `id < dependency`, or `id : scope`.
    pub fn objectives(&self, wanted: &[&str]) {
        self.objectives_of("p", wanted);
    }

    /// Adds objectives to a project, written as for [`Self::objectives`].
    pub fn objectives_of(&self, slug: &str, wanted: &[&str]) {
        let mut plan = String::from("objectives:\n");
        for line in wanted {
            let (line, scope) = line.split_once(" : ").map_or((*line, None), |(line, s)| (line, Some(s)));
            let (id, after) = line.split_once(" < ").map_or((line, ""), |(id, after)| (id, after));
            let scope = scope.map_or(format!("{id}.txt"), str::to_owned);
            let scopes: Vec<String> = scope.split(' ').map(|s| format!("\"{s}\"")).collect();
            plan.push_str(&format!(
                "  - {{id: {id}, title: \"Do {id}\", path_scope: [{}], depends_on: [{}]}}\n",
                scopes.join(", "),
                after.replace(' ', ", ")
            ));
        }
        let file = self.path("plan.yaml");
        fs::write(&file, plan).unwrap();
        self.good(&["--project", slug, "plan", "apply", file.to_str().unwrap()]);
    }

    /// Runs a supervisor until nothing moves any more. Returns its exit code.
    pub fn until_idle(&self) -> i32 {
        self.supervisor(&["--until-idle"]).end()
    }

    /// Stops this supervisor, and runs another one until nothing moves any more. Returns the exit code of the
    /// second.
    pub fn until_idle_after(&self, running: Supervisor) -> i32 {
        running.stop();
        let code = self.until_idle();
        self.nobody_is_left();
        code
    }

    /// Returns the prompt of a session.
    pub fn prompt(&self, session: u64) -> String {
        fs::read_to_string(self.path("prompts").join(session.to_string())).unwrap()
    }

    /// Returns the lines that agents wrote when they began: session, objective, kind.
    pub fn starts(&self) -> Vec<(u64, String, String)> {
        let text = fs::read_to_string(self.path("starts")).unwrap_or_default();
        let fields = text.lines().map(|line| line.split(' ').collect::<Vec<_>>());
        fields.map(|f| (f[1].parse().unwrap(), f[2].to_owned(), f[3].to_owned())).collect()
    }

    /// Fails unless every session's agent began only once, and no two agents of an objective ran at the same
    /// time.
    pub fn nothing_ran_twice(&self) {
        let starts = self.starts();
        let mut numbers: Vec<u64> = starts.iter().map(|(session, ..)| *session).collect();
        numbers.sort_unstable();
        let begun = numbers.len();
        numbers.dedup();
        assert_eq!(numbers.len(), begun, "a session's agent began twice: {starts:?}");
        let faults = fs::read_to_string(self.path("faults")).unwrap_or_default();
        assert_eq!(faults, "");
    }
}
