//! The agents of sandboxes: shell scripts.

/// An agent that runs the `sh` block of its objective's description. `commit FILE` writes and commits a file,
/// `over [STATUS]` prints the summary, `wait_for FILE` waits until a file exists.
pub(super) const PROMPTED: &str = r#"
set -e
commit() { mkdir -p "$(dirname "$1")"; echo "${2:-$1}" > "$1"; git add -A; git commit -q -m "Write $1"; }
over() { printf -- '---SESSION_SUMMARY---\nstatus: %s\nsummary: %s\n---END_SESSION_SUMMARY---\n' "${1:-completed}" "did it"; }
wait_for() { until test -e "$1"; do sleep 0.02; done; }
cp "$PADDOCK_PROMPT_FILE" "$NOTES/$PADDOCK_PROJECT.$PADDOCK_OBJECTIVE.$PADDOCK_SESSION.prompt"
script=$(sed -n '/^```sh$/,/^```$/p' "$PADDOCK_PROMPT_FILE" | sed '1d;/^```$/,$d')
eval "$script"
"#;

/// An agent that runs the script that the sandbox has for its objective; without one it writes and commits
/// one file. It also records each start outside the worktree, and holds a lock as long as any of its
/// processes lives, so that a test sees if two run at the same time. `@HOME@` stands for the sandbox.
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
