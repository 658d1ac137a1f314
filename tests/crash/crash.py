#!/usr/bin/env python3
"""kill -9 at random points, again and again: nothing accepted is lost, nothing is raised twice.

  tests/crash/crash.py build/omen [--kills N] [--events N] [--seed S]

The same events go through `omen serve` twice: undisturbed, and with kills at random moments, after each of which the
service is started again, with another number of shards and another durability, and sent whatever was not
acknowledged. Rules are reloaded at the same places. Then:

  the outbox of both runs is equal, in order, ids and bodies
  every acknowledged event is in the log
  a healthy, a flaky and a slow receiver got every row at least once, each id with one body; a dead one loses nothing

The events are of the near future, so that the clock of the wall never moves the stream's: both runs see one stream.
Its last line is `N passed, N failed`.
"""
import argparse, http.server, json, os, random, shutil, signal, socket, sqlite3, subprocess, sys, tempfile, threading, time

HERE = os.path.dirname(os.path.abspath(__file__))


class Receiver(threading.Thread):
    """A webhook receiver: `fails` of its answers are 500, each takes `delay_s`."""

    def __init__(self, fails, delay_s):
        super().__init__(daemon=True)
        self.got, self.lock = {}, threading.Lock()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                if delay_s:
                    time.sleep(delay_s)
                with outer.lock:
                    is_bad = outer.random.random() < fails
                    if not is_bad:
                        outer.got.setdefault(self.headers["webhook-id"], set()).add(body)
                self.send_response(500 if is_bad else 200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            def handle_error(self, *_):  # the sender was killed
                pass

        self.random = random.Random(7)
        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = "http://127.0.0.1:%d/" % self.server.server_port

    def run(self):
        self.server.serve_forever()


def make_events(count, seed):
    """Lines with ids, users and times that begin a few minutes ahead of now."""
    chance, out = random.Random(seed), []
    time_us = (int(time.time()) + 600) * 1_000_000
    for i in range(count):
        time_us += chance.randrange(0, 3_000_000)
        kind = chance.choices(["view", "add", "buy", "refund", "other"], [30, 20, 25, 5, 20])[0]
        event = {"type": kind, "id": "e%d" % i, "ts": time_us, "user": "u%d" % chance.randrange(40)}
        if kind == "add":
            event["item"] = "i%d" % chance.randrange(9)
        if kind == "buy":
            event["price"] = chance.randrange(1, 100)
        out.append(json.dumps(event))
    return out


class Service:
    def __init__(self, omen, folder, env, shards):
        """`shards`: how many a start has, in turn."""
        self.shards, self.starts = shards, 0
        self.omen, self.data, self.env = omen, os.path.join(folder, "data"), env
        self.rules = os.path.join(folder, "rules.omen")
        self.log = open(os.path.join(folder, "service.log"), "ab")
        self.process = None

    def start(self):
        shards = self.shards[self.starts % len(self.shards)]
        durability = ("fsync", "off", "20ms")[self.starts % 3]
        self.starts += 1
        self.process = subprocess.Popen(
            [self.omen, "serve", self.rules, "--data", self.data, "--dedupe", "1 day", "--max-ahead", "60 days",
             "--snapshot-every", "300ms", "--shards", str(shards), "--durability", durability],
            env=self.env, stdout=subprocess.DEVNULL, stderr=self.log)

    def wait_ready(self):
        for _ in range(200):
            if self.process.poll() is not None:
                raise SystemExit("the service ended: see " + self.log.name)
            answer = self.request("GET", "/readyz")
            if answer is not None and answer[0] == 200:
                return
            time.sleep(0.05)
        raise SystemExit("the service is not ready: see " + self.log.name)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=20)

    def request(self, method, path, body=b"", timeout_s=30):
        """Status and body, or None when the service is not there."""
        try:
            with socket.socket(socket.AF_UNIX) as link:
                link.settimeout(timeout_s)
                link.connect(os.path.join(self.data, "omen.sock"))
                link.sendall(b"%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: %d\r\n"
                             b"Content-Type: application/x-ndjson\r\n\r\n" % (method.encode(), path.encode(), len(body)) + body)
                reply = b""
                while True:
                    piece = link.recv(65536)
                    if not piece:
                        break
                    reply += piece
            head, _, rest = reply.partition(b"\r\n\r\n")
            return int(head.split()[1]), rest
        except (OSError, IndexError, ValueError):
            return None


def run(omen, events, reloads, kills, seed, folder, batch):
    """Feeds all events; the moments of death are random. Returns what there is to compare."""
    chance = random.Random(seed)
    receivers = {"HEALTHY": Receiver(0, 0), "FLAKY": Receiver(0.3, 0), "SLOW": Receiver(0, 0.02)}
    for receiver in receivers.values():
        receiver.start()
    env = dict(os.environ, DEAD_URL="http://127.0.0.1:9/")
    for name, receiver in receivers.items():
        env[name + "_URL"] = receiver.url
    text = open(os.path.join(HERE, "rules.omen")).read()
    os.makedirs(folder)
    service = Service(omen, folder, env, shards=[1, 2, 3] if kills else [1])
    open(service.rules, "w").write(text)
    service.start()
    service.wait_ready()
    deaths = [0]
    stop = threading.Event()

    def killer():
        while deaths[0] < kills and not stop.is_set():
            stop.wait(chance.random() * 0.35)
            if stop.is_set():
                return
            with guard:
                service.kill()
                deaths[0] += 1
                service.start()

    guard = threading.Lock()
    thread = threading.Thread(target=killer, daemon=True)
    if kills:
        thread.start()
    acknowledged, at, reloaded = set(), 0, set()
    began = time.time()
    while at < len(events):
        if deaths[0] < kills and at * kills > deaths[0] * len(events):  # the kills are spread over the events
            time.sleep(0.005)
            continue
        if at in reloads and at not in reloaded:
            changed = text.replace("{user} bought", "{user} bought (%d)" % at)
            body = json.dumps({"files": [{"name": service.rules, "text": changed}], "paused": []}).encode()
            answer = service.request("POST", "/v1/rules", body)
            if answer is None or answer[0] != 200:
                if answer is not None and answer[0] not in (409, 422, 503):
                    raise SystemExit("reload: %s" % (answer,))
                time.sleep(0.01)
                continue
            open(service.rules, "w").write(changed)
            reloaded.add(at)
        piece = events[at:at + batch]
        answer = service.request("POST", "/v1/events", ("\n".join(piece) + "\n").encode())
        if answer is None or answer[0] in (429, 503):
            time.sleep(0.005)
            continue
        if answer[0] != 200:
            raise SystemExit("events: %s" % (answer,))
        acknowledged.update(json.loads(line)["id"] for line in piece)
        at += len(piece)
        if time.time() - began > 1500:
            raise SystemExit("it takes too long")
    stop.set()
    if kills:
        thread.join()
    # What is due to receivers that live is delivered before the end.
    deadline = time.time() + 120
    while time.time() < deadline:
        answer = service.request("POST", "/v1/outbox/retry?destination=flaky")
        rows = service.request("GET", "/v1/outbox?state=due&limit=10000")
        if rows is not None and rows[0] == 200:
            waiting = [row for row in json.loads(rows[1])["rows"] if row["destination"] != "dead"]
            if not waiting:
                break
        time.sleep(0.2)
    code = service.stop()
    rows = sqlite3.connect(os.path.join(service.data, "state.db")).execute(
        "select * from outbox order by number")
    names = [column[0] for column in rows.description]
    rows = [dict(zip(names, row)) for row in rows]
    exported = subprocess.run([omen, "log", "export", service.data], capture_output=True, text=True)
    logged = {json.loads(line).get("id") for line in exported.stdout.splitlines() if line.startswith("{")}
    return {"rows": rows, "acknowledged": acknowledged, "logged": logged, "code": code, "deaths": deaths[0],
            "receivers": receivers, "seconds": time.time() - began, "export": exported.stderr}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("omen")
    parser.add_argument("--kills", type=int, default=25)
    parser.add_argument("--events", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", help="keep the folders here")
    options = parser.parse_args()
    count = options.events or options.kills * 120
    omen = os.path.abspath(options.omen)
    folder = options.keep or tempfile.mkdtemp(prefix="omen-crash-")
    events = make_events(count, options.seed)
    reloads = {count // 60 * 20, count // 30 * 20}
    calm = run(omen, events, reloads, 0, options.seed, os.path.join(folder, "calm"), 20)
    rough = run(omen, events, reloads, options.kills, options.seed, os.path.join(folder, "rough"), 20)
    failed = passed = 0

    def check(name, is_so, detail=""):
        nonlocal failed, passed
        print("%-7s %s %s" % ("ok" if is_so else "FAILED", name, "" if is_so else detail))
        passed, failed = passed + is_so, failed + (not is_so)

    def told(result):
        return [(row["id"], row["destination"], row["body"]) for row in result["rows"]]

    a, b = told(calm), told(rough)
    check("both end cleanly", calm["code"] == 0 and rough["code"] == 0, "%s %s" % (calm["code"], rough["code"]))
    check("it was killed as often as asked", rough["deaths"] == options.kills, rough["deaths"])
    first = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
    check("the outbox is equal: %d rows" % len(a), a == b and len(a) > 0,
          "%d and %d rows; the first difference at %d:\n  %s\n  %s" % (len(a), len(b), first, a[first:first + 1], b[first:first + 1]))
    lost = rough["acknowledged"] - rough["logged"]
    check("no acknowledged event is lost: %d" % len(rough["acknowledged"]), not lost, sorted(lost)[:5])
    for name, receiver in rough["receivers"].items():
        due = {row["id"] for row in rough["rows"] if row["destination"] == name.lower()}
        missing = due - set(receiver.got)
        check("%s receiver: each of %d at least once" % (name.lower(), len(due)), not missing, sorted(missing)[:5])
        check("%s receiver: one body an id" % name.lower(), all(len(bodies) == 1 for bodies in receiver.got.values()))
    print("%d events, %d kills, %.0f s" % (count, rough["deaths"], rough["seconds"]))
    print("%d passed, %d failed" % (passed, failed))
    if not options.keep:
        shutil.rmtree(folder, ignore_errors=True)
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
