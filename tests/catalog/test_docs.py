"""What the documents promise: settings are all there, links lead somewhere, no machine is named."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from launcher.place import ROOT

DOCUMENTS = sorted(
    path
    for pattern in ("*.md", "docs/**/*.md", "classifier/**/*.md", "static/**/*.md")
    for path in ROOT.glob(pattern)
)
FILES = [
    *DOCUMENTS,
    *sorted(ROOT.glob("deploy/**/*.*")),
    *sorted(ROOT.glob("compose*.yaml")),
    *(ROOT / name for name in ("Dockerfile", ".env.example", "Makefile")),
]
READ = re.compile(r"""(?:\benv\.\w+|os\.environ(?:\.get)?)[(\[]\s*"([A-Z_]+)\"""")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
MACHINE_PATHS = re.compile(r"(?<![\w.])/(?:work|root|home/\w+|tmp/s)/")


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def settings_read() -> set[str]:
    return set(READ.findall((ROOT / "catalog/settings.py").read_text()))


def settings_documented() -> set[str]:
    text = (ROOT / "docs/operations.md").read_text()
    table = text[text.index("## Settings") : text.index("The [Procfile]")]
    return set(re.findall(r"^\| `([A-Z_]+)` \|", table, re.MULTILINE))


def test_the_table_of_settings_names_each_variable_that_is_read() -> None:
    assert len(settings_read()) > 30
    assert settings_read() == settings_documented()


def test_defaults_in_the_table_are_those_in_the_settings() -> None:
    table = (ROOT / "docs/operations.md").read_text()
    source = (ROOT / "catalog/settings.py").read_text()
    written = dict(re.findall(r"^\| `([A-Z_]+)` \| `([\w.,]+)`", table, re.MULTILINE))
    numbers = re.findall(r'env\.(?:integer|number|share)\(\s*"(\w+)", ([\d_.]+)', source)
    assert len(numbers) > 15
    for variable, default in numbers:
        assert float(written[variable]) == float(default), variable


@pytest.mark.parametrize("path", DOCUMENTS, ids=name)
def test_links_lead_somewhere(path: Path) -> None:
    for target in LINK.findall(path.read_text()):
        if not target.startswith(("http://", "https://", "#", "mailto:")):
            assert (path.parent / target.partition("#")[0]).exists(), target


@pytest.mark.parametrize("path", FILES, ids=name)
def test_no_document_names_a_machine(path: Path) -> None:
    assert not MACHINE_PATHS.search(path.read_text())


def test_every_command_of_the_readme_exists() -> None:
    text = (ROOT / "README.md").read_text()
    table = text[text.index("## Command line") : text.index("## Work on it")]
    commands = re.findall(r"^\| `(\w+)", table, re.MULTILINE)
    assert len(commands) == 8
    for command in commands:
        assert list(ROOT.glob(f"*/management/commands/{command}.py")), command


def test_every_make_target_the_documents_name_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for path in DOCUMENTS:
        named = re.findall(r"(?:`|^)make ([a-z]+)", path.read_text(), re.MULTILINE)
        assert set(named) <= targets, path


@pytest.mark.parametrize("process", ["worker", "trainer", "beat"])
def test_each_process_runs_alike_under_honcho_systemd_and_compose(process: str) -> None:
    [line] = re.findall(rf"^{process}: (.*)$", (ROOT / "Procfile").read_text(), re.MULTILINE)
    options = set(re.findall(r"(?<= )-{1,2}[a-zA-Z][\w-]*", line)) - {"-n"}
    unit = (ROOT / f"deploy/systemd/shelfwise-{process}.service").read_text()
    compose = (ROOT / "compose.yaml").read_text()
    service = compose[compose.index(f"\n  {process}:\n") :]
    [command] = re.findall(r"command: (\[.*\])", service)[:1]
    for option in options:
        assert option in unit, option
        assert f'"{option}' in command, option


def test_every_metric_is_described() -> None:
    source = (ROOT / "catalog/prometheus.py").read_text()
    text = (ROOT / "docs/operations.md").read_text()
    metrics = set(re.findall(r'"(shelfwise_\w+)"', source))
    assert len(metrics) > 12
    assert {metric for metric in metrics if metric not in text} == set()
