"""A scripted model server on 127.0.0.1, for real agent programs.

It speaks Anthropic messages, OpenAI chat completions, OpenAI responses and Gemini's generateContent, streamed and
not. A `Scenario` decides what it answers; nothing of the answer depends on chance.
"""

import itertools
import json
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SUMMARY = """---SESSION_SUMMARY---
status: completed
commits_made: 1
summary: |
  done
needs_follow_up: false
---END_SESSION_SUMMARY---
"""
# Names of the tools with which the agents run shell commands.
SHELLS = ("Bash", "bash", "run_shell_command", "exec_command", "shell_command", "shell", "local_shell")
INPUT_TOKENS, CACHED_TOKENS, OUTPUT_TOKENS = 5000, 1000, 40


class Request:
    """One request of an agent, in words that all four protocols have."""

    def __init__(self, api, path, body):
        self.api, self.path, self.body = api, path, body
        self.text = json.dumps(body, ensure_ascii=False)
        self.stream = bool(body.get("stream")) or "streamGenerateContent" in path
        self.model = body.get("model") or path.split("models/")[-1].split(":")[0]
        self.tools = {name: schema for name, schema in tools_of(api, body) if name in SHELLS}
        # True if the model is asked what to do after a command, false if it is given a task.
        self.after_tool = after_tool(api, body)

    def shell(self):
        """Returns the name of the shell tool and the schema of its arguments."""
        return next(((name, self.tools[name]) for name in SHELLS if name in self.tools), None)


def tools_of(api, body):
    for tool in body.get("tools") or []:
        if api == "gemini":
            for one in tool.get("functionDeclarations") or []:
                yield one.get("name"), one.get("parametersJsonSchema") or one.get("parameters") or {}
        elif api == "chat":
            one = tool.get("function") or {}
            yield one.get("name"), one.get("parameters") or {}
        elif api == "responses":
            yield tool.get("name") or tool.get("type"), tool.get("parameters") or {}
        else:
            yield tool.get("name"), tool.get("input_schema") or {}


def after_tool(api, body):
    """Tells whether the newest turn of the conversation is the result of a tool."""
    if api == "chat":
        turns = [one.get("role") for one in body.get("messages") or []]
        return bool(turns) and "tool" in turns[-1:] + turns[-2:-1] and turns[-1] in ("tool", "system", "user") and (
            turns[-1] == "tool" or not has_text(body["messages"][-1]))
    if api == "responses":
        items = body.get("input") or []
        kinds = [one.get("type") for one in items if isinstance(one, dict)]
        return bool(kinds) and (kinds[-1] or "").endswith("_output")
    if api == "gemini":
        parts = (body.get("contents") or [{}])[-1].get("parts") or []
        return any("functionResponse" in part for part in parts)
    content = (body.get("messages") or [{}])[-1].get("content")
    return isinstance(content, list) and any(part.get("type") == "tool_result" for part in content)


def has_text(message):
    content = message.get("content")
    if isinstance(content, list):
        content = "".join(part.get("text") or "" for part in content)
    return bool((content or "").strip())


def arguments(schema, command):
    """Returns arguments of a shell tool for this command, with a value for everything that its schema requires."""
    known = schema.get("properties") or {}
    found = {}
    for name in ("command", "cmd"):
        if name in known or not known:
            kind = (known.get(name) or {}).get("type", "string")
            found[name] = ["bash", "-lc", command] if kind == "array" else command
            break
    for name in schema.get("required") or []:
        kind = (known.get(name) or {}).get("type")
        found.setdefault(name, {"boolean": False, "number": 600000, "integer": 600000}.get(kind, "do the work"))
    return found


class Shell:
    """An answer that calls the shell tool."""

    def __init__(self, command):
        self.command = command


class Text:
    """An answer in words."""

    def __init__(self, text):
        self.text = text


class Fault:
    """An answer that is an error: a name of FAULTS, or how the connection fails (`hang`, `drop`, `empty`)."""

    def __init__(self, name, retry_after=None):
        self.name, self.retry_after = name, retry_after


# For each fault: the HTTP status, and what each vendor's server says.
FAULTS = {
    "rate": (429, {
        "anthropic": ("rate_limit_error", "This request would exceed your organization's rate limit of 50,000 input "
                      "tokens per minute."),
        "openai": ("rate_limit_exceeded", "Rate limit reached for {model} in organization org-fake on requests per min "
                   "(RPM): Limit 500, Used 500, Requested 1. Please try again in 2s."),
        "gemini": ("RESOURCE_EXHAUSTED", "Resource has been exhausted (e.g. check quota)."),
    }),
    "quota": (429, {
        "anthropic": ("rate_limit_error", "You've hit your session limit · resets 3pm (UTC)"),
        "openai": ("insufficient_quota", "You exceeded your current quota, please check your plan and billing details."),
        "gemini": ("RESOURCE_EXHAUSTED", "You have exhausted your daily quota on this model."),
    }),
    "overloaded": (529, {
        "anthropic": ("overloaded_error", "Overloaded"),
        "openai": ("server_is_overloaded", "The server is currently overloaded. Please try again later."),
        "gemini": ("UNAVAILABLE", "The model is overloaded. Please try again later."),
    }),
    "broken": (500, {
        "anthropic": ("api_error", "Internal server error"),
        "openai": ("server_error", "The server had an error while processing your request."),
        "gemini": ("INTERNAL", "An internal error has occurred."),
    }),
    "auth": (401, {
        "anthropic": ("authentication_error", "invalid x-api-key"),
        "openai": ("invalid_api_key", "Incorrect API key provided: dummy."),
        "gemini": ("INVALID_ARGUMENT", "API key not valid. Please pass a valid API key."),
    }),
    "model": (404, {
        "anthropic": ("not_found_error", "model: {model}"),
        "openai": ("model_not_found", "The model `{model}` does not exist or you do not have access to it."),
        "gemini": ("NOT_FOUND", "models/{model} is not found for API version v1beta."),
    }),
    "context": (400, {
        "anthropic": ("invalid_request_error", "prompt is too long: 214532 tokens > 200000 maximum"),
        "openai": ("context_length_exceeded", "This model's maximum context length is 128000 tokens. However, your "
                   "messages resulted in 214532 tokens. Please reduce the length of the messages."),
        "gemini": ("INVALID_ARGUMENT", "The input token count (1214532) exceeds the maximum number of tokens allowed "
                   "(1048576)."),
    }),
}


class Scenario:
    """Decides the answers of one run.

    `tasks` are lists of shell commands: each prompt gets the commands of its task one after the other, and then a
    summary. Prompts after the last task get that task again. `faults` maps the number of a request that is part of the work (from 0) to a Fault; the key "always"
    stands for every one. `edits` are answers for an agent without tools, one for each task.
    """

    def __init__(self, tasks=(), faults=None, edits=None):
        self.tasks, self.faults, self.edits = list(tasks), faults or {}, edits
        self.prompts, self.step = 0, 0
        self.requests = []
        self.lock = threading.Lock()

    def answer(self, request):
        """Returns the answer to a request, and remembers the request."""
        with self.lock:
            if self.edits is None and not request.tools:
                # A title, a summary of the conversation, a check of the key.
                return self.faults.get("always") or Text("ok")
            if self.edits is not None and "commit message" in request.text[:3000] and "diff" in request.text[:3000]:
                return Text("Add the file")
            number = len(self.requests)
            self.requests.append(request)
            fault = self.faults.get(number) or self.faults.get("always")
            if fault:
                return fault
            if self.edits is not None:
                self.prompts += 1
                edit = self.edits[min(self.prompts, len(self.edits)) - 1]
                return Text(f"{edit}\nDone with task {self.prompts}.\n\n{SUMMARY}")
            if request.after_tool:
                self.step += 1
            else:
                self.prompts, self.step = self.prompts + 1, 0
            commands = self.tasks[min(self.prompts, len(self.tasks)) - 1]
            if self.step < len(commands):
                return Shell(commands[self.step])
            return Text(f"Done with task {self.prompts}.\n\n{SUMMARY}")

    def resumed(self):
        """Tells whether the newest request carries the conversation of the first task."""
        with self.lock:
            return bool(self.requests) and "Done with task 1." in self.requests[-1].text


class Http(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        """Says nothing: an agent that is killed leaves its connection half way."""


class Server:
    """A server for one scenario. `url` is its address."""

    def __init__(self, scenario):
        self.scenario = scenario
        self.closing = threading.Event()
        self.numbers = itertools.count(1)
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_HEAD(self):
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def do_GET(self):
                send_json(self, 200, {"object": "list", "data": [{"id": "fake-model", "object": "model"}]})

            def do_POST(self):
                size = int(self.headers.get("content-length") or 0)
                try:
                    raw = self.rfile.read(size) if size else read_chunks(self.rfile)
                    body = json.loads(raw or b"{}")
                except (ValueError, OSError):
                    body = {}
                try:
                    outer.post(self, body)
                except OSError:
                    self.close_connection = True

        self.http = Http(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def close(self):
        """Ends the server, and every answer that hangs."""
        self.closing.set()
        self.http.shutdown()
        self.http.server_close()

    def post(self, out, body):
        path = out.path
        if "count_tokens" in path:
            return send_json(out, 200, {"input_tokens": INPUT_TOKENS})
        if "countTokens" in path:
            return send_json(out, 200, {"totalTokens": INPUT_TOKENS})
        api = api_of(path)
        if api is None:
            return send_json(out, 404, {"error": {"message": "no such address"}})
        request = Request(api, path, body)
        answer = self.scenario.answer(request)
        if isinstance(answer, Fault):
            if answer.name == "hang":
                self.closing.wait()
                out.close_connection = True
                return None
            if answer.name in FAULTS:
                return send_fault(out, request, answer)
        number = next(self.numbers)
        if not request.stream:
            return send_json(out, 200, WHOLE[api](request, answer, number), cut=isinstance(answer, Fault))
        return send_events(out, api, PIECES[api](request, answer, number), isinstance(answer, Fault) and answer.name)


def api_of(path):
    if "enerateContent" in path:
        return "gemini"
    if "/chat/completions" in path:
        return "chat"
    if "/responses" in path:
        return "responses"
    return "anthropic" if "/messages" in path else None


def read_chunks(stream):
    """Reads a body that is sent in chunks."""
    body = b""
    while size := int((stream.readline().strip() or b"0").split(b";")[0], 16):
        body += stream.read(size)
        stream.readline()
    return body


def send_json(out, status, value, headers=(), cut=False):
    """Answers with JSON. With `cut` the connection ends half way."""
    data = json.dumps(value).encode()
    out.send_response(status)
    out.send_header("content-type", "application/json")
    out.send_header("content-length", str(len(data)))
    for name, text in headers:
        out.send_header(name, text)
    out.end_headers()
    out.wfile.write(data[: len(data) // 2] if cut else data)
    if cut:
        drop(out)


def send_fault(out, request, fault):
    status, words = FAULTS[fault.name]
    vendor = {"anthropic": "anthropic", "gemini": "gemini"}.get(request.api, "openai")
    kind, text = words[vendor]
    text = text.format(model=request.model)
    if fault.retry_after:
        text = text.replace("in 2s", f"in {fault.retry_after}s")
    if status == 529 and vendor != "anthropic":
        status = 503
    if status == 401 and vendor == "gemini":
        status = 400
    headers = [("retry-after", str(fault.retry_after))] if fault.retry_after else []
    if vendor == "anthropic":
        body = {"type": "error", "error": {"type": kind, "message": text}}
    elif vendor == "gemini":
        if fault.retry_after:
            text += f"\nPlease retry in {fault.retry_after}s."
        body = {"error": {"code": status, "message": text, "status": kind, "details": gemini_details(fault)}}
    else:
        usage_limit = fault.name == "quota" and request.api == "responses"
        if usage_limit:
            # Words of a plan's limit, as the vendor sends them to subscribers.
            kind, text = "usage_limit_reached", "The usage limit has been reached"
        body = {"error": {"type": kind, "code": kind, "message": text, "param": None}}
        if usage_limit:
            body["error"].update(plan_type="plus", resets_at=int(time.time()) + (fault.retry_after or 3600))
    return send_json(out, status, body, headers)


def drop(out):
    out.wfile.flush()
    out.connection.shutdown(socket.SHUT_RDWR)
    out.close_connection = True


def gemini_details(fault):
    """Returns the machine-readable part of an error of Gemini's server."""
    of = "type.googleapis.com/google.rpc."
    if fault.name == "auth":
        return [{"@type": of + "ErrorInfo", "reason": "API_KEY_INVALID"}]
    if fault.name == "quota":
        violation = {"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier", "quotaValue": "100"}
        return [{"@type": of + "QuotaFailure", "violations": [violation]}]
    if fault.retry_after:
        return [{"@type": of + "RetryInfo", "retryDelay": f"{fault.retry_after}s"}]
    return []


def send_events(out, api, pieces, fault):
    """Streams an answer. With the fault `drop` the connection ends half way; with `empty` nothing is sent."""
    out.send_response(200)
    out.send_header("content-type", "text/event-stream")
    out.send_header("transfer-encoding", "chunked")
    out.end_headers()
    pieces = [] if fault == "empty" else pieces
    end = len(pieces) // 2 if fault == "drop" else len(pieces)
    for name, value in pieces[:end]:
        text = value if isinstance(value, str) else json.dumps(value)
        data = ((f"event: {name}\n" if name else "") + f"data: {text}\n\n").encode()
        out.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
    out.wfile.flush()
    if fault == "drop":
        drop(out)
        return
    out.wfile.write(b"0\r\n\r\n")


def halves(text):
    """Cuts a text in the middle, in a word if there is one."""
    return [piece for piece in (text[: len(text) // 2], text[len(text) // 2:]) if piece]


def words_of(answer):
    return answer.text if isinstance(answer, Text) else "I begin."


def anthropic_blocks(request, answer, number):
    if isinstance(answer, Shell):
        name, schema = request.shell()
        return [{"type": "tool_use", "id": f"toolu_fake_{number}", "name": name, "input": arguments(schema, answer.command)}]
    return [{"type": "text", "text": words_of(answer)}]


ANTHROPIC_USAGE = {"input_tokens": INPUT_TOKENS, "cache_creation_input_tokens": 0, "cache_read_input_tokens": CACHED_TOKENS,
                   "output_tokens": OUTPUT_TOKENS}


def anthropic_whole(request, answer, number):
    stop = "tool_use" if isinstance(answer, Shell) else "end_turn"
    return {"id": f"msg_fake_{number}", "type": "message", "role": "assistant", "model": request.model, "stop_sequence": None,
            "content": anthropic_blocks(request, answer, number), "stop_reason": stop, "usage": ANTHROPIC_USAGE}


def anthropic_pieces(request, answer, number):
    whole = anthropic_whole(request, answer, number)
    begin = {**whole, "content": [], "stop_reason": None, "usage": {**ANTHROPIC_USAGE, "output_tokens": 1}}
    pieces = [{"type": "message_start", "message": begin}]
    for at, block in enumerate(whole["content"]):
        if block["type"] == "text":
            pieces.append({"type": "content_block_start", "index": at, "content_block": {"type": "text", "text": ""}})
            deltas = [{"type": "text_delta", "text": half} for half in halves(block["text"])]
        else:
            pieces.append({"type": "content_block_start", "index": at, "content_block": {**block, "input": {}}})
            deltas = [{"type": "input_json_delta", "partial_json": half} for half in halves(json.dumps(block["input"]))]
        pieces += [{"type": "content_block_delta", "index": at, "delta": delta} for delta in deltas]
        pieces.append({"type": "content_block_stop", "index": at})
    pieces.append({"type": "message_delta", "delta": {"stop_reason": whole["stop_reason"], "stop_sequence": None},
                   "usage": ANTHROPIC_USAGE})
    pieces.append({"type": "message_stop"})
    return [(piece["type"], piece) for piece in pieces]


def chat_message(request, answer, number):
    if isinstance(answer, Shell):
        name, schema = request.shell()
        call = {"id": f"call_fake_{number}", "type": "function",
                "function": {"name": name, "arguments": json.dumps(arguments(schema, answer.command))}}
        return {"role": "assistant", "content": None, "tool_calls": [call]}, "tool_calls"
    return {"role": "assistant", "content": words_of(answer)}, "stop"


CHAT_USAGE = {"prompt_tokens": INPUT_TOKENS, "completion_tokens": OUTPUT_TOKENS, "total_tokens": INPUT_TOKENS + OUTPUT_TOKENS,
              "prompt_tokens_details": {"cached_tokens": CACHED_TOKENS}}


def chat_whole(request, answer, number):
    message, finish = chat_message(request, answer, number)
    return {"id": f"chatcmpl-fake-{number}", "object": "chat.completion", "created": 1, "model": request.model,
            "choices": [{"index": 0, "message": message, "finish_reason": finish}], "usage": CHAT_USAGE}


def chat_pieces(request, answer, number):
    message, finish = chat_message(request, answer, number)
    head = {"id": f"chatcmpl-fake-{number}", "object": "chat.completion.chunk", "created": 1, "model": request.model}
    deltas = [{"role": "assistant", "content": ""}]
    if message.get("tool_calls"):
        call = message["tool_calls"][0]
        first, *rest = halves(call["function"]["arguments"])
        deltas.append({"tool_calls": [{"index": 0, **call, "function": {**call["function"], "arguments": first}}]})
        deltas += [{"tool_calls": [{"index": 0, "function": {"arguments": half}}]} for half in rest]
    else:
        deltas += [{"content": half} for half in halves(message["content"])]
    pieces = [{**head, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas]
    pieces.append({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": finish}]})
    pieces.append({**head, "choices": [], "usage": CHAT_USAGE})
    return [(None, piece) for piece in pieces] + [(None, "[DONE]")]


def responses_item(request, answer, number):
    if isinstance(answer, Shell):
        name, schema = request.shell()
        return {"type": "function_call", "id": f"fc_fake_{number}", "call_id": f"call_fake_{number}", "name": name,
                "arguments": json.dumps(arguments(schema, answer.command)), "status": "completed"}
    return {"type": "message", "id": f"item_fake_{number}", "role": "assistant", "status": "completed",
            "content": [{"type": "output_text", "text": words_of(answer), "annotations": []}]}


def responses_whole(request, answer, number):
    usage = {"input_tokens": INPUT_TOKENS, "input_tokens_details": {"cached_tokens": CACHED_TOKENS},
             "output_tokens": OUTPUT_TOKENS, "output_tokens_details": {"reasoning_tokens": 0},
             "total_tokens": INPUT_TOKENS + OUTPUT_TOKENS}
    return {"id": f"resp_fake_{number}", "object": "response", "created_at": 1, "status": "completed", "model": request.model,
            "output": [responses_item(request, answer, number)], "usage": usage}


def responses_pieces(request, answer, number):
    whole = responses_whole(request, answer, number)
    item = whole["output"][0]
    pieces = [{"type": "response.created", "response": {**whole, "status": "in_progress", "output": [], "usage": None}},
              {"type": "response.output_item.added", "output_index": 0, "item": {**item, "status": "in_progress"}}]
    if item["type"] == "message":
        for half in halves(item["content"][0]["text"]):
            pieces.append({"type": "response.output_text.delta", "item_id": item["id"], "output_index": 0, "content_index": 0,
                           "delta": half})
    pieces.append({"type": "response.output_item.done", "output_index": 0, "item": item})
    pieces.append({"type": "response.completed", "response": whole})
    return [(piece["type"], piece) for piece in pieces]


def gemini_chunk(request, parts, finish):
    usage = {"promptTokenCount": INPUT_TOKENS, "cachedContentTokenCount": CACHED_TOKENS, "candidatesTokenCount": OUTPUT_TOKENS,
             "totalTokenCount": INPUT_TOKENS + OUTPUT_TOKENS}
    candidate = {"index": 0, "content": {"role": "model", "parts": parts}}
    if finish:
        candidate["finishReason"] = "STOP"
    return {"candidates": [candidate], "modelVersion": request.model, **({"usageMetadata": usage} if finish else {})}


def gemini_parts(request, answer):
    if isinstance(answer, Shell):
        name, schema = request.shell()
        return [{"functionCall": {"name": name, "args": arguments(schema, answer.command)}}]
    return [{"text": half} for half in halves(words_of(answer))]


def gemini_whole(request, answer, _number):
    return gemini_chunk(request, gemini_parts(request, answer), True)


def gemini_pieces(request, answer, _number):
    parts = gemini_parts(request, answer)
    pieces = [gemini_chunk(request, [part], False) for part in parts] + [gemini_chunk(request, [], True)]
    return [(None, piece) for piece in pieces]


WHOLE = {"anthropic": anthropic_whole, "chat": chat_whole, "responses": responses_whole, "gemini": gemini_whole}
PIECES = {"anthropic": anthropic_pieces, "chat": chat_pieces, "responses": responses_pieces, "gemini": gemini_pieces}
