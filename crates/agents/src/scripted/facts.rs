//! The facts about the session that the scripted agent reads from its prompt and environment.

use super::script::{Step, When};

/// The session and its objective.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Facts {
    /// Id of the objective.
    pub(super) objective: String,
    /// Title of the objective.
    pub(super) title: String,
    /// Number of this session of the objective, from 1.
    pub(super) attempt: u32,
    /// Kind of the session: `work`, `correction`, …
    pub(super) kind: String,
    /// Acceptance criteria of the objective.
    pub(super) criteria: Vec<String>,
}

impl Facts {
    /// Reads the head lines of a prompt made from a built-in template. Variables of the environment take
    /// precedence.
    pub(super) fn from_prompt(prompt: &str, variable: impl Fn(&str) -> Option<String>) -> Self {
        let line = |name: &str| prompt.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        let named = line("Objective:").unwrap_or("");
        let (id, title) = named.split_once(": ").unwrap_or((named, named));
        let objective = variable("PADDOCK_OBJECTIVE").filter(|id| !id.is_empty());
        let objective = objective.unwrap_or_else(|| id.to_owned());
        Self {
            // The id becomes a file name, so it must not lead into another folder.
            objective: objective
                .rsplit('/')
                .next()
                .filter(|id| !id.is_empty())
                .unwrap_or("objective")
                .to_owned(),
            title: if title.is_empty() { "Something".to_owned() } else { title.to_owned() },
            attempt: line("Attempt:").and_then(|text| text.parse().ok()).unwrap_or(1),
            kind: variable("PADDOCK_SESSION_KIND")
                .unwrap_or_else(|| line("Session:").unwrap_or("work").to_owned()),
            criteria: criteria(prompt),
        }
    }

    /// Returns whether a step with this condition is taken in this session.
    pub(super) fn holds(&self, when: &When) -> bool {
        match when {
            When::Always => true,
            When::Attempt(number) => *number == self.attempt,
            When::Kind(kind) => *kind == self.kind,
        }
    }

    /// Returns the steps for a prompt without a script.
    pub(super) fn default_steps(&self) -> Vec<(When, Step)> {
        let path = format!("paddock-demo/{}.md", self.objective);
        let write = Step::Write(path, format!("# {}\n\nDone in attempt {}.\n", self.title, self.attempt));
        let commit = Step::Commit(self.title.clone(), false);
        vec![(When::Always, write), (When::Always, commit)]
    }
}

fn criteria(prompt: &str) -> Vec<String> {
    let mut lines = prompt.lines().skip_while(|line| *line != "## Acceptance criteria");
    lines.next();
    let section = lines.take_while(|line| !line.starts_with('#'));
    section.filter_map(|line| line.strip_prefix("- ")).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROMPT: &str = "Objective: login: Fix it: now\nSession: follow-up\nAttempt: 2\n\n## Acceptance criteria\n\n- a\n- b: c\n\n## Rules\n- no\n";

    #[test]
    fn the_head_of_the_prompt_names_the_objective_and_the_session() {
        let facts = Facts::from_prompt(PROMPT, |_| None);
        assert_eq!((facts.objective.as_str(), facts.title.as_str()), ("login", "Fix it: now"));
        assert_eq!((facts.attempt, facts.kind.as_str()), (2, "follow-up"));
        assert_eq!(facts.criteria, ["a", "b: c"]);
    }

    #[test]
    fn the_environment_takes_precedence_and_an_empty_prompt_has_defaults() {
        let facts = Facts::from_prompt(PROMPT, |name| Some(format!("p/{}", name.to_lowercase())));
        assert_eq!(
            (facts.objective.as_str(), facts.kind.as_str()),
            ("paddock_objective", "p/paddock_session_kind")
        );
        let empty = Facts::from_prompt("", |_| None);
        assert_eq!((empty.objective.as_str(), empty.attempt, empty.kind.as_str()), ("objective", 1, "work"));
    }
}
