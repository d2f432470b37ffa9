//! The keys of a project file that stand in no section.

use super::{Key, Kind, Usual, key, rows};
use paddock_model::settings::{OverlapRule, ScopeRule};

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

rows! { PROJECT:
    SLUG: Key<String> = key("slug", Kind::Id)
        .means("The id of the project: the file's name without `.yaml`.")
        .example("example");
    NAME: Key<String> = key("name", Kind::Text)
        .means("The name that people read.")
        .example("Example")
        .shared()
        .from("what the repository's file gives; one of the two must give it");
    REPO_ROOT: Key<String> = key("repo_root", Kind::Text)
        .means("The folder of the repository: absolute, or relative to the workspace. One repository belongs to one \
                project.")
        .example("../example");
    WORKTREES_ROOT: Key<String> = key("worktrees_root", Kind::Text)
        .means("The folder in which the worktrees of sessions are made: absolute, or relative to the workspace. It \
                is made on first use.")
        .example("../example-wt");
    DESCRIPTION: Usual<String> = key("description", Kind::Text)
        .means("What the project is, for people and for prompts.")
        .example("A shop for spare parts")
        .shared()
        .or(String::new);
    TARGET_BRANCH: Key<String> = key("target_branch", Kind::Text)
        .means("The branch that work is published to, without `refs/heads/`. It is recorded when the project is \
                taken up. A different branch written here later holds the project until `paddock project trust` \
                agrees to it.")
        .example("main")
        .null("what HEAD points at when the project is taken up");
    ENABLED: Usual<bool> = key("enabled", Kind::Flag)
        .means("Whether the project is worked on. `paddock project disable` does the same without the file.")
        .or(|| true);
    MAX_PARALLEL_SESSIONS: Usual<u32> = key("max_parallel_sessions", Kind::Count(1))
        .means("How many sessions of objectives run at the same time. A planner's session does not count.")
        .unit("sessions")
        .or(|| 2);
    INTEGRATOR_ONLY_PATTERNS: Usual<Vec<String>> = key("integrator_only_patterns", Kind::Globs)
        .means("Protected paths: only the sessions of a worker with the role integrator may change them. `.paddock/**` \
                is always protected.")
        .example("[\"migrations/**\"]")
        .or(Vec::new);
    PATH_SCOPE: Usual<ScopeRule> = key("path_scope", Kind::OneOf(&["enforce", "advise"]))
        .means("Whether a change outside an objective's scope is a fault (enforce), or the scope only tells the agent \
                where to work (advise).")
        .or(|| ScopeRule::Enforce);
    PATH_CONFLICTS: Usual<OverlapRule> = key("path_conflicts", Kind::OneOf(&["serialize", "allow"]))
        .means("Whether objectives whose scopes overlap run one after the other (serialize) or at the same time \
                (allow).")
        .or(|| OverlapRule::Serialize);
    SHARED_PATTERNS: Usual<Vec<String>> = key("shared_patterns", Kind::Globs)
        .means("Paths that every scope holds, and that never count as overlap.")
        .or(|| owned(&["CHANGELOG.md", "**/Cargo.lock", "**/package-lock.json"]));
    TEST_PATTERNS: Key<Vec<String>> = key("test_patterns", Kind::Globs)
        .means("The files that the tamper guard takes for tests and for configuration of the gate: only an objective \
                whose scope names them may weaken them.")
        .example("[\"spec/**\"]")
        .null("the patterns of the common ecosystems");
    SIGN: Usual<bool> = key("sign", Kind::Flag)
        .means("Whether git signs the commits of sessions and of landings as your configuration says.")
        .or(|| false);
}
