"""Follows the Dockerfile up to the files of its final stage, in a mount namespace of its own.

The build stage runs on this machine, with the context in place of the checkout, so that its release
build is the one of the other suites. The base of the final stage is unpacked from the Debian packages
that it consists of.
"""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import context
import dockerfile

CHECKOUT = Path.cwd()
# What distroless' `cc` is made of, as far as this binary can need it, and what these depend on.
PACKAGES = ["base-files", "ca-certificates", "gcc-12-base", "libc6", "libgcc-s1", "netbase", "tzdata"]
USERS = "root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n"
GROUPS = "root:x:0:\nnonroot:x:65532:\n"


def run(*command, **options):
    subprocess.run([str(word) for word in command], check=True, **options)


def mount_context(files):
    """Puts the context in the place of the checkout, with the same target directory."""
    target = Path(os.environ.pop("CARGO_TARGET_DIR", CHECKOUT / "target"))
    (files / "target").mkdir()
    run("mount", "--bind", target, files / "target")
    run("mount", "--rbind", files, CHECKOUT)
    os.chdir(CHECKOUT)


def run_build_stage(stage, work):
    """Runs the commands of the build stage; returns where the stage's working directory is."""
    channel = stage.base.removeprefix("rust:").partition("-")[0]
    pinned = tomllib.loads((CHECKOUT / "rust-toolchain.toml").read_text())["toolchain"]["channel"]
    assert channel == pinned, f"the image builds with Rust {channel}, rust-toolchain.toml names {pinned}"
    sent, files = work / "context", work / "build"
    context.copy_context(CHECKOUT, sent)
    files.mkdir()
    home = stage.one("WORKDIR").text
    for copied in stage.all("COPY"):
        *sources, target = copied.text.split()
        context.copy([sent / source for source in sources], files / target, target.endswith("/"))
    mount_context(files)
    for command in stage.all("RUN"):
        assert home not in command.text, f"a command names {home}; relative paths work here too"
        caches = [value for name, value in command.flags if name == "mount"]
        assert all(value.startswith("type=cache,") for value in caches), caches
        run("sh", "-c", command.text, env={**os.environ, "RUSTUP_TOOLCHAIN": channel}, timeout=1500)
    return {home: CHECKOUT}


def download(packages):
    packages.mkdir(parents=True, exist_ok=True)
    if len(list(packages.glob("*.deb"))) == len(PACKAGES):
        return
    get = ["apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", *PACKAGES]
    if subprocess.run(get, cwd=packages, stderr=subprocess.DEVNULL).returncode != 0:
        run("apt-get", "-qq", "update")
        run(*get, cwd=packages)


def unpack_base(root, packages):
    """Makes the root of the base image; what distroless adds to the packages is written here."""
    root.mkdir()
    for package in sorted(packages.glob("*.deb")):
        run("dpkg-deb", "-x", package, root)
    (root / "etc/passwd").write_text(USERS)
    (root / "etc/group").write_text(GROUPS)
    (root / "etc/nsswitch.conf").write_text("hosts: files dns\n")
    home = root / "home/nonroot"
    home.mkdir(parents=True, exist_ok=True)
    os.chown(home, 65532, 65532)
    # The bundle is made when ca-certificates is installed, and not contained in the package.
    roots = sorted((root / "usr/share/ca-certificates").rglob("*.crt"))
    assert roots, "the package ca-certificates has no certificate"
    (root / "etc/ssl/certs/ca-certificates.crt").write_text("".join(one.read_text() for one in roots))


def user_id(name, root):
    lines = [line.split(":") for line in (root / "etc/passwd").read_text().splitlines()]
    return next(int(fields[2]) for fields in lines if fields[0] == name)


def copy_to_final_stage(stage, sent, stages, root):
    for copied in stage.all("COPY"):
        *sources, target = copied.text.split()
        if origin := copied.flag("from"):
            [(home, files)] = stages[origin].items()
            sources = [files / Path(source).relative_to(home) for source in sources]
        else:
            sources = [sent / source for source in sources]
        copies = context.copy(sources, root / target.lstrip("/"), target.endswith("/"))
        for one in copies:
            owner = user_id(copied.flag("chown", "root").partition(":")[0], root)
            os.chown(one, owner, owner)
            if mode := copied.flag("chmod"):
                one.chmod(int(mode, 8))


def main():
    work, packages = Path(sys.argv[1]), Path(sys.argv[2])
    build, final = dockerfile.parse((CHECKOUT / "Dockerfile").read_text())
    version = Path("/etc/debian_version").read_text().partition(".")[0]
    if not final.base.partition(":")[0].endswith(f"debian{version}"):
        print(f"note: this machine has Debian {version}, the image is based on {final.base}")
    download(packages)
    unpack_base(work / "root", packages)
    files = run_build_stage(build, work)
    copy_to_final_stage(final, work / "context", {build.name: files}, work / "root")
    size = (work / "root" / final.command("ENTRYPOINT")[0].lstrip("/")).stat().st_size
    print(f"the final stage is assembled; the binary has {size / 1e6:.1f} MB")


main()
