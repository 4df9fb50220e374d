#!/usr/bin/env python3
"""Tries to get from a running streamd over HTTP what it must not give, and to bring it down.

  attack.py PORT ADMIN CONTROL READ EXPIRED [--long]

Tokens of these scopes. Prints one line for each thing that is not as it must be, and exits 1 if there is any.
"""
import json
import pathlib
import random
import socket
import sys
import threading
import time
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from openapi import Document  # noqa: E402

PORT = int(sys.argv[1])
ADMIN, CONTROL, READ, EXPIRED = sys.argv[2:6]
LONG = "--long" in sys.argv
wrong = []
statuses = {}


def check(good, what):
    if not good:
        wrong.append(what)
        print("WRONG", what, flush=True)


def connect(timeout=20):
    return socket.create_connection(("127.0.0.1", PORT), timeout)


def receive(sock):
    data = b""
    try:
        while b"\r\n\r\n" not in data:
            more = sock.recv(65536)
            if not more:
                return 0, {}, data
            data += more
        head, body = data.split(b"\r\n\r\n", 1)
        lines = head.decode("latin-1").split("\r\n")
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        length = int(headers.get("content-length", "-1"))
        while 0 <= len(body) < length:
            more = sock.recv(65536)
            if not more:
                break
            body += more
        return int(lines[0].split()[1]), headers, body
    except (ConnectionError, socket.timeout, ValueError, IndexError):
        return 0, {}, data


def raw(data):
    with connect() as sock:
        try:
            sock.sendall(data)
        except ConnectionError:
            pass
        return receive(sock)


def ask(method, path, token=ADMIN, body=None, host=None, **more):
    headers = {"Host": host or f"localhost:{PORT}", "Connection": "close"}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    if body is not None:
        headers["Content-Length"] = str(len(body))
        headers["Content-Type"] = "application/json"
    for name, value in more.items():
        headers[name.replace("_", "-")] = value
    head = f"{method} {path} HTTP/1.1\r\n" + "".join(f"{n}: {v}\r\n" for n, v in headers.items() if v is not None)
    status, found, answer = raw(head.encode() + b"\r\n" + (body or b""))
    statuses[status] = statuses.get(status, 0) + 1
    if status:
        check(not any(name.startswith("access-control") for name in found), f"{path}: CORS headers")
        if status not in (0, 400, 431) or found.get("content-type", "").startswith("application/json"):
            check("default-src 'none'" in found.get("content-security-policy", ""), f"{method} {path}: no CSP ({status})")
    return status, found, answer


def alive():
    return ask("GET", "/healthz", None)[0] == 200


status, _, text = ask("GET", "/api/v1/openapi.json", READ)
check(status == 200, f"openapi {status}")
api = json.loads(text)
check(api["openapi"].startswith("3.0"), "openapi version")
document = Document(api)
OPEN = {"/", "/icon.svg", "/page.css", "/healthz"} | {
    f"/{name}.js" for name in ("page", "link", "meters", "graph", "panels", "channels", "talk")}
routes = [(p, m.upper(), o) for p, item in api["paths"].items() for m, o in item.items()]
every = [(p, m) for p, m, _ in routes] + [(p, "GET") for p in OPEN]


def body_for(method):
    return b"{}" if method == "POST" else None


# Names that are not ours, on every route, before anything else.
for path, method in every:
    for host in ("evil.example", f"evil.example:{PORT}", f"localhost.evil.example:{PORT}", "127.0.0.1:1"):
        check(ask(method, path, ADMIN, body_for(method), host=host)[0] == 403, f"{method} {path} as {host}")
    for name, value in (("Origin", "http://evil.example"), ("Origin", "null"), ("Sec_Fetch_Site", "cross-site"),
                        ("Sec_Fetch_Site", "same-site")):
        check(ask(method, path, ADMIN, body_for(method), **{name: value})[0] == 403, f"{method} {path} {name} {value}")
check(raw(b"GET /metrics HTTP/1.1\r\n\r\n")[0] in (400, 403), "no Host")
check(raw(b"GET /metrics HTTP/1.0\r\n\r\n")[0] in (400, 403), "no Host, 1.0")
check(raw(f"GET /healthz HTTP/1.1\r\nHost: localhost:{PORT}\r\nHost: evil\r\n\r\n".encode())[0] in (400, 403), "two Hosts")

# Tokens, on every route.
for path, method, operation in routes:
    if path in OPEN:
        continue
    for token, name in ((None, "none"), ("0" * 64, "wrong"), ("", "empty"), (EXPIRED, "expired"), (ADMIN[:-1], "short")):
        status, headers, _ = ask(method, path, token, body_for(method))
        check(status == 401, f"{method} {path} with token {name}: {status}")
        check("www-authenticate" in headers, f"{path}: no WWW-Authenticate")
    scope = operation.get("x-scope", "read")
    if scope != "read":
        check(ask(method, path, READ, b"{}")[0] == 403, f"{path} with a token that may read")
    if scope == "admin":
        check(ask(method, path, CONTROL, b"{}")[0] == 403, f"{path} with a token that may control")
    if method == "POST":
        for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", None):
            check(ask(method, path, ADMIN, b"{}", Content_Type=kind)[0] == 415, f"{path} as {kind}")
        for body in (b"{", b"[]", b"nul", b'{"a":}', b"[" * 5000, b"\xff\xfe", b'"x"', b'{"unheard_of":1}'):
            status = ask(method, path, ADMIN, body)[0]
            # A whole body may be one argument, which is refused for what it is, or because nobody is there to take it.
            check(status == 400 or path == "/config" and status in (400, 503), f"{path} with {body[:20]!r}: {status}")
check(ask("GET", f"/metrics?token={ADMIN}", None)[0] == 401, "a token in the address")

# Methods and paths.
for method in ("PUT", "DELETE", "OPTIONS", "TRACE", "PATCH"):
    status, headers, _ = ask(method, "/status", ADMIN)
    check(status == 405 and headers.get("allow") == "GET", f"{method}: {status} {headers.get('allow')}")
for path in ("/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/page.js/../../x", "/..%2f..%2fetc/passwd", "//etc/passwd",
             "/page.css%00.html", "/api/v1/..%2f..%2fstatus", "/%ff%fe", "/api/v1/subscribe", "/api/v1/ring.open",
             "/" + "a" * 4000):
    status = ask("GET", path, ADMIN)[0]
    check(status in (400, 404) or path == "/page.css%00.html" and status == 200, f"{path[:40]}: {status}")
check(alive(), "not alive after paths")

# Sizes.
big = b" " * (10 << 20)
check(ask("POST", "/ptt", ADMIN, big)[0] in (413, 0), "10 MB")
chunks = b"".join(b"10000\r\n" + b" " * 0x10000 + b"\r\n" for _ in range(160)) + b"0\r\n\r\n"
head = (f"POST /ptt HTTP/1.1\r\nHost: localhost:{PORT}\r\nAuthorization: Bearer {ADMIN}\r\n"
        "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n").encode()
check(raw(head + chunks)[0] in (413, 0), "10 MB in chunks")
check(ask("GET", "/status", ADMIN, X_Big="a" * 200000)[0] in (0, 400, 413, 431), "a huge header")
check(raw(b"\x16\x03\x01\x02\x00" + bytes(range(256)) * 4)[0] in (0, 400), "TLS to a plain port")
for _ in range(200 if LONG else 40):
    noise = bytes(random.randrange(256) for _ in range(random.randrange(1, 400))) + b"\r\n\r\n"
    check(raw(noise)[0] in (0, 400, 403, 404, 405), "noise")
check(alive(), "not alive after sizes")

# Slow requests and crowds.
slow = []
for _ in range(30):
    sock = connect()
    sock.sendall(b"GET /status HTTP/1.1\r\nHost: loc")
    slow.append(sock)
check(alive(), "slow requests keep others out")
for sock in slow:
    sock.close()
crowd = []
for _ in range(1000 if LONG else 150):
    try:
        crowd.append(connect(2))
    except OSError:
        break
for sock in crowd:
    sock.close()
deadline = time.monotonic() + 20
while not alive() and time.monotonic() < deadline:
    time.sleep(0.05)
check(alive(), "not alive after a crowd")

# Event streams: so many and no more, and their places come back.
streams, accepted, refused = [], 0, 0
for _ in range(100):
    try:
        sock = connect()
        sock.sendall(f"GET /api/v1/events?topics=health HTTP/1.1\r\nHost: localhost:{PORT}\r\n"
                     f"Authorization: Bearer {READ}\r\n\r\n".encode())
        status = receive(sock)[0]
    except OSError:
        status = 0
    if status == 200:
        accepted += 1
        streams.append(sock)
    else:
        refused += status in (0, 503)
        sock.close()
check(accepted == 16 and refused == 84, f"100 streams: {accepted} accepted, {refused} refused")
check(alive(), "not alive beside 16 streams")
for sock in streams:
    sock.close()
deadline = time.monotonic() + 20
again = 0
while again != 200 and time.monotonic() < deadline:
    with connect() as sock:
        sock.sendall(f"GET /api/v1/events?topics=health HTTP/1.1\r\nHost: localhost:{PORT}\r\n"
                     f"Authorization: Bearer {READ}\r\n\r\n".encode())
        again = receive(sock)[0]
check(again == 200, "places of streams do not come back")

# Whatever the document allows, and what it does not: no answer is the daemon's own fault.
random.seed(sys.argv[2])
odd = ["", "x", "default", "mic", "127.0.0.1:9", "s99", "m1", "node:x", "\u00e9\u0000\n", "a" * 5000, 0, -1, 1, 2, 8, 48000,
       1e300, -1e300, True, False, None, [], {}, [[]], {"a": {"b": []}}, [1, "x"], "gain", 2**62]


def value(schema, depth=0):
    if random.random() < 0.3 or depth > 3:
        return random.choice(odd)
    if "enum" in schema:
        return random.choice(schema["enum"])
    kind = schema.get("type")
    if kind in ("integer", "number"):
        low, high = max(schema.get("minimum", -1000), -2**62), min(schema.get("maximum", 1000), 2**62)
        return random.randint(int(low), int(high)) if kind == "integer" else random.uniform(low, high)
    if kind == "boolean":
        return random.random() < 0.5
    if kind == "array":
        return [value(schema.get("items", {}), depth + 1) for _ in range(random.randrange(4))]
    if kind == "object":
        return {n: value(s, depth + 1) for n, s in schema.get("properties", {}).items() if random.random() < 0.7}
    return random.choice(odd)


def harmless(sent, schema):
    """Who asks to be let wait is not let wait for long, and sound goes to nobody but ourselves."""
    if not isinstance(sent, dict):
        return sent
    if "timeout" in schema.get("properties", {}) and isinstance(sent.get("timeout", 10), (int, float)):
        if not isinstance(sent.get("timeout"), bool) and 0 <= sent.get("timeout", 10) <= 3600:
            sent["timeout"] = random.random() * 0.02
    known = schema.get("properties", {})
    for name in ("to", "bind", "client_ip"):
        if isinstance(sent.get(name), str) and len(sent[name]) <= known.get(name, {}).get("maxLength", 0):
            sent[name] = "127.0.0.1:9"
    return sent


asked = {}


def judge(path, method, operation, what, reply, is_allowed):
    status, headers, answer = reply
    asked.setdefault(f"{method} {path}", set()).add(is_allowed)
    where = f"{method} {path} {what[:150]!r}"
    kind = headers.get("content-type", "")
    code = ""
    if kind.startswith("application/json"):
        try:
            value = json.loads(answer)
        except ValueError:
            return check(False, f"{where}: {status} is not JSON: {answer[:80]!r}")
        code = value.get("error", {}).get("code", "") if isinstance(value, dict) else ""
        schema = document.answer(operation, status, kind)
        for violation in document.violations(schema, value) if schema else ["an answer that is not promised"]:
            check(False, f"{where}: {status} {violation}")
    else:
        check(status == 200 and document.answer(operation, status, kind) is not None, f"{where}: {status} {kind}")
    good = status in (200, 400, 403, 404, 409, 412, 413) or status == 503 and code in ("unavailable", "busy", "")
    good = good or status == 504 and code == "timeout" and path.endswith("_wait")
    check(good, f"{where}: {status} {answer[:200]!r}")
    if is_allowed is False:
        check(status == 400, f"{where} is not in the schema, and was answered {status} {answer[:120]!r}")


def post(path, operation, sent, is_allowed):
    body = json.dumps(sent).encode()
    judge(path, "POST", operation, body.decode(), ask("POST", path, ADMIN, body), is_allowed)


def schema_of(operation):
    return operation["requestBody"]["content"]["application/json"]["schema"]


def get(path, operation, arguments, is_allowed):
    query = urllib.parse.urlencode({n: v if isinstance(v, str) else json.dumps(v) for n, v in arguments.items()})
    where = f"{path}?{query}" if query else path
    judge(path, "GET", operation, query, ask("GET", where, ADMIN), is_allowed)


# Every operation: what its schema allows, what is at its bounds, and what is just beyond.
for path, method, operation in routes:
    if method == "POST":
        for sent, is_allowed in document.bodies(schema_of(operation)):
            post(path, operation, harmless(sent, schema_of(operation)), is_allowed)
        continue
    if path.endswith("/events"):
        asked.setdefault(f"GET {path}", set()).update({True, False})
        continue
    known = {p["name"]: p for p in operation.get("parameters", [])}
    least = {n: document.allowed(p["schema"])[0] for n, p in known.items() if p.get("required")}
    get(path, operation, harmless(dict(least), {"properties": known}), True)
    get(path, operation, {**least, "unheard_of": "1"}, False if path.startswith("/api/v1/") and "openapi" not in path else None)
    for name, parameter in known.items():
        for one in document.allowed(parameter["schema"])[:4]:
            get(path, operation, harmless({**least, name: one}, {"properties": known}), True)
        # In a query all is text, so what is wrong elsewhere may be right here: it is answered all the same.
        for one in document.forbidden(parameter["schema"]):
            get(path, operation, {**least, name: one}, None)
check(alive(), "not alive after what is at the bounds")
for path, method, operation in routes:
    check({True, False} <= asked.get(f"{method} {path}", set()) | ({False} if method == "GET" or path == "/config" else set()),
          f"{method} {path} was not asked with what is right and what is wrong: {asked.get(f'{method} {path}')}")

# And all of it at random, by which things come and go.
for _ in range(60 if LONG else 4):
    for path, method, operation in routes:
        if method != "POST":
            continue
        schema = schema_of(operation)
        sent = {n: value(s) for n, s in schema.get("properties", {}).items()
                if n in schema.get("required", []) or random.random() < 0.5}
        post(path, operation, harmless(sent, schema), None)
check(alive(), "not alive after the fuzz")
print(json.dumps({"operations": len(asked), "statuses": statuses, "wrong": len(wrong)}))
sys.exit(1 if wrong else 0)
