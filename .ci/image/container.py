"""Starts the files of the final stage as a container engine would: chroot, user, variables, health check."""

import json
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

CHROOT = shutil.which("chroot")
# What the base image sets.
BASE = {"PATH": "/usr/local/bin:/usr/bin:/bin", "SSL_CERT_FILE": "/etc/ssl/certs/ca-certificates.crt"}
SECONDS = 60


class Container:
    """The final stage of a Dockerfile, unpacked in a directory."""

    def __init__(self, root, stage):
        self.root, self.stage = root, stage
        self.entry = stage.command("ENTRYPOINT")
        self.volume = root / stage.one("VOLUME").text.lstrip("/")
        user, _, group = stage.one("USER").text.partition(":")
        self.user, self.group = self.id("passwd", user), self.id("group", group)
        assert self.user != "0", "the image runs as root"

    def id(self, file, name):
        lines = [line.split(":") for line in (self.root / "etc" / file).read_text().splitlines()]
        return next(fields[2] for fields in lines if fields[0] == name)

    def start(self, command, variables, **options):
        user = [f"--userspec={self.user}:{self.group}", "--groups="]
        environment = {**BASE, **self.stage.assignments("ENV"), **variables}
        return subprocess.Popen([CHROOT, *user, self.root, *command], env=environment, **options)

    def run(self, command, variables):
        """Runs a command to its end; returns its exit status and what it wrote."""
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        process = self.start(command, variables, **pipes)
        output, _ = process.communicate(timeout=SECONDS)
        return process.returncode, output

    def serve(self, variables):
        """Runs the image's own command to its end."""
        return self.run([*self.entry, *self.stage.command("CMD")], variables)

    def is_healthy(self, variables):
        status, _ = self.run(self.stage.command("HEALTHCHECK"), variables)
        return status == 0

    @contextmanager
    def serving(self, variables, log):
        """The image's own command until the block ends; it must stop at the stop signal with 0."""
        command = [*self.entry, *self.stage.command("CMD")]
        with open(log, "w") as file:
            process = self.start(command, variables, stdout=file, stderr=file)
        try:
            until_live(process, log)
            yield
            assert self.stage.one("STOPSIGNAL").text == "SIGTERM"
            process.terminate()
            status = process.wait(timeout=SECONDS)
            assert status == 0, f"it ended with {status} at SIGTERM: {Path(log).read_text()}"
        finally:
            process.kill()

    def empty_volume(self):
        for file in self.volume.iterdir():
            file.unlink()


def ask(path, token=None, method="GET"):
    """Asks the service; returns the status and the JSON of the answer, if it is JSON."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    request = urllib.request.Request(f"http://127.0.0.1:8080{path}", method=method, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:
            status, body = answer.status, answer.read()
    except urllib.error.HTTPError as error:
        status, body = error.code, error.read()
    try:
        return status, json.loads(body)
    except ValueError:
        return status, body.decode()


def until_live(process, log):
    """Returns once the process answers, and fails if it ends or does not answer in time."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        assert process.poll() is None, f"it did not start: {Path(log).read_text()}"
        try:
            if ask("/health/live")[0] == 200:
                return
        except OSError:
            time.sleep(0.05)
    raise AssertionError(f"it does not answer: {Path(log).read_text()}")
