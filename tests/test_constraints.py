"""constraints.txt: what is tested here is what it names, of the pinned packages and of all that they bring along."""

import re
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]


def lines_of(name: str) -> list[str]:
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and line[0] not in "#-"]


def constraints() -> dict[str, str]:
    return {
        canonicalize_name(name): version for name, version in (line.split("==") for line in lines_of("constraints.txt"))
    }


def pins() -> list[str]:
    return [line for path in ROOT.glob("requirements*.txt") for line in lines_of(path.name)]


def needed(requirements: list[str]) -> set[str]:
    """All that these requirements install on this machine, by name."""
    found: dict[str, set[str]] = {}  # name -> the extras that were asked for
    waiting = [Requirement(line) for line in requirements]
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        if name in found and requirement.extras <= found[name]:
            continue
        extras = found.setdefault(name, set())
        extras |= requirement.extras
        for line in distribution(name).requires or ():
            other = Requirement(line)
            if other.marker is None or any(other.marker.evaluate({"extra": extra}) for extra in ("", *extras)):
                waiting.append(other)
    return set(found)


def test_it_holds_names_and_versions_alone_and_all_pins_as_they_are():
    assert [line for line in lines_of("constraints.txt") if not re.fullmatch(r"[a-z0-9.-]+==[\w.+!-]+", line)] == []
    named = constraints()
    assert len(named) == len(lines_of("constraints.txt"))
    assert {pin for pin in pins() if named.get(canonicalize_name(pin.split("==")[0])) != pin.split("==")[1]} == set()


def test_what_is_installed_is_what_it_names():
    """Of packages that Linux does not need, it says nothing; they are as new as they come."""
    named, here = constraints(), {name: distribution(name).version for name in needed(pins())}
    if sys.platform == "linux":
        assert here.keys() - named.keys() == set()
    assert {name: version for name, version in here.items() if named.get(name, version) != version} == {}


def test_what_nothing_needs_is_not_named():
    installed = {}
    for name in constraints():
        try:
            installed[name] = distribution(name).version
        except PackageNotFoundError:
            assert sys.platform != "linux", f"{name} is not installed: make constraints"
    assert installed.keys() - needed(pins()) == set()
