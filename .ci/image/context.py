"""Copies files as `COPY` does: a build context under its .dockerignore, and files between stages."""

import os
import re
import shutil
from pathlib import Path


def pattern(text):
    """The expression for a pattern of a .dockerignore; patterns begin at the root."""
    out, rest = "", text.strip("/")
    while rest:
        for token, meaning in (("**/", "(?:.*/)?"), ("**", ".*"), ("*", "[^/]*"), ("?", "[^/]")):
            if rest.startswith(token):
                out, rest = out + meaning, rest[len(token):]
                break
        else:
            out, rest = out + re.escape(rest[0]), rest[1:]
    # What matches a directory matches everything in it.
    return re.compile(f"{out}(?:/.*)?")


class Ignored:
    """Says which paths a .dockerignore excludes; the last pattern that matches decides."""

    def __init__(self, text):
        lines = [line.strip() for line in text.splitlines()]
        lines = [line for line in lines if line and not line.startswith("#")]
        self.rules = [(line.startswith("!"), pattern(line.removeprefix("!"))) for line in lines]
        self.can_skip_directories = not any(included for included, _ in self.rules)

    def __call__(self, path):
        excluded = False
        for included, expression in self.rules:
            if expression.fullmatch(path):
                excluded = not included
        return excluded


def copy_context(root, target):
    """Copies what a build would send to the engine."""
    ignored = Ignored((root / ".dockerignore").read_text())
    for directory, names, files in os.walk(root):
        place = Path(directory).relative_to(root)
        if ignored.can_skip_directories:
            names[:] = [name for name in names if not ignored((place / name).as_posix())]
        for name in files:
            if not ignored((place / name).as_posix()):
                (target / place).mkdir(parents=True, exist_ok=True)
                shutil.copy2(Path(directory) / name, target / place / name, follow_symlinks=False)


def copy(sources, target, into_directory):
    """Copies files, and the contents of directories; returns everything that is new."""
    before = set(target.rglob("*")) | {target} if target.is_dir() else set()
    for source in sources:
        assert source.exists(), f"COPY finds no {source}"
        if source.is_dir():
            shutil.copytree(source, target, dirs_exist_ok=True, symlinks=True)
        else:
            place = target / source.name if into_directory or target.is_dir() else target
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, place)
    after = {target, *target.rglob("*")} if target.is_dir() else {target}
    return after - before
