"""What every file and folder of the project keeps to."""

import re

import pytest

#: Put together here so that this file does not find itself.
HOMES = "/" + "(root|home/[a-z_][a-z0-9_-]*|Users/[A-Za-z]+)/"
WINDOWS_HOME = r"[A-Z]:\\" + "Users" + r"\\"
INDEXES = "|".join(["index" + "-url", "py" + r"pi\.(org|python\.org)/", "/sim" + r"ple(/|\s|$)"])
FORBIDDEN = re.compile("|".join([HOMES, WINDOWS_HOME, INDEXES]))


def forbidden_lines(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    return [f"{path}:{number}: {line.strip()}" for number, line in enumerate(lines, 1) if FORBIDDEN.search(line)]


def test_no_file_names_a_home_folder_or_a_package_index(root, written_files):
    assert {root / "Makefile", root / "pyproject.toml", root / "eventsim" / "errors.py"} <= set(written_files)
    assert [line for path in written_files for line in forbidden_lines(path)] == []


@pytest.mark.parametrize(
    "line",
    [
        "/ro" + "ot/work", "open('/ho" + "me/ada/x')", "/Us" + "ers/Ada/x", "C:\\Us" + "ers\\ada",
        "--extra-index" + "-url x", "https://py" + "pi.org/x", "https://a.example/sim" + "ple",
    ],
)  # fmt: skip
def test_a_home_folder_or_a_package_index_would_be_found(tmp_path, line):
    (tmp_path / "a.py").write_text(f"fine\n{line}\n")
    assert len(forbidden_lines(tmp_path / "a.py")) == 1


def test_every_folder_at_the_top_says_in_at_most_40_lines_what_it_is_for(root, written_files):
    tops = {path.relative_to(root).parts[0] for path in written_files if len(path.relative_to(root).parts) > 1}
    tops = sorted(top for top in tops if not top.startswith("."))
    assert {"eventsim", "circuits", "hardware_models", "runs", "analysis", "tests"} <= set(tops)
    assert [top for top in tops if not (root / top / "README.md").is_file()] == []


def test_no_readme_of_a_folder_is_longer_than_40_lines_and_that_of_the_benchmarks_with_its_figures_than_60(
    root, written_files
):
    readmes = [path for path in written_files if path.name == "README.md" and path.parent != root]
    lengths = {str(path.relative_to(root)): len(path.read_text(encoding="utf-8").splitlines()) for path in readmes}
    most = {name: 60 if name == "runs/benchmarks/README.md" else 40 for name in lengths}
    assert {name: lines for name, lines in lengths.items() if lines > most[name]} == {}


def test_continuous_integration_runs_what_the_readme_tells_a_reader_to(root):
    script = root / ".ci" / "run"
    assert script.stat().st_mode & 0o111
    assert "make lint test" in script.read_text().splitlines()
    assert "make test" in (root / "README.md").read_text(encoding="utf-8")
