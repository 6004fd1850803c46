"""Reads a Dockerfile: the instructions of its stages. An unknown form is an error and never skipped."""

import json
import re
import shlex
from dataclasses import dataclass, field
from string import Template

INSTRUCTIONS = {
    "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL", "RUN",
    "STOPSIGNAL", "USER", "VOLUME", "WORKDIR",
}


@dataclass
class Instruction:
    """One instruction: `COPY --from=build a b` has the flag `from` and the text `a b`."""

    name: str
    flags: list[tuple[str, str]]
    text: str

    def flag(self, name, default=None):
        return dict(self.flags).get(name, default)


@dataclass
class Stage:
    """The instructions after a `FROM`."""

    base: str
    name: str
    instructions: list[Instruction] = field(default_factory=list)

    def all(self, name):
        return [one for one in self.instructions if one.name == name]

    def one(self, name):
        found = self.all(name)
        assert len(found) == 1, f"one {name} expected, found {len(found)}"
        return found[0]

    def arguments(self):
        """The defaults of `ARG`."""
        parts = [one.text.partition("=") for one in self.all("ARG")]
        return {name: value for name, equals, value in parts if equals}

    def assignments(self, name):
        """The keys and values of all `ENV` or `LABEL`."""
        words = [word for one in self.all(name) for word in shlex.split(one.text)]
        pairs = [word.partition("=") for word in words]
        assert all(equals for _, equals, _ in pairs), f"{name} without `=`"
        return {key: Template(value).substitute(self.arguments()) for key, _, value in pairs}

    def command(self, name):
        """The words of `CMD`, `ENTRYPOINT` or `HEALTHCHECK`, which must not need a shell."""
        text = self.one(name).text.removeprefix("CMD ") if name == "HEALTHCHECK" else self.one(name).text
        words = json.loads(text)
        assert words and all(isinstance(word, str) for word in words), f"{name} is no list of texts"
        return words


def logical_lines(text):
    """Joins continued lines and drops comments, also those between continued lines."""
    pending = ""
    for line in text.splitlines():
        if line.lstrip().startswith("#") or (not line.strip() and not pending):
            continue
        if line.rstrip().endswith("\\"):
            pending += line.rstrip()[:-1] + " "
        else:
            yield (pending + line).strip()
            pending = ""
    assert not pending, "the last line is continued"


def parse(text):
    """The stages in their order."""
    stages = []
    for line in logical_lines(text):
        name, _, rest = line.partition(" ")
        assert name in INSTRUCTIONS, f"the instruction {name} is not supported here"
        assert "<<" not in rest, "here-documents are not supported here"
        flags = []
        while match := re.match(r"\s*--([a-z-]+)=(\S+)\s+", rest):
            flags.append(match.groups())
            rest = rest[match.end():]
        rest = rest.strip()
        if name == "FROM":
            base, _, alias = rest.partition(" AS ")
            stages.append(Stage(base, alias or str(len(stages))))
        else:
            assert stages, f"{name} before the first FROM"
            stages[-1].instructions.append(Instruction(name, flags, rest))
    return stages
