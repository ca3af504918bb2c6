"""What Assay is built of: licences that may be, versions that are pinned, versions known to be unsafe.

Everything is read from what is installed here, so that it works without a network. It knows no weakness
that was found since: for those, ask an advisory database as well.
"""

import re
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.version import Version

PERMISSIVE = (
    "apache", "bsd", "mit", "isc", "psf", "python software foundation", "zlib", "cc0", "0bsd",
    "bsl-1.0", "boost", "cnri", "unlicense", "hpnd",
)  # fmt: skip
# Used as they are, by import: their own files stay under their own licence.
WEAK_COPYLEFT = ("mpl", "mozilla", "lgpl")
# Whose metadata say nothing clear, looked at by hand: the licence file they ship.
KNOWN = {
    "qrcode": "BSD-3-Clause; its logo is not used",
    "antlr4-python3-runtime": "BSD-3-Clause",
}
# They install the others, in the version that the Python here brings.
NOT_PINNED = {"pip", "setuptools"}
# Below these, a weakness is known that matters here.
FLOORS = {
    "transformers": ("5.3.0", "CVE-2026-4372 and CVE-2026-5241: code of a model repository runs"),
    "cleanlab": ("2.9", "older releases were under the AGPL"),
}


def required(root: str = "assay") -> Iterator[Distribution]:
    """What has to be installed for Assay to run, and what that needs in turn; each once."""
    waiting, seen = [(root, frozenset[str]())], set[tuple[str, frozenset[str]]]()
    told = set[str]()
    while waiting:
        name, extras = waiting.pop()
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        try:
            found = distribution(name)
        except PackageNotFoundError:
            continue  # for another system or Python
        if name != root and name not in told:
            told.add(name)
            yield found
        for text in found.requires or ():
            need = Requirement(text)
            if need.marker is None or any(
                need.marker.evaluate({"extra": extra}) for extra in (extras or {""}) | {""}
            ):
                waiting.append((canonical(need.name), frozenset(need.extras)))


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def licence(found: Distribution) -> str:
    """In its own words: the expression, else the classifiers, else the first line of the field."""
    metadata = found.metadata

    def told(name: str) -> list[str]:
        return metadata.get_all(name) or []

    classifiers = [
        text.rsplit(" :: ", 1)[-1] for text in told("Classifier") if text.startswith("License ::")
    ]
    field = "".join(told("License")).strip().partition("\n")[0]
    return "".join(told("License-Expression")) or "; ".join(classifiers) or field


def may_be(text: str) -> bool:
    """Whether one of the alternatives consists of licences that are allowed.

    OR (and ; of classifiers, which stand for both) separates alternatives, AND what holds together.
    """
    allowed = PERMISSIVE + WEAK_COPYLEFT
    for alternative in re.split(r"\bOR\b|;", text):
        parts = [part.strip(" ()").lower() for part in re.split(r"\bAND\b", alternative)]
        if all(part and _stands(part, allowed) for part in parts):
            return True
    return False


def _stands(part: str, allowed: Iterable[str]) -> bool:
    # "AGPL" and "GPL" are neither "LGPL" nor anything else that is allowed.
    if re.search(r"(?<!l)gpl", part):
        return False
    return any(re.search(rf"\b{re.escape(word)}", part) for word in allowed)


def complaints(constraints: Path) -> list[str]:
    """One sentence for each thing that is wrong; none where all is well."""
    pinned = {
        canonical(name): version
        for name, version in re.findall(
            r"^([\w.-]+)==([^\s;]+)", constraints.read_text(), re.MULTILINE
        )
    }
    found = []
    for one in required():
        name, version = canonical(one.metadata["Name"]), one.version.partition("+")[0]
        said = licence(one)
        if name not in KNOWN and not may_be(said):
            found.append(f"{name} is under “{said or 'no licence that it names'}”.")
        if name in NOT_PINNED:
            pass
        elif name not in pinned:
            found.append(f"{name} is needed and not pinned in constraints.txt.")
        elif pinned[name] != version:
            found.append(f"{name} is {version} here and {pinned[name]} in constraints.txt.")
        floor, why = FLOORS.get(name, ("0", ""))
        if Version(version) < Version(floor):
            found.append(f"{name} {version} is below {floor}: {why}.")
    return sorted(found)
