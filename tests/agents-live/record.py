"""Keeps what an agent printed in a case, as a recording for tests/data/transcripts."""

import os
import re
import socket
from pathlib import Path

# The name of each case's recording, and the session that is kept. `resumes` is the second one's conversation.
NAMES = {"lands": ("ok", 1), "resumes": ("ok-resume", 2), "limit": ("429", 1), "limit-named": ("429-ra3600", 1),
         "limit-plan": ("quota", 1), "stopped": ("killed", 1), "time-limit": ("stopped", 1), "overloaded": ("529", 1),
         "broken": ("500", 1), "auth": ("401", 1), "model": ("404", 1), "context": ("context", 1), "drop": ("drop", 1),
         "empty": ("empty", 1), "hang": ("hang", 1)}


def keep(place, case, version, target):
    """Writes a session's output and exit into the folder of its agent. Names nothing of this machine."""
    name, number = NAMES.get(case, (None, None))
    if name is None:
        return
    process = place.json("session", "show", str(number)).get("process") or {}
    folder = target / place.agent
    folder.mkdir(parents=True, exist_ok=True)
    stem = folder / f"{name}-{version}"
    exit = process.get("exit") or {}
    status = exit["code"] if "code" in exit else -exit.get("signal", 15)
    with_ending(stem, ".exit").write_text(f"{status}\n")
    for stream in ("stdout", "stderr"):
        session = place.ws / "runtime/sessions" / str(number)
        segments = sorted(session.glob(f"{stream}.log.*"), key=lambda path: int(path.suffix[1:]))
        text = b"".join(path.read_bytes() for path in segments).decode(errors="replace")
        if text or stream == "stdout":
            with_ending(stem, f".{stream}").write_text(shortened(place, text), encoding="utf-8")


def with_ending(stem, ending):
    return stem.with_name(stem.name + ending)


def shortened(place, text):
    """Replaces the paths of this run."""
    worktree = str(place.folder / "my 仓库 (shop)-wt/shop/write")
    programs_dir = os.environ.get("PADDOCK_AGENTS_DIR") or "/usr/lib/node_modules"
    homes = [(worktree, "/repo"), (str(place.home), "/home/user"), (str(place.repo), "/origin"),
             (str(place.ws), "/workspace"), (str(place.folder), "/runs"),
             (str(Path(programs_dir).resolve()), "/usr/lib/agents")]
    for path, short in homes:
        # As it is, as JSON may write it, and as a name that agents make of it.
        ascii_only = path.encode("ascii", "backslashreplace").decode()
        text = text.replace(path, short).replace(ascii_only, short)
        text = text.replace(re.sub(r"[^A-Za-z0-9]", "-", path), short.replace("/", "-"))
    text = text.replace(place.run_id, "run").replace(socket.gethostname(), "host")
    return re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:8080", text)
