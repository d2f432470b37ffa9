"""The cases: each runs one agent through Paddock, in a workspace and a repository of its own."""

import json
import os
import shlex
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import programs
import record
from model import SUMMARY, Fault, Scenario, Server

# Folders have spaces and letters outside ASCII, as on real machines.
REPOSITORY, WORKSPACE = "my 仓库 (shop)", "work space 空间"
# A command that runs for ten minutes; some agents refuse a plain `sleep`.
LONG = "python3 -c 'import time; time.sleep(600)' agents-live-{run}"
# Gemini CLI tries ten times before it gives up, which takes four minutes.
PATIENCE_SECONDS = 420
# Who continues when an agent cannot: it commits the same file.
SECOND = 'cd "$1" && echo good > work.txt && git add work.txt && git commit -qm "Add the file" && printf %s "$2"'


class Wrong(Exception):
    """What a case expected and did not find."""


def write_command(text):
    return f"echo {text} > work.txt && git add work.txt && git commit -m 'Write {text}'"


def edit(old, new):
    lines = ["work.txt", "```", "<<<<<<< SEARCH", *([old] if old else []), "=======", new, ">>>>>>> REPLACE", "```"]
    return "\n".join(lines)


def scenario(agent, texts, faults=None):
    """Returns a scenario that writes these texts into work.txt, one for each task."""
    if agent == "aider":
        return Scenario(edits=[edit(old, new) for old, new in zip([None, *texts], texts)], faults=faults)
    return Scenario(tasks=[[write_command(text)] for text in texts], faults=faults)


# Places of cases that run now.
OPEN = set()


def clear():
    """Ends every process of the cases that run now, and removes their folders."""
    for place in list(OPEN):
        if place.supervisor:
            place.supervisor.kill()
        place.kill_processes()
        place.remove()


class Place:
    """A home, a repository and a workspace in a temporary folder, with one agent that uses the scripted server."""

    def __init__(self, paddock, agent, scenario, keep=False):
        self.paddock, self.agent, self.scenario, self.keep = paddock, agent, scenario, keep
        # Not below a folder of dots: agents treat some names specially.
        self.folder = Path(tempfile.mkdtemp(prefix="agents-live-"))
        self.run_id = self.folder.name.rsplit("-", 1)[-1]
        self.server = Server(scenario)
        self.supervisor = None
        self.home, self.repo, self.ws = self.folder / "home", self.folder / REPOSITORY, self.folder / WORKSPACE
        self.home.mkdir()
        self.repo.mkdir()
        self.agent_env = programs.prepare(agent, self.home, self.server.url)
        self.env = {**programs.environment(self.home), "AGENTS_LIVE_RUN": self.run_id}

    def __enter__(self):
        OPEN.add(self)
        return self

    def __exit__(self, *_):
        self.stop_supervisor()
        self.server.close()
        self.kill_processes()
        OPEN.discard(self)
        self.remove()

    def kill_processes(self):
        for pid, _ in self.processes():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def remove(self):
        if self.keep:
            print(f"  kept: {self.folder}", flush=True)
        else:
            subprocess.run(["chmod", "-R", "u+w", self.folder], check=False)
            subprocess.run(["rm", "-rf", self.folder], check=False)

    def set_up(self, gate="test ! -f work.txt || grep -q good work.txt", extra="", identity="repository"):
        """Makes repository and workspace, and an objective. The identity is in the repository, in the user's
        configuration, or nowhere; git may not guess one."""
        git = ["git", "-C", str(self.repo)]
        settings = "[user]\n\tuseConfigOnly = true\n[init]\n\tdefaultBranch = main\n"
        known = "\tname = Ada\n\temail = ada@example.org\n"
        programs.write(self.home / ".gitconfig", settings + ("[user]\n" + known if identity == "user" else ""))
        self.call([*git, "init", "-q", "-b", "main"])
        if identity == "repository":
            with open(self.repo / ".git/config", "a", encoding="utf-8") as file:
                file.write("[user]\n" + known)
        self.author = "paddock@localhost" if identity == "nowhere" else "ada@example.org"
        self.call([*git, "-c", "user.name=Ada", "-c", "user.email=ada@example.org", "commit", "-q", "--allow-empty", "-m",
                   "Begin"])
        self.call([self.paddock, "init", str(self.ws)])
        self.cli("project", "add", str(self.repo), "--slug", "shop", "--yes")
        second = {"id": "second", "cli_command": "sh", "transcript": "plain",
                  "command_template": ["sh", "-c", SECOND, "second", "{worktree}", SUMMARY]}
        lines = [
            "disk: {min_free_gb: 0}",
            "planner: {approval: auto}",
            f"verify: [{{name: gate, run: {json.dumps(gate)}}}]",
            "agents: " + json.dumps([{"id": self.agent, "env": self.agent_env}, second], ensure_ascii=False),
            f"workers: [{{id: implementer, agents: [{self.agent}, second]}}]",
            extra,
        ]
        with open(self.ws / "projects/shop.yaml", "a", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
        self.cli("objective", "add", "--title", "Write the file", "--id", "write", "--description",
                 "Write the file work.txt. 写文件。")

    def call(self, words):
        # From another folder than the repository's and the workspace's.
        done = subprocess.run(words, env=self.env, cwd="/", capture_output=True, text=True, timeout=120)
        if done.returncode:
            raise Wrong(f"{shlex.join(map(str, words[-3:]))}: {done.stderr.strip()[-300:]}")
        return done.stdout

    def cli(self, *words):
        return self.call([self.paddock, "--root", str(self.ws), *words])

    def json(self, *words):
        return json.loads(self.cli(*words, "--json"))

    def start(self):
        """Starts the supervisor; it ends by itself when nothing moves."""
        words = [self.paddock, "--root", str(self.ws), "run", "--no-tui", "--no-planner", "--until-idle", "--json"]
        log = open(self.folder / "run.log", "wb")
        self.supervisor = subprocess.Popen(words, env=self.env, cwd="/", stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                           start_new_session=True)

    def wait(self, seconds=PATIENCE_SECONDS):
        """Waits until the supervisor ends."""
        try:
            self.supervisor.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Wrong(f"not idle after {seconds} s: {self.state()}") from None

    def until(self, what, test, seconds=60):
        """Waits until `test` is true."""
        end = time.monotonic() + seconds
        while not (found := test()):
            if time.monotonic() > end or self.supervisor.poll() is not None:
                raise Wrong(f"{what} did not happen: {self.state()}")
            time.sleep(0.1)
        return found

    def stop_supervisor(self):
        if self.supervisor and self.supervisor.poll() is None:
            self.supervisor.terminate()
            try:
                self.supervisor.wait(60)
            except subprocess.TimeoutExpired:
                self.supervisor.kill()

    def sessions(self):
        return sorted(self.json("session", "list"), key=lambda row: row["id"])

    def events(self, kind):
        rows = [json.loads(line) for line in self.cli("events", "--json").splitlines() if line.startswith("{")]
        return [row for row in rows if row["type"] == kind]

    def state(self):
        """Describes what became of the objective, in one line."""
        try:
            rows = [f"{row['id']} {row['agent']} {row['status']} ({(row['exit'] or {}).get('text')})" for row in self.sessions()]
            show = self.json("objective", "show", "write")
            note = show.get("note") or (show.get("reason") or {}).get("text") or ""
            return f"objective {show.get('status')} ({str(note)[:300]}); sessions: {'; '.join(rows)}"
        except (Wrong, ValueError, subprocess.TimeoutExpired) as error:
            return f"unknown: {error}"

    def usage(self, session):
        return self.json("session", "show", str(session))["account"]["usage"]

    def processes(self):
        """Returns the processes of this run that still live, other than its supervisor."""
        found = []
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit() or self.supervisor and int(entry.name) == self.supervisor.pid:
                continue
            try:
                marked = f"AGENTS_LIVE_RUN={self.run_id}\0".encode() in (entry / "environ").read_bytes() + b"\0"
                words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
            except OSError:
                continue
            if words and (marked or f"agents-live-{self.run_id}" in words):
                found.append((int(entry.name), words))
        return found

    def expect_landed(self):
        shown = subprocess.run(["git", "-C", self.repo, "show", "main:work.txt"], capture_output=True, text=True, env=self.env)
        if shown.stdout.strip() != "good":
            raise Wrong(f"main has no good work.txt: {self.state()}")

    def expect_author(self):
        who = self.call(["git", "-C", str(self.repo), "log", "-1", "--format=%ae", "main", "--", "work.txt"]).strip()
        if who != self.author:
            raise Wrong(f"the commit is by {who}")

    def expect_no_process(self):
        # Processes that were killed take a moment to disappear.
        end = time.monotonic() + 5
        while left := self.processes():
            if time.monotonic() > end:
                raise Wrong("left over: " + "; ".join(f"{pid} {words[:80]}" for pid, words in left))
            time.sleep(0.2)


def tokens_of(usage):
    tokens = usage.get("tokens") or {}
    return sum(tokens.get(name) or 0 for name in ("input", "cached", "output"))


def tell(usage):
    cost = usage.get("usd_micros")
    return f"{tokens_of(usage)} tokens" + (f", ${cost / 1e6:.4f}" if cost is not None else "")


def lands(place, identity="nowhere"):
    """An objective lands, although git knows no identity."""
    place.set_up(identity=identity)
    place.start()
    place.wait()
    place.expect_landed()
    place.expect_author()
    place.expect_no_process()
    if len(place.sessions()) != 1:
        raise Wrong(f"landed, but not in one session: {place.state()}")


def reports(place):
    """The session's tokens are known, each counted once, and its cost where the agent knows it."""
    lands(place, "user")
    usage = place.usage(1)
    if not tokens_of(usage):
        raise Wrong(f"no tokens: {usage}")
    requests = len(place.scenario.requests)
    wanted = requests * 5040
    # Calls for a title or a commit message count with some agents and not with others.
    if not wanted <= tokens_of(usage) <= wanted + 3 * 5040:
        raise Wrong(f"{tell(usage)} for {requests} requests of 5040")
    place.cli("session", "log", "1")
    return tell(usage)


def corrects(place):
    """A gate sends the work back; the correction continues the conversation and lands."""
    place.set_up()
    place.start()
    place.wait()
    place.expect_landed()
    place.expect_author()
    place.expect_no_process()
    rows = place.sessions()
    if len(rows) != 2:
        raise Wrong(f"not in two sessions: {place.state()}")
    second = tell(place.usage(2))
    if not place.scenario.resumed():
        return f"new conversation, {second}"
    usage = tokens_of(place.usage(2))
    if usage and usage > 4 * 5040 + 5040:
        raise Wrong(f"the correction counts what the first session used: {second}")
    return f"resumed, {second}"


def hands_over(place):
    """The agent meets a limit; the worker's second agent lands the work, and no retry is spent."""
    place.set_up(extra="session_defaults: {stall_minutes: 1}")
    begun = time.monotonic()
    place.start()
    place.wait()
    place.expect_landed()
    place.expect_no_process()
    agents = [row["agent"] for row in place.sessions()]
    if agents != [place.agent, "second"]:
        raise Wrong(f"sessions of {', '.join(agents)}: {place.state()}")
    cooling = [event["data"]["cooldown"] for event in place.events("agent_cooling")]
    seconds = f"{time.monotonic() - begun:.0f} s"
    if not cooling and place.sessions()[0]["status"] == "stalled":
        # Some agents wait for an hour and print nothing.
        return f"stalled, {seconds}"
    if not cooling:
        raise Wrong(f"{place.agent} does not cool down: {place.state()}")
    kind, until = cooling[0]["failure"]["class"], cooling[0]["until_ms"]
    minutes = (until / 1000 - time.time()) / 60
    if kind not in ("rate_limit", "quota", "overloaded", "network"):
        raise Wrong(f"cools down for {kind}")
    return f"{kind}, {'named' if cooling[0].get('named') else 'unnamed'} {minutes:.0f} min, {seconds}"


def is_stopped(place):
    """A session is killed while a command runs (aider: while the model is silent); its usage is known."""
    place.set_up()
    place.start()
    if place.agent == "aider":
        place.until("a second request", lambda: len(place.scenario.requests) > 1)
    else:
        mark = f"agents-live-{place.run_id}"
        place.until("the command", lambda: any(mark in words and "python3 -c" in words for _, words in place.processes()))
    begun = time.monotonic()
    place.cli("session", "kill", "1", "--yes") if wants_yes(place) else place.cli("session", "kill", "1")
    place.wait()
    seconds = time.monotonic() - begun
    place.expect_no_process()
    row = place.sessions()[0]
    usage = place.usage(1)
    if not tokens_of(usage):
        raise Wrong(f"no usage after {seconds:.0f} s: {row['status']}, {(row['exit'] or {}).get('text')}")
    return f"{tell(usage)}, {seconds:.0f} s"


def wants_yes(place):
    return "--yes" in subprocess.run([place.paddock, "session", "kill", "--help"], capture_output=True, text=True).stdout


def times_out(place):
    """A session reaches its time limit while a command runs; its usage is known, and what follows is sensible."""
    place.set_up(extra="session_defaults: {max_minutes_per_session: 1}\nrecovery: {max_retries: 0}")
    place.start()
    place.wait()
    place.expect_no_process()
    place.expect_landed()
    row = place.sessions()[0]
    usage = place.usage(1)
    if not tokens_of(usage):
        raise Wrong(f"no usage: {row['status']}, {(row['exit'] or {}).get('text')}")
    return f"{row['status']}, {tell(usage)}"


def fails(place):
    """The agent fails for good; tells how Paddock names it. Only what nobody expected is wrong."""
    place.set_up(extra="recovery: {max_retries: 0}\nsession_defaults: {stall_minutes: 1}")
    begun = time.monotonic()
    place.start()
    place.wait()
    place.expect_no_process()
    row = place.sessions()[0]
    failure = place.json("session", "show", "1")["account"]["failure"] or {}
    agents = [row["agent"] for row in place.sessions()]
    return (f"{row['status']}, {failure.get('class', 'no failure')}, {time.monotonic() - begun:.0f} s, "
            f"{len(place.scenario.requests)} requests, sessions of {'+'.join(agents)}")


def always(name, retry_after=None):
    return lambda agent: scenario(agent, ["good"], faults={"always": Fault(name, retry_after)})


def long_command(agent):
    if agent == "aider":
        # Its second request: an edit that does not apply is sent back to it.
        return Scenario(edits=[edit("not there", "good"), edit(None, "good")], faults={1: Fault("hang")})
    return Scenario(tasks=[[write_command("good"), *[LONG] * 20], []])


# For each name: what runs, and the scenario of an agent.
CASES = {
    "lands": (lands, lambda agent: scenario(agent, ["good"])),
    "tokens": (reports, lambda agent: scenario(agent, ["good"])),
    "resumes": (corrects, lambda agent: scenario(agent, ["bad", "good"])),
    "limit": (hands_over, always("rate")),
    "limit-named": (hands_over, always("rate", 3600)),
    "limit-plan": (hands_over, always("quota")),
    "stopped": (is_stopped, long_command),
    "time-limit": (times_out, long_command),
    "overloaded": (hands_over, always("overloaded")),
    "broken": (fails, always("broken")),
    "auth": (fails, always("auth")),
    "model": (fails, always("model")),
    "context": (fails, always("context")),
    "drop": (fails, always("drop")),
    "empty": (fails, always("empty")),
    "hang": (fails, always("hang")),
}
# What `run` tries if no case is named: each ends within a few minutes.
USUAL = ("lands", "tokens", "resumes", "limit", "limit-named", "limit-plan", "stopped")


def run(paddock, agent, case, keep, target=None):
    """Runs one case. Returns whether it is as expected, and what was seen. Keeps a recording in the folder `target`."""
    check, make = CASES[case]
    plan = make(agent)
    with Place(paddock, agent, plan, keep) as place:
        plan.tasks = [[command.replace("{run}", place.run_id) for command in task] for task in plan.tasks]
        try:
            found = True, check(place) or ""
        except Wrong as wrong:
            found = False, str(wrong)
        except subprocess.TimeoutExpired as error:
            found = False, f"no answer: {error}"
        if target:
            record.keep(place, case, programs.version(agent, place.home), target)
        return found
