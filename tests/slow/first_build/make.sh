#!/bin/sh
# Makes a workspace as the first build leaves it, with a session that goes on under its keeper.
#
#   make.sh BINARY FOLDER
#
# BINARY is a paddock of the first build. FOLDER must not exist; it gets `ws` (the workspace), `web` and `plain` (two
# repositories), `wt` (worktrees and gate folders), `home` and the agent. The session of `running` works until
# FOLDER/go exists. The last step leaves it to its keeper and ends the supervisor.
set -eu
paddock=$1
mkdir -p "$2/home" "$2/scripts"
folder=$(cd "$2" && pwd -P)
export HOME="$folder/home" GIT_CONFIG_GLOBAL="$folder/home/.gitconfig" GIT_CONFIG_NOSYSTEM=1
export XDG_DATA_HOME="$folder/home/data" PADDOCK_LOG_LEVEL=warn
unset XDG_CONFIG_HOME XDG_RUNTIME_DIR PADDOCK_ROOT PADDOCK_PROJECT CDPATH
in_web() { "$paddock" --root "$folder/ws" --project web "$@"; }

cat > "$GIT_CONFIG_GLOBAL" <<'END'
[user]
name = Ada
email = ada@localhost
[init]
defaultBranch = main
END

cat > "$folder/agent.sh" <<'END'
folder=$(dirname "$0")
cd "$PADDOCK_WORKTREE"
said=completed
if [ "$PADDOCK_SESSION_KIND" = planner ]; then
  printf '%s\n' '```yaml' 'reasoning: more is to be done' 'objectives:' \
    '  - {id: planned, title: Planned work, description: as planned, acceptance_criteria: [], path_scope: ["planned/**"], depends_on: [], worker_id: implementer, priority: 0}' '```'
else
  . "$folder/scripts/$PADDOCK_OBJECTIVE"
fi
printf '%s\n' ---SESSION_SUMMARY--- "status: $said" 'summary: |' "  by $PADDOCK_OBJECTIVE" ---END_SESSION_SUMMARY---
END

script() { cat > "$folder/scripts/$1"; }
work='mkdir -p "$PADDOCK_OBJECTIVE"; echo "$PADDOCK_SESSION" > "$PADDOCK_OBJECTIVE/file"; git add --all; git commit --quiet --message "Work of $PADDOCK_OBJECTIVE"'
for name in landed second queued waiting planned later alone; do echo "$work" | script "$name"; done
script asks <<END
$work
echo 中文 > asks/待定.txt
said=blocked
END
{ echo "$work"; echo 'said=blocked'; } | script turned-down
script running <<END
$work
while [ ! -e "\$folder/go" ]; do sleep 0.1; done
echo more > running/more
git add --all; git commit --quiet --message "The rest of running"
END

for name in web plain; do
  git init --quiet --initial-branch main "$folder/$name"
  echo "# $name" > "$folder/$name/README.md"
  echo '*.log' > "$folder/$name/.gitignore"
  git -C "$folder/$name" add --all
  git -C "$folder/$name" commit --quiet --message 'Begin'
done

"$paddock" init "$folder/ws"
in_web project add "$folder/web" --slug web --yes
in_web project add "$folder/plain" --slug plain --yes
cat > "$folder/ws/projects/web.yaml" <<END
slug: web
name: The web 网站
repo_root: ../web
worktrees_root: ../wt
target_branch: main
max_parallel_sessions: 3
disk: {min_free_gb: 0}
session_defaults: {planner_agent: sh}
planner: {approval: manual}
verify: [{name: gate, run: "test -e README.md && echo '1 passed, 0 failed'", timeout_minutes: 2}]
agents: [{id: sh, command_template: [sh, "$folder/agent.sh"], planner: true}]
END
cat > "$folder/ws/projects/plain.yaml" <<END
slug: plain
name: Plain
repo_root: ../plain
worktrees_root: ../wt
agents: [{id: sh, command_template: [sh, "$folder/agent.sh"]}]
disk: {min_free_gb: 0}
END

in_web goal add 'A shop' -d 'People buy things'
in_web milestone add 'The cart' --goal a-shop
in_web phase add 'First steps' --milestone the-cart

objective() { in_web objective add --id "$1" --title "$2" --scope "$1/**" $3; }
objective landed 'Lands first 先' ''
objective second 'Lands second' '--depends-on landed'
objective asks 'Asks a person' ''
objective turned-down 'Is turned down' ''
objective waiting 'Waits for what asks' '--depends-on asks'
"$paddock" --root "$folder/ws" --project plain objective add --id alone --title 'All alone' --scope 'alone/**'
"$paddock" --root "$folder/ws" run --no-tui --no-planner --until-idle || [ $? = 3 ]

git -C "$folder/web" commit --quiet --allow-empty --message 'A commit of the user'
"$paddock" --root "$folder/ws" run --no-tui --no-planner --until-idle || [ $? = 3 ]
in_web objective reject turned-down --note 'not like this' --final
in_web queue hold
objective queued 'Is queued' ''
objective later 'Comes later' ''
in_web objective pause later
objective skipped 'Is skipped' ''
in_web objective skip skipped
objective cancelled 'Is cancelled' ''
in_web objective cancel cancelled
"$paddock" --root "$folder/ws" run --no-tui --no-planner --until-idle || [ $? -ge 3 ]
in_web plan
"$paddock" --root "$folder/ws" run --no-tui --until-idle || [ $? -ge 3 ]

objective running 'Goes on' ''
"$paddock" --root "$folder/ws" run --no-tui --no-planner > "$folder/run.log" 2>&1 &
until [ -e "$folder/wt/web/running/running/file" ]; do sleep 0.1; done
"$paddock" --root "$folder/ws" supervisor stop --leave
wait
