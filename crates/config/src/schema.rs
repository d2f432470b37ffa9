//! The project file as a JSON Schema, for editors: `paddock config schema`.

use serde_json::{Map, Value, json};

use super::builtin::STOP_SIGNALS;
use paddock_agents::transcript::formats;

/// One key of a section: its name, its type, and what it is.
type Row = (&'static str, Value, &'static str);

fn text() -> Value {
    json!({ "type": "string" })
}

fn flag() -> Value {
    json!({ "type": "boolean" })
}

fn count(least: u64) -> Value {
    json!({ "type": "integer", "minimum": least })
}

fn amount() -> Value {
    json!({ "type": "number", "minimum": 0 })
}

fn texts() -> Value {
    json!({ "type": "array", "items": { "type": "string" } })
}

fn choice(words: &[&str]) -> Value {
    json!({ "enum": words })
}

fn or_null(schema: &Value) -> Value {
    json!({ "anyOf": [schema, { "type": "null" }] })
}

fn object(rows: Vec<Row>, required: &[&str]) -> Value {
    let mut properties = Map::new();
    for (name, mut schema, description) in rows {
        if let Some(schema) = schema.as_object_mut() {
            schema.insert("description".to_owned(), description.into());
        }
        properties.insert(name.to_owned(), schema);
    }
    json!({
        "type": "object", "additionalProperties": false, "properties": properties, "required": required
    })
}

fn list(items: &Value) -> Value {
    json!({ "type": "array", "items": items })
}

/// The schema of `projects/<slug>.yaml`. `events` are the public event types.
#[must_use]
pub fn project_file(events: &[&str]) -> Value {
    let mut rows = head();
    rows.extend(sections());
    rows.extend([
        ("notify", list(&notify(events)), "commands that are told of events"),
        ("agents", list(&agent()), "agents of your own, or keys over built-in ones"),
        ("workers", list(&worker()), "roles of your own, or keys over built-in ones"),
    ]);
    let mut schema = object(rows, &["slug", "name", "repo_root", "worktrees_root"]);
    if let Some(schema) = schema.as_object_mut() {
        schema.insert("$schema".to_owned(), "https://json-schema.org/draft/2020-12/schema".into());
        schema.insert("title".to_owned(), "A Paddock project file".into());
    }
    schema
}

fn head() -> Vec<Row> {
    let slug = json!({ "type": "string", "pattern": "^[a-z0-9][a-z0-9_-]{0,62}$" });
    vec![
        ("slug", slug, "the same as the file's name"),
        ("name", text(), "what people call the project"),
        ("repo_root", text(), "the repository's folder, relative to the workspace or absolute"),
        ("worktrees_root", text(), "where sessions work"),
        ("description", text(), "for people and prompts"),
        (
            "target_branch",
            or_null(&text()),
            "default: what the repository's HEAD points at when the project is taken up",
        ),
        ("enabled", flag(), "default: true"),
        ("max_parallel_sessions", count(1), "default: 2"),
        ("integrator_only_patterns", texts(), "globs that only an integrator's sessions may change"),
        ("path_scope", choice(&["enforce", "advise"]), "default: enforce"),
        (
            "path_conflicts",
            choice(&["serialize", "allow"]),
            "may overlapping scopes run at once; default: serialize",
        ),
        ("shared_patterns", texts(), "globs that are always in scope and never count as overlap"),
        ("test_patterns", or_null(&texts()), "tamper guard; null: the common ecosystems' defaults"),
        ("sign", flag(), "let git sign as your configuration says; default: false"),
    ]
}

fn sections() -> Vec<Row> {
    vec![
        ("session_defaults", session_defaults(), "what a session may use"),
        ("recovery", recovery(), "bounds of recovery"),
        ("worktree", worktree(), "how a new worktree is prepared"),
        ("verify", list(&gate_command()), "the gate: every command must pass on what is about to land"),
        ("queue", queue(), "the merge queue"),
        ("land", land(), "after a landing"),
        ("planner", planner(), "planning"),
        ("budget", budget(), "of a day; null: no limit"),
        ("disk", disk(), "disk space"),
    ]
}

fn session_defaults() -> Value {
    object(
        vec![
            ("scope_level", choice(&["small", "medium", "large"]), "1-2, 3-5 or 5-10 commits"),
            ("max_commits_per_session", count(1), "default: 5"),
            ("max_minutes_per_session", count(1), "default: 30"),
            ("max_tokens_per_session", or_null(&count(1)), "null: no limit; `agent list` says when it acts"),
            (
                "max_usd_per_session",
                or_null(&amount()),
                "acts during a session or at its end, as the agent reports its cost (`agent list`)",
            ),
            ("stall_minutes", count(1), "no output, file change or CPU for so long: stalled; default: 20"),
            (
                "planner_agent",
                or_null(&text()),
                "null: the first of the workers' agents that is built in as a planner or says `planner: true`",
            ),
        ],
        &[],
    )
}

fn recovery() -> Value {
    object(
        vec![
            ("max_retries", count(0), "default: 2"),
            ("expand", texts(), "globs by which a scope may grow without a person"),
            ("max_expansions", count(0), "default: 3"),
            ("max_sessions", count(1), "bounds every loop; default: 8"),
        ],
        &[],
    )
}

fn worktree() -> Value {
    object(
        vec![
            ("copy", texts(), "copied from the repository's folder, never committed"),
            ("setup", or_null(&text()), "a shell command run in a new worktree"),
            ("setup_timeout_minutes", count(1), "default: 10"),
        ],
        &[],
    )
}

fn gate_command() -> Value {
    object(
        vec![
            ("name", text(), "what people call it"),
            ("run", text(), "the shell command"),
            ("timeout_minutes", json!({ "type": "number", "exclusiveMinimum": 0 }), "default: 20"),
        ],
        &["run"],
    )
}

fn queue() -> Value {
    let slots = json!({ "anyOf": [{ "const": "auto" }, { "type": "integer", "minimum": 1 }] });
    object(
        vec![
            ("slots", slots, "gates at once; default: auto"),
            ("strict", flag(), "batches of one only"),
            ("flaky_retries", count(0), "repeats of a red gate on the same tree; default: 1"),
            ("canary", flag(), "the gate must fail on an emptied tree"),
            ("clean", flag(), "ignored files are removed from gate worktrees too"),
        ],
        &[],
    )
}

fn land() -> Value {
    object(
        vec![
            ("publish", choice(&["auto", "manual"]), "default: auto"),
            ("push", or_null(&text()), "a remote for the target branch after publishing"),
        ],
        &[],
    )
}

fn planner() -> Value {
    object(
        vec![
            ("approval", choice(&["auto", "manual"]), "default: auto"),
            ("context_files", texts(), "files of the repository that a plan is told of"),
        ],
        &[],
    )
}

fn budget() -> Value {
    object(
        vec![
            ("usd_per_day", or_null(&amount()), "dollars"),
            ("tokens_per_day", or_null(&count(1)), "tokens"),
            ("session_minutes_per_day", or_null(&count(1)), "minutes of sessions"),
        ],
        &[],
    )
}

fn disk() -> Value {
    object(
        vec![
            ("min_free_gb", amount(), "below it nothing new starts; default: 5"),
            ("session_log_mb", count(1), "output kept of a session; default: 100"),
            ("worktrees_gb", or_null(&amount()), "null: no limit"),
        ],
        &[],
    )
}

fn notify(events: &[&str]) -> Value {
    let on = json!({ "type": "array", "items": { "enum": events }, "minItems": 1 });
    let rows = vec![
        ("on", on, "public event types: `paddock events --help`"),
        ("run", text(), "a shell command; the event comes as JSON on its standard input"),
    ];
    object(rows, &["on", "run"])
}

fn agent() -> Value {
    let command =
        json!({ "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }] });
    let transcripts: Vec<&str> = formats().map(|(name, _)| name).collect();
    let env = json!({ "type": "object", "additionalProperties": { "type": "string" } });
    object(
        vec![
            ("id", text(), "[a-z0-9][a-z0-9_-]{0,62}"),
            ("name", text(), "what people call it"),
            ("command_template", command.clone(), "how it is started, with placeholders in braces"),
            ("resume_template", command.clone(), "how it goes on with a conversation, `{agent_session}`"),
            ("resume_template", or_null(&command), "how it goes on with a conversation of its own"),
            ("shell", flag(), "a shell reads the templates; needed for `|`, `>`, `$NAME` and the like"),
            ("cli_command", text(), "the program looked up on PATH; default: the first word"),
            ("stdin", choice(&["none", "prompt"]), "default: none"),
            ("transcript", choice(&transcripts), "how its output is read; default: plain"),
            ("stop_signal", choice(STOP_SIGNALS), "the gentle one; default: TERM"),
            ("env", env, "merged over the variables of the agent below; an empty value unsets"),
            ("planner", flag(), "may be used for planning; default: true"),
            ("enabled", flag(), "default: true"),
            ("description", text(), "for people"),
        ],
        &["id"],
    )
}

fn worker() -> Value {
    object(
        vec![
            ("id", text(), "[a-z0-9][a-z0-9_-]{0,62}"),
            ("name", text(), "what people call it"),
            ("role", choice(&["implementer", "integrator", "researcher"]), "what it is for"),
            ("strategy", choice(&["fixed", "priority", "round_robin"]), "how it chooses among its agents"),
            ("agents", texts(), "ids, in order; left out: the project's, else those found on PATH"),
            ("template", text(), "the prompt template's file name"),
        ],
        &["id"],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The keys of the example, which names every one there is, commented-out ones included.
    #[test]
    fn the_schema_knows_every_key_of_the_example_file() {
        let example = include_str!("../../../projects/example.yaml");
        let schema = project_file(&["landed"]).to_string();
        let mut count = 0;
        for line in example.lines() {
            let line = line.trim_start_matches(['#', ' ', '-']);
            let Some((key, _)) = line.split_once(':') else { continue };
            let is_key = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
            if is_key {
                assert!(schema.contains(&format!("\"{key}\":")), "{key} is not in the schema");
                count += 1;
            }
        }
        assert!(count > 60, "only {count} keys were found");
    }
}
