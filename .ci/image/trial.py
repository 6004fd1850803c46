"""Tests the files of the Dockerfile's final stage, alone in a namespace of processes and network."""

import datetime
import fcntl
import socket
import struct
import subprocess
import sys
import tomllib
import zoneinfo
from pathlib import Path

import dockerfile
import tls
from container import Container, ask

HOST = "authentik.test"
READ, SYNC = "a-read-token-of-32-characters-for-tests", "a-sync-token-of-32-characters-for-tests"
USERS = 50


def loopback_up():
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, 0x8914, struct.pack("16sh", b"lo", 1))  # SIOCSIFFLAGS, IFF_UP


def mount(*words):
    subprocess.run(["mount", *[str(word) for word in words]], check=True)


def start_fake(program):
    """Starts the fake Authentik; returns its address and the token that it accepts."""
    fake = subprocess.Popen(
        [program, "--users", str(USERS), "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE, text=True
    )
    url, token = fake.stdout.readline().split()
    host, _, port = url.removeprefix("http://").partition(":")
    return (host, int(port)), token


class Trial:
    """The container, and where its Authentik is."""

    def __init__(self, container, work, token):
        self.container, self.log = container, work / "log"
        self.bundle = container.root / "etc/ssl/certs/ca-certificates.crt"
        self.authority = work / "ca.pem"
        self.open = {
            "AUTHENTIK_BASE_URL": f"https://{HOST}",
            "AUTHENTIK_TOKEN": token,
            "ENTITY_PROVIDER_SCHEDULE_INITIAL_DELAY": "0s",
        }
        self.closed = {
            **self.open, "ENTITY_PROVIDER_AUTH_READ_TOKENS": READ, "ENTITY_PROVIDER_AUTH_SYNC_TOKENS": SYNC,
        }

    def sync(self):
        """Waits for a run; returns how it ended."""
        status, run = ask("/sync?wait=50s", SYNC, "POST")
        assert status == 200, (status, run, self.log.read_text())
        return run

    def entities(self):
        status, body = ask("/entities?format=json", READ)
        return len(body) if status == 200 else 0

    def expect_success(self, variables):
        with self.container.serving(variables, self.log):
            run = self.sync()
            assert run["state"] == "succeeded", (run, self.log.read_text())
            assert self.container.is_healthy(variables), "the health check fails beside a snapshot"
            assert self.entities() > USERS / 2, self.entities()
            assert ask("/entities")[0] == 401, "the entities are open without a token"

    def refuses_to_start_open(self):
        status, output = self.container.serve(self.open)
        assert status == 1 and "readTokens" in output, (status, output)

    def refuses_an_unknown_authority(self):
        with self.container.serving(self.closed, self.log):
            run = self.sync()
            assert run["state"] == "failed" and run["error"]["code"] == "tls", run
            assert not self.container.is_healthy(self.closed), "healthy without a snapshot"
            assert self.entities() == 0

    def trusts_an_own_authority(self):
        own = self.container.root / "etc/own-ca.pem"
        own.write_text(self.authority.read_text())
        self.expect_success({**self.closed, "ENTITY_PROVIDER_CA_FILE": "/etc/own-ca.pem"})
        own.unlink()

    def trusts_the_roots_of_the_system(self):
        self.container.empty_volume()
        before = self.bundle.read_text()
        self.bundle.write_text(before + self.authority.read_text())
        self.expect_success(self.closed)
        self.bundle.write_text(before)

    def serves_the_persisted_snapshot(self):
        files = [one for one in self.container.volume.iterdir()]
        assert files and all(str(one.stat().st_uid) == self.container.user for one in files), files
        variables = {**self.closed, "AUTHENTIK_BASE_URL": f"https://{HOST}"}
        with self.container.serving(variables, self.log):
            assert self.entities() > USERS / 2, "nothing is restored from the volume"
            assert self.container.is_healthy(variables)

    def knows_the_time_zones(self):
        for name in ("Asia/Tokyo", "America/New_York", "Europe/Berlin"):
            zone = zoneinfo.ZoneInfo(name)
            schedule = {"TZ": name, "ENTITY_PROVIDER_SCHEDULE_FREQUENCY": '{cron: "17 3 * * *"}'}
            with self.container.serving({**self.closed, **schedule}, self.log):
                self.sync()
                at = datetime.datetime.fromisoformat(ask("/health")[1]["nextRunAt"])
                local = at.astimezone(zone)
                assert (local.hour, local.minute) == (3, 17), f"03:17 in {name} is not {at}"


def check_labels(stage):
    package = tomllib.loads(Path("Cargo.toml").read_text())
    labels = stage.assignments("LABEL")
    prefix = "org.opencontainers.image."
    expected = {
        "title": package["package"]["name"],
        "description": package["package"]["description"],
        "version": package["package"]["version"],
        "licenses": package["workspace"]["package"]["license"],
        "base.name": stage.base,
    }
    for name, value in expected.items():
        assert labels.get(prefix + name) == value, f"the label {prefix}{name} is not {value!r}"


def main():
    work, fake_program = Path(sys.argv[1]), sys.argv[2]
    _, stage = dockerfile.parse(Path("Dockerfile").read_text())
    check_labels(stage)
    loopback_up()
    root = work / "root"
    for name in ("proc", "dev"):
        (root / name).mkdir(exist_ok=True)
    mount("-t", "proc", "proc", root / "proc")
    mount("--rbind", "/dev", root / "dev")
    (root / "etc/hosts").write_text(f"127.0.0.1 localhost {HOST}\n")
    tls.make_authority(work, HOST)
    upstream, token = start_fake(fake_program)
    tls.serve(("127.0.0.1", 443), upstream, work / "server.pem")
    trial = Trial(Container(root, stage), work, token)
    for test in (
        trial.refuses_to_start_open,
        trial.refuses_an_unknown_authority,
        trial.trusts_an_own_authority,
        trial.trusts_the_roots_of_the_system,
        trial.serves_the_persisted_snapshot,
        trial.knows_the_time_zones,
    ):
        test()
        print(f"image: {test.__name__.replace('_', ' ')}: ok", flush=True)


main()
