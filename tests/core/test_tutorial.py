"""The tutorial is followed to the letter, and every page of the documents leads somewhere."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
TUTORIAL = (REPOSITORY / "docs" / "tutorial.md").read_text()
PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]


def test_what_the_tutorial_says_comes_out(tmp_path: Path) -> None:
    (script,) = re.findall(r"^```python\n(.*?)^```", TUTORIAL, re.MULTILINE | re.DOTALL)
    (tmp_path / "candidates.py").write_text(script)
    subprocess.run([sys.executable, "candidates.py"], cwd=tmp_path, check=True)
    for line in (tmp_path / "predictions.csv").read_text().splitlines()[:2]:
        assert f"    {line}" in TUTORIAL
    assert ".venv/bin/python manage.py pick predictions.csv labels.csv" in TUTORIAL
    files = [str(tmp_path / name) for name in ("predictions.csv", "labels.csv")]
    said = subprocess.run(
        [sys.executable, "manage.py", "pick", *files],
        cwd=REPOSITORY,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert f"    {said.splitlines()[0]}" in TUTORIAL


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_documents_lead_somewhere(page: Path) -> None:
    lost = [
        target
        for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", page.read_text())
        if not (page.parent / target).exists()
    ]
    assert not lost
