//! Repositories, projects and objectives of a sandbox.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use super::Sandbox;
use super::workplace::workplace_line;
use crate::git;

impl Sandbox {
    /// Makes a repository with one commit on `main`.
    pub fn repository(&self, name: &str) -> PathBuf {
        self.repository_on(name, "main", &[("README.md", "hello\n")])
    }

    /// Makes a repository with one commit of these files on this branch.
    pub fn repository_on(&self, name: &str, branch: &str, files: &[(&str, &str)]) -> PathBuf {
        let path = self.path(name);
        git::init(&path, branch);
        for (file, text) in files {
            fs::write(path.join(file), text).unwrap();
        }
        git::commit_all(&path, "Begin");
        path
    }

    /// Adds a project with a new repository of this name, and with these extra lines of settings.
    pub fn project(&self, name: &str, settings: &str) -> PathBuf {
        let path = self.repository(name);
        self.add(name, settings);
        path
    }

    /// Adds a project with the existing repository of this name, and with these extra lines of settings.
    pub fn add(&self, name: &str, settings: &str) {
        self.good(&["project", "add", self.path(name).to_str().unwrap()]);
        let file = self.project_file(name);
        let mut text = fs::read_to_string(&file).unwrap();
        let agent = self.path("agent.sh");
        if !settings.contains("agents:") {
            writeln!(text, "agents: [{{id: tester, command_template: [sh, {agent:?}]}}]").unwrap();
        }
        fs::write(&file, text + &workplace_line(settings) + settings + "\n").unwrap();
    }

    /// Returns the path of a project's file.
    pub fn project_file(&self, slug: &str) -> PathBuf {
        self.root().join(format!("projects/{slug}.yaml"))
    }

    /// Adds an objective whose agent runs this script.
    pub fn objective(&self, id: &str, script: &str, more: &[&str]) {
        let description = format!("```sh\n{script}\n```");
        let mut arguments =
            vec!["objective", "add", "--id", id, "--title", id, "--description", &description];
        arguments.extend(more);
        self.good(&arguments);
    }

    /// Applies a plan of objectives given as (id, dependencies, scope, script).
    pub fn plan(&self, objectives: &[(String, Vec<String>, String, String)]) {
        let mut plan = "objectives:\n".to_owned();
        for (id, depends_on, scope, script) in objectives {
            let script = script.trim().replace('\n', "\n      ");
            writeln!(plan, "  - id: {id}\n    title: {id:?}\n    depends_on: {depends_on:?}").unwrap();
            writeln!(plan, "    path_scope: [{scope:?}]\n    description: |\n      ```sh").unwrap();
            writeln!(plan, "      {script}\n      ```").unwrap();
        }
        fs::write(self.path("plan.yaml"), plan).unwrap();
        self.good(&["plan", "apply", "plan.yaml"]);
    }

    /// Returns a project from `status --json`.
    pub fn status(&self, slug: &str) -> Value {
        let status = self.json(&["status", "--json"]);
        let mut projects = status["projects"].as_array().unwrap().iter();
        projects.find(|project| project["slug"] == slug).unwrap().clone()
    }

    /// Returns an objective from `status --json --all`; null if there is none.
    pub fn status_of(&self, objective: &str) -> Value {
        let status = self.json(&["status", "--json", "--all"]);
        let projects = status["projects"].as_array().unwrap();
        let mut rows = projects.iter().flat_map(|project| project["objectives"].as_array().unwrap());
        rows.find(|row| row["id"] == objective).cloned().unwrap_or_default()
    }

    /// Returns all events, oldest first.
    pub fn events(&self) -> Vec<Value> {
        self.good(&["events", "--json"]).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}
