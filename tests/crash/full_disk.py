#!/usr/bin/env python3
"""A disk that is full below a running service: it pauses, says so, goes on when there is room, and loses nothing.

  tests/crash/full_disk.py build/omen [--seed S]

The data folder is on a small file system of its own (a tmpfs), which something else fills again and again while events
come, and gives room back. The same events go through an undisturbed service. Then:

  it was not ready, senders were told 503 and to come again, and it said so, as often as the disk was full
  commands were answered meanwhile: those that look, and those that change something or say that there is no room
  it went on by itself, under the same process; asked to stop while the disk was full, it ended with 0 within 10 s
  the outbox of both runs is equal, in order, ids and bodies; every acknowledged event is in the log

Skips itself where file systems cannot be mounted. Its last line is `N passed, N failed`.
"""
import argparse, json, os, random, shutil, sqlite3, subprocess, sys, tempfile, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from crash import Service, make_events

RULES = """
destination out = file { path: "%s" }

rule bought {
  by user
  match buy
  alert "{user} paid {buy.price}" to out
}

rule viewed_then_bought {
  by user
  match view -> buy
  within 10m
  alert "{user} bought" to out
}

rule abandoned {
  by user
  match add -> not buy for 2m
  alert "{user} left {add.item}" to out
}
"""
SIZE_MB = 16
COMMANDS = [("GET", "/v1/status"), ("GET", "/v1/rules"), ("GET", "/v1/rule?name=bought"), ("GET", "/v1/outbox"),
            ("POST", "/v1/outbox/retry?state=dead"), ("POST", "/v1/resume?name=bought")]


class Disk:
    """A mounted tmpfs, and what fills it."""

    def __init__(self, path):
        self.path, self.filler = path, os.path.join(path, "filler")
        os.makedirs(path)
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=%dm" % SIZE_MB, "tmpfs", path], capture_output=True, text=True)
        self.problem = done.stderr.strip() if done.returncode else None

    def fill(self, leaves):
        """All but so many bytes."""
        state = os.statvfs(self.path)
        try:
            with open(self.filler, "ab") as out:
                out.write(b"x" * max(0, state.f_bavail * state.f_frsize - leaves))
        except OSError:
            pass

    def free(self):
        if os.path.exists(self.filler):
            os.unlink(self.filler)

    def unmount(self):
        subprocess.run(["umount", self.path], check=False)


def feed(service, events, disk, seed):
    """All events; the disk fills at random places, and has room again a while after it was noticed."""
    chance, at, told, unready, pauses = random.Random(seed), 0, 0, 0, 0
    acknowledged, full_since, next_full, unanswered, stops = [], None, 5, [], []
    while at < len(events):
        if disk is not None and full_since is None and at >= next_full:
            disk.fill(chance.choice([0, 100, 5000, 40000]))
            full_since, seen_unready = time.time(), False
        if full_since is not None and time.time() - full_since > 15:
            raise SystemExit("nobody notices that the disk is full")
        piece = events[at:at + chance.randrange(1, 30)]
        answer = service.request("POST", "/v1/events", ("\n".join(piece) + "\n").encode(), timeout_s=3)
        if service.process.poll() is not None:
            raise SystemExit("the service ended on a full disk: see " + service.log.name)
        if answer is not None and answer[0] == 200:
            acknowledged += [json.loads(line)["id"] for line in piece]
            at += len(piece)
        elif answer is not None and answer[0] not in (429, 503):
            raise SystemExit("events: %s" % (answer,))
        if full_since is None:
            continue
        told += answer is not None and answer[0] == 503
        ready = service.request("GET", "/readyz", timeout_s=3)
        if ready is not None and ready[0] == 503 and not seen_unready:
            seen_unready = True
            unready += 1
        if seen_unready and (answer is None or answer[0] == 503):
            time.sleep(0.3)
            for method, path in COMMANDS:
                said = service.request(method, path, timeout_s=3)
                if said is None or said[0] not in (200, 503):
                    unanswered.append((method, path, said))
            if pauses % 3 == 2:
                began = time.time()
                stops.append((service.stop(), time.time() - began))
                disk.free()
                service.start()
            else:
                disk.free()  # and nobody sends until it is ready again
            pauses += 1
            deadline = time.time() + 15
            while True:
                ready = service.request("GET", "/readyz", timeout_s=3)
                if ready is not None and ready[0] == 200:
                    break
                if time.time() > deadline:
                    raise SystemExit("it does not go on though there is room: see " + service.log.name)
                time.sleep(0.05)
            full_since, next_full = None, at + chance.randrange(20, 250)
    if full_since is not None:
        disk.free()
    return {"acknowledged": acknowledged, "told": told, "unready": unready, "pauses": pauses, "unanswered": unanswered,
            "stops": stops}


def run(omen, events, folder, disk, seed):
    os.makedirs(folder, exist_ok=True)
    service = Service(omen, folder, dict(os.environ), [1])
    if disk is not None:
        service.data = os.path.join(disk.path, "data")
    open(service.rules, "w").write(RULES % os.path.join(folder, "alerts.ndjson"))
    service.start()
    service.wait_ready()
    told = feed(service, events, disk, seed)
    service.wait_ready()  # until then there may be alerts that the store has had no room for, and that are not listed
    deadline = time.time() + 30
    while time.time() < deadline:
        rows = service.request("GET", "/v1/outbox?state=due&limit=10000")
        if rows is not None and rows[0] == 200 and not json.loads(rows[1])["rows"]:
            break
        time.sleep(0.1)
    told["code"] = service.stop()
    database = sqlite3.connect(os.path.join(service.data, "state.db"))
    rows = database.execute("select id, destination, body, state from outbox order by number").fetchall()
    database.close()
    exported = subprocess.run([omen, "log", "export", service.data], capture_output=True, text=True)
    told.update(rows=rows, logged=[json.loads(line)["id"] for line in exported.stdout.splitlines()],
                alerts=set(open(os.path.join(folder, "alerts.ndjson")).read().splitlines()),
                said=open(service.log.name).read())
    return told


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("omen")
    parser.add_argument("--events", type=int, default=1500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", help="keep the folders here")
    options = parser.parse_args()
    omen = os.path.abspath(options.omen)
    folder = options.keep or tempfile.mkdtemp(prefix="omen-full-")
    disk = Disk(os.path.join(folder, "disk"))
    if disk.problem:
        print("skipped the full disk: no file system can be mounted here (%s); tests/sim/service_full_test.cc does it "
              "on a simulated one" % disk.problem)
        print("0 passed, 0 failed")
        return 0
    failed = passed = 0

    def check(name, is_so, detail=""):
        nonlocal failed, passed
        print("%-7s %s %s" % ("ok" if is_so else "FAILED", name, "" if is_so else detail))
        passed, failed = passed + is_so, failed + (not is_so)

    try:
        events = make_events(options.events, options.seed)
        calm = run(omen, events, os.path.join(folder, "calm"), None, options.seed)
        full = run(omen, events, os.path.join(folder, "full"), disk, options.seed)
        check("both end cleanly", calm["code"] == 0 and full["code"] == 0, "%s %s" % (calm["code"], full["code"]))
        check("the disk was full: %d times, each time it was not ready" % full["pauses"],
              full["pauses"] >= 3 and full["unready"] >= full["pauses"], full["unready"])
        check("senders were told 503: %d times" % full["told"], full["told"] > 0)
        said = full["said"].count("No space left") + full["said"].count("disk is full")
        check("it said so", said >= full["pauses"], said)
        again = full["said"].count("there is room again")
        check("it said that it goes on: %d times" % again, again >= full["pauses"] - len(full["stops"]), again)
        check("commands were answered meanwhile", not full["unanswered"], full["unanswered"])
        check("it ended when asked to: %d times" % len(full["stops"]),
              full["stops"] and all(code == 0 and took < 10 for code, took in full["stops"]), full["stops"])
        a, b = calm["rows"], full["rows"]
        first = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
        check("the outbox is equal, and delivered: %d rows" % len(a), a == b and len(a) > 100,
              "%d and %d rows; the first difference at %d:\n  %s\n  %s" % (len(a), len(b), first, a[first:first + 1], b[first:first + 1]))
        lost = set(full["acknowledged"]) - set(full["logged"])
        check("no acknowledged event is lost: %d" % len(full["acknowledged"]), not lost, sorted(lost)[:5])
        check("each alert has arrived", calm["alerts"] == full["alerts"], len(calm["alerts"] ^ full["alerts"]))
    finally:
        disk.unmount()
        if not options.keep:
            shutil.rmtree(folder, ignore_errors=True)
    print("%d passed, %d failed" % (passed, failed))
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
