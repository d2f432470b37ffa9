# Stands in for a keeper of the first build: it holds the locks of the session and of its worktree (its standard input
# and output), has the agent work, and writes exit.json as that build wrote it.
#   keeper.sh SESSION_FOLDER WORKTREE AGENT
trap '' USR1 HUP
cd "$2" || exit 1
awake_from=$(date +%s)
sh "$3" < /dev/null > "$1/stdout.log.0" 2> "$1/stderr.log.0"
code=$?
awake_ms=$((($(date +%s) - awake_from) * 1000))
bytes=$(wc -c < "$1/stdout.log.0" | tr -d ' ')
cat > "$1/exit.json.new" <<END
{
  "version": 1,
  "key": {"kind": "session", "id": 8, "attempt": 1},
  "stages": [
    {
      "name": "agent",
      "outcome": {"kind": "exited", "code": $code},
      "late_code": null,
      "started_at_ms": ${awake_from}000,
      "ended_at_ms": $(date +%s)000,
      "awake_ms": $awake_ms,
      "stdout_from": 0,
      "stderr_from": 0
    }
  ],
  "stop": null,
  "awake_ms": $awake_ms,
  "started_at_ms": ${awake_from}000,
  "ended_at_ms": $(date +%s)000,
  "usage": {"user_ms": 0, "system_ms": 0, "peak_rss_bytes": null},
  "leaked": false,
  "survivors_killed": 0,
  "survivors_left": 0,
  "killed_hard": false,
  "stdout": {"written_bytes": $bytes, "kept_bytes": $bytes},
  "stderr": {"written_bytes": 0, "kept_bytes": 0},
  "log_error": null
}
END
mv "$1/exit.json.new" "$1/exit.json"
