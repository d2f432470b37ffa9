//! Rows for the top-level keys of a project file.

use super::{Key, Kind, Usual, key, rows};
use paddock_model::settings::{OverlapRule, ScopeRule, Workplace};

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

rows! { PROJECT:
    SLUG: Key<String> = key("slug", Kind::Id)
        .means("The id of the project, which must be the file's name without `.yaml`.")
        .example("example");
    NAME: Key<String> = key("name", Kind::Text)
        .means("The name of the project for people.")
        .example("Example")
        .shared()
        .from("the value in the repository's file; one of the two files must give it");
    REPO_ROOT: Key<String> = key("repo_root", Kind::Text)
        .means("The folder of the repository: absolute, or relative to the workspace. A repository belongs to one \
                project only.")
        .example("../example");
    WORKTREES_ROOT: Key<String> = key("worktrees_root", Kind::Text)
        .means("The folder for the worktrees of sessions: absolute, or relative to the workspace. Paddock creates it \
                on first use.")
        .example("../example-wt");
    DESCRIPTION: Usual<String> = key("description", Kind::Text)
        .means("A description of the project, for people and for prompts.")
        .example("A shop for spare parts")
        .shared()
        .or(String::new);
    TARGET_BRANCH: Key<String> = key("target_branch", Kind::Text)
        .means("The branch that work is published to, without `refs/heads/`. The branch is recorded when the project \
                is registered. If another branch is written here later, the project is held until `paddock project \
                trust` agrees to it.")
        .example("main")
        .null("the branch of HEAD when the project is registered");
    ENABLED: Usual<bool> = key("enabled", Kind::Flag)
        .means("Whether agents work on the project. `paddock project disable` does the same as false, without an \
                edit of the file.")
        .or(|| true);
    MAX_PARALLEL_SESSIONS: Usual<u32> = key("max_parallel_sessions", Kind::Count(1))
        .means("Maximum number of sessions at the same time. The planner's session does not count.")
        .unit("sessions")
        .or(|| 2);
    INTEGRATOR_ONLY_PATTERNS: Usual<Vec<String>> = key("integrator_only_patterns", Kind::Globs)
        .means("Protected paths, which only sessions of a worker with the role integrator may change. `.paddock/**` is \
                always protected.")
        .example("[\"migrations/**\"]")
        .or(Vec::new);
    PATH_SCOPE: Usual<ScopeRule> = key("path_scope", Kind::OneOf(&["enforce", "advise"]))
        .means("Whether the review refuses changes outside an objective's scope (enforce), or the scope is only a \
                hint in the agent's prompt (advise).")
        .or(|| ScopeRule::Enforce);
    PATH_CONFLICTS: Usual<OverlapRule> = key("path_conflicts", Kind::OneOf(&["serialize", "allow"]))
        .means("Whether objectives whose scopes overlap run one after the other (serialize) or at the same time \
                (allow).")
        .or(|| OverlapRule::Serialize);
    WORKPLACE: Usual<Workplace> = key("workplace", Kind::OneOf(&["auto", "worktree", "own"]))
        .means("Where sessions work: in a git worktree of the repository (worktree), or in a repository of their own \
                that borrows the objects of the project's and from which the work is brought home (own, docs/places.md). \
                `auto` is a worktree today. An objective ends in the kind of place that it began in.")
        .or(|| Workplace::Auto);
    SHARED_PATTERNS: Usual<Vec<String>> = key("shared_patterns", Kind::Globs)
        .means("Paths that are in the scope of every objective and never count as an overlap.")
        .or(|| owned(&["CHANGELOG.md", "**/Cargo.lock", "**/package-lock.json"]));
    TEST_PATTERNS: Key<Vec<String>> = key("test_patterns", Kind::Globs)
        .means("Files that the tamper guard treats as tests or as configuration of the gate. Only an objective whose \
                scope names such a file may weaken it.")
        .example("[\"spec/**\"]")
        .null("built-in patterns for the common ecosystems");
    SIGN: Usual<bool> = key("sign", Kind::Flag)
        .means("Whether git signs the commits of sessions and of landings, as your git configuration says.")
        .or(|| false);
}
