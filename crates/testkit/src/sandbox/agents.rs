//! The agents of sandboxes: shell scripts.

/// Runs the `sh` block of its objective's description. `commit FILE` writes, commits and says so; `over [STATUS]` prints
/// the summary; `wait_for FILE` waits until it is there.
pub(super) const PROMPTED: &str = r#"
set -e
commit() { mkdir -p "$(dirname "$1")"; echo "${2:-$1}" > "$1"; git add -A; git commit -q -m "Write $1"; }
over() { printf -- '---SESSION_SUMMARY---\nstatus: %s\nsummary: %s\n---END_SESSION_SUMMARY---\n' "${1:-completed}" "did it"; }
wait_for() { until test -e "$1"; do sleep 0.02; done; }
cp "$PADDOCK_PROMPT_FILE" "$NOTES/$PADDOCK_PROJECT.$PADDOCK_OBJECTIVE.$PADDOCK_SESSION.prompt"
script=$(sed -n '/^```sh$/,/^```$/p' "$PADDOCK_PROMPT_FILE" | sed '1d;/^```$/,$d')
eval "$script"
"#;

/// Runs the script that lies in the sandbox for its objective, else writes and commits one file, and completes. Around
/// that it notes outside of the worktree that it runs, and holds a lock for as long as any process of it lives: nothing
/// can run twice without being seen. `@HOME@` stands for the sandbox.
pub(super) const SCRIPTED: &str = r#"set -eu
home=@HOME@
echo "start $PADDOCK_SESSION $PADDOCK_OBJECTIVE $PADDOCK_SESSION_KIND $(date +%s%N)" >> "$home/starts"
exec 9>> "$home/busy/$PADDOCK_OBJECTIVE"
flock --nonblock 9 || echo "two at once in $PADDOCK_OBJECTIVE" >> "$home/faults"
cp "$PADDOCK_PROMPT_FILE" "$home/prompts/$PADDOCK_SESSION"
cd "$PADDOCK_WORKTREE"
script="$home/scripts/$PADDOCK_OBJECTIVE"
if [ -e "$script" ]; then . "$script"; else
  echo "by $PADDOCK_OBJECTIVE" > "$PADDOCK_OBJECTIVE.txt"
  git add --all && git commit --quiet --message "Work of $PADDOCK_OBJECTIVE"
fi
printf '%s\n' ---SESSION_SUMMARY--- 'status: completed' 'summary: done' ---END_SESSION_SUMMARY---
"#;
