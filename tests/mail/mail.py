#!/usr/bin/python3
"""Alerts by e-mail to a real mail server: aiosmtpd with STARTTLS and a password, and one with TLS from the beginning.

  tests/mail/mail.py build/omen

Debian's Python, whose package python3-aiosmtpd it needs. Events go through `omen serve`; then the mails are read as a
mail program would. Its last line is `N passed, N failed`.
"""
import email, email.policy, json, logging, os, shutil, signal, socket, ssl, subprocess, sys, tempfile, time, warnings

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

passed = failed = 0


def check(name, is_so, detail=""):
    global passed, failed
    print("%-7s %s %s" % ("ok" if is_so else "FAILED", name, "" if is_so else detail))
    passed, failed = passed + bool(is_so), failed + (not is_so)


class Mailbox:
    def __init__(self):
        self.mails = []

    async def handle_DATA(self, server, session, envelope):
        self.mails.append((session.authenticated, session.ssl is not None, envelope))
        return "250 taken"


def authenticate(server, session, envelope, mechanism, data):
    return AuthResult(success=(data.login, data.password) == (b"omen", b"p\xc3\xa4ss word"), handled=False)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def request(data, method, path, body=b""):
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(10)
        link.connect(data + "/omen.sock")
        link.sendall(b"%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
                     % (method.encode(), path.encode(), len(body)) + body)
        reply = b""
        while piece := link.recv(65536):
            reply += piece
    head, _, rest = reply.partition(b"\r\n\r\n")
    return int(head.split()[1]), rest


def wait_for(what, seconds=20):
    end = time.time() + seconds
    while time.time() < end:
        try:
            if what():
                return True
        except (OSError, IndexError, ValueError):
            pass
        time.sleep(0.05)
    return False


def main():
    logging.getLogger("mail.log").setLevel(logging.CRITICAL)  # that a client has turned away is part of the test
    warnings.simplefilter("ignore", DeprecationWarning)
    omen, folder = os.path.abspath(sys.argv[1]), tempfile.mkdtemp(prefix="omen-mail-")
    certificate, key = folder + "/cert.pem", folder + "/key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-keyout", key, "-out", certificate, "-days", "2", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=IP:127.0.0.1"], check=True, stderr=subprocess.DEVNULL)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate, key)
    box, tls_box = Mailbox(), Mailbox()
    started = Controller(box, hostname="127.0.0.1", port=free_port(), tls_context=tls, require_starttls=True,
                         auth_required=True, authenticator=authenticate)
    started.start()
    whole = Controller(tls_box, hostname="127.0.0.1", port=free_port(), ssl_context=tls)
    whole.start()
    data = folder + "/data"
    common = 'from: "Omen <omen@example.com>", allow_cidr: "127.0.0.0/8", ca: "%s"' % certificate
    to = 'to: ["a@example.com", "Bärbel <b@example.com>"]'
    open(folder + "/rules.omen", "w").write("""
destination started = email { server: "127.0.0.1:%d", user: "omen", password: env("MAIL_PASSWORD"), %s, %s }
destination whole   = email { server: "127.0.0.1:%d", tls: "tls", %s, %s }
destination wrong   = email { server: "127.0.0.1:%d", user: "omen", password: env("WRONG_PASSWORD"), %s, %s }
destination unknown = email { server: "127.0.0.1:%d", user: "omen", password: env("MAIL_PASSWORD"),
                              from: "omen@example.com", allow_cidr: "127.0.0.0/8", %s }
rule r "Ein Käufer" {
  severity critical
  by user
  match buy as b
  alert "{user} says {b.text}" to started, whole
}
rule w { by user match wrong alert "{user}" to wrong, unknown }
""" % (started.port, common, to, whole.port, common, to, started.port, common, to, started.port, to))
    env = dict(os.environ, MAIL_PASSWORD="päss word", WRONG_PASSWORD="guess")
    log = open(folder + "/log", "wb")
    service = subprocess.Popen([omen, "serve", folder + "/rules.omen", "--data", data], env=env, stdout=log, stderr=log)
    try:
        check("the service is there", wait_for(lambda: request(data, "GET", "/readyz")[0] == 200), open(folder + "/log").read())
        text = ".\n..dots at line ends\nÄrger \U0001f525 <script> & " + "long " * 400
        events = [{"type": "buy", "user": "jürgen", "text": text}, {"type": "wrong", "user": "u"}]
        body = "\n".join(json.dumps(event) for event in events).encode()
        check("the events are taken", request(data, "POST", "/v1/events", body)[0] == 200)
        check("a mail by STARTTLS", wait_for(lambda: len(box.mails) == 1), open(folder + "/log").read())
        check("a mail by TLS", wait_for(lambda: len(tls_box.mails) == 1), open(folder + "/log").read())
        for name, mails in (("STARTTLS", box.mails), ("TLS", tls_box.mails)):
            if not mails:
                continue
            authenticated, is_encrypted, envelope = mails[0]
            mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
            plain = mail.get_body(("plain",)).get_content()
            html = mail.get_body(("html",)).get_content()
            check(name + ": encrypted, with its password where one is asked for",
                  (is_encrypted and authenticated) if name == "STARTTLS" else not authenticated,  # it speaks TLS alone
                  (authenticated, is_encrypted))
            check(name + ": sender and receivers", envelope.mail_from == "omen@example.com" and
                  envelope.rcpt_tos == ["a@example.com", "b@example.com"], (envelope.mail_from, envelope.rcpt_tos))
            check(name + ": no defects", not mail.defects and not any(p.defects for p in mail.walk()), mail.defects)
            check(name + ": the subject", mail["subject"].startswith("[critical] jürgen says") or
                  "Ein Käufer" in mail["subject"], mail["subject"])
            check(name + ": the text, dots and all", ("jürgen says " + text).rstrip() in plain.replace("\r\n", "\n"), plain[:300])
            check(name + ": nothing of the text is markup", "<script>" not in html and "&lt;script&gt;" in html, html[:300])
            check(name + ": every line is short enough", max(map(len, envelope.content.split(b"\r\n"))) <= 998)
            check(name + ": Message-ID and Date", mail["message-id"] and mail["date"].datetime is not None)

        def attempts(destination):
            rows = json.loads(request(data, "GET", "/v1/outbox?destination=" + destination)[1])["rows"]
            return rows[0] if rows and rows[0]["attempts"] > 0 else None

        check("a wrong password is told", wait_for(lambda: attempts("wrong")) and
              "guess" not in json.dumps(attempts("wrong")), attempts("wrong"))
        check("nothing goes to a server whose certificate is not trusted", wait_for(lambda: attempts("unknown")) and
              len(box.mails) == 1 and "certificate" in attempts("unknown")["last_error"], attempts("unknown"))
        service.send_signal(signal.SIGTERM)
        check("it ends", service.wait(timeout=20) == 0)
        secrets = [name for name, _, files in os.walk(folder) for one in files
                   if "päss word".encode() in open(os.path.join(name, one), "rb").read()]
        check("the password is in no file", not secrets, secrets)
    finally:
        if service.poll() is None:
            service.kill()
        started.stop()
        whole.stop()
    print("%d passed, %d failed" % (passed, failed))
    shutil.rmtree(folder, ignore_errors=True)
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
