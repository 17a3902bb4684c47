"""CI of users: the action and the GitLab template, checked by their schemas and by running their scripts."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.conftest import BIN, ROOT

ACTION = ROOT / ".github" / "actions" / "edge-bench"
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
GITLAB = ROOT / ".gitlab" / "edge-bench.yml"
FEW = "--num-runs 20 --min-seconds 0 --processes 1"


@pytest.mark.parametrize(
    ("schema", "path", "more"),
    [
        ("vendor.github-actions", ACTION / "action.yml", ()),
        *(("vendor.github-workflows", path, ()) for path in WORKFLOWS),
        ("vendor.gitlab-ci", GITLAB, ("--data-transform", "gitlab-ci")),
    ],
    ids=lambda value: value.name if isinstance(value, Path) else None,
)
def test_files_keep_their_schema(schema: str, path: Path, more: tuple[str, ...]) -> None:
    command = [BIN / "check-jsonschema", "--builtin-schema", schema, *more, path]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_foreign_actions_are_pinned_by_hash() -> None:
    used = [
        line.split("uses:")[1].strip()
        for path in (ACTION / "action.yml", *WORKFLOWS)
        for line in path.read_text().splitlines()
        if "uses:" in line
    ]
    assert len(used) >= 6
    for each in used:
        assert each.startswith("./") or re.fullmatch(r"[\w/-]+@[0-9a-f]{40} # v[\d.]+", each), each


def test_every_script_of_the_action_is_used_and_inputs_are_no_code() -> None:
    text = (ACTION / "action.yml").read_text()
    for script in ACTION.glob("*.sh"):
        assert f"/{script.name}" in text
        assert os.access(script, os.X_OK)
    # What a user gives reaches the shell by the environment, never by the text of a script.
    for step in yaml.safe_load(text)["runs"]["steps"]:
        assert "${{" not in step.get("run", "")


def run_step(name: str, folder: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    """The script of a step, with what the runner would put into its environment."""
    steps = yaml.safe_load((ACTION / "action.yml").read_text())["runs"]["steps"]
    (step,) = [step for step in steps if step["name"] == name]
    for file in ("output", "summary"):
        (folder / file).touch()
    return subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", step["run"]],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={
            **os.environ,
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "GITHUB_ACTION_PATH": str(ACTION),
            "GITHUB_OUTPUT": str(folder / "output"),
            "GITHUB_STEP_SUMMARY": str(folder / "summary"),
            **environment,
        },
    )


def test_the_steps_measure_compare_and_fail_by_the_rules(bundle: Path, tmp_path: Path) -> None:
    def measure(**environment: str) -> "subprocess.CompletedProcess[str]":
        given = {"EDGE_BENCH_RUN": str(bundle), "EDGE_BENCH_OPTIONS": FEW, "EDGE_BENCH_OUT": "report"}
        return run_step("measure", tmp_path, **given, **environment)

    first = measure(EDGE_BENCH_RULES="min_accuracy = ['digits=0.5']\nmax_size = ['digits=10000000']")
    assert first.returncode == 0, first.stderr
    assert "exit-code=0" in (tmp_path / "output").read_text()
    summary = (tmp_path / "summary").read_text()
    assert summary.startswith("<!-- edge-bench -->\n")
    assert "there is no baseline yet" in summary
    assert "all 2 rules passed" in summary
    (tmp_path / "base").mkdir()
    (tmp_path / "report" / "report.json").rename(tmp_path / "base" / "report.json")

    # A baseline of this machine is compared with, and a rule is broken.
    (tmp_path / "output").write_text("")
    second = measure(EDGE_BENCH_BASELINE="base/report.json", EDGE_BENCH_RULES="max_size = ['digits=10']")
    assert second.returncode == 0, second.stderr
    assert "exit-code=9" in (tmp_path / "output").read_text()
    assert "accuracy at most 0.01 lower" in (tmp_path / "report" / "summary.md").read_text()
    # On a busy machine the times of so few runs may break a rule too.
    checks = (tmp_path / "report" / "checks.xml").read_text()
    assert re.search(r'name="size at most 10 bytes">\s*<failure', checks)
    assert run_step("exit code by the rules", tmp_path, CODE="9").returncode == 9

    # One of another machine is named and not compared.
    other = json.loads((tmp_path / "base" / "report.json").read_text())
    other["machine"]["cores"] = 64
    (tmp_path / "base" / "report.json").write_text(json.dumps(other))
    third = measure(EDGE_BENCH_BASELINE="base/report.json")
    assert third.returncode == 0
    assert "not compared: the reports are from different machines" in third.stdout

    # An error is one at once.
    broken = measure(EDGE_BENCH_RULES="no_such_rule = 3")
    assert broken.returncode == 2
    assert "there is no option 'no_such_rule'" in broken.stderr


def test_the_key_is_that_of_the_machine(tmp_path: Path) -> None:
    keys = []
    for _ in range(2):
        (tmp_path / "output").write_text("")
        assert run_step("kind of runner", tmp_path).returncode == 0
        keys.append((tmp_path / "output").read_text())
    assert re.fullmatch(r"key=[0-9a-f]{16}\n", keys[0])
    assert keys[0] == keys[1]


# Records what it is asked, and answers with the comments of a file.
GH = """#!/usr/bin/env python3
import json, os, pathlib, re, sys
folder = pathlib.Path(os.environ["GH_FOLDER"])
arguments = sys.argv[1:]
comments = json.loads((folder / "comments.json").read_text())
if "--method" in arguments:
    body = pathlib.Path(next(each for each in arguments if each.startswith("body=@"))[6:]).read_text()
    method, where = arguments[arguments.index("--method") + 1 :][:2]
    if method == "POST":
        comments.append({"id": 70 + len(comments), "body": body})
    else:
        (one,) = [each for each in comments if each["id"] == int(where.rpartition("/")[2])]
        one["body"] = body
    (folder / "comments.json").write_text(json.dumps(comments))
else:
    marker = re.search(r'startswith\\("(.*)"\\)', arguments[-1])[1]
    print(*(each["id"] for each in comments if each["body"].startswith(marker)), sep="\\n")
"""


def test_there_is_one_comment_that_is_updated(tmp_path: Path) -> None:
    (tmp_path / "gh").write_text(GH)
    (tmp_path / "gh").chmod(0o755)
    (tmp_path / "comments.json").write_text(json.dumps([{"id": 7, "body": "a person's"}]))
    for text in ("first", "second"):
        (tmp_path / "summary.md").write_text(f"## {text}\n")
        done = run_step(
            "comment on the pull request",
            tmp_path,
            PATH=f"{tmp_path}:{Path(sys.executable).parent}:{os.environ['PATH']}",
            GH_FOLDER=str(tmp_path),
            REPOSITORY="owner/name",
            PULL_REQUEST="3",
            SUMMARY="summary.md",
            MARKER="<!-- edge-bench -->",
        )
        assert done.returncode == 0, done.stderr
        assert "::warning" not in done.stdout
    mine, ours = json.loads((tmp_path / "comments.json").read_text())
    assert mine["body"] == "a person's"
    assert ours["body"] == "<!-- edge-bench -->\n## second\n"


def test_the_script_of_gitlab_runs(bundle: Path, tmp_path: Path) -> None:
    job = yaml.safe_load(GITLAB.read_text().replace("!reference", ""))[".edge-bench"]
    (script,) = job["script"]
    environment = {
        **os.environ,
        "PATH": f"{BIN}:{os.environ['PATH']}",
        **job["variables"],
        "EDGE_BENCH_RUN": str(bundle),
        "EDGE_BENCH_OPTIONS": FEW,
        "EDGE_BENCH_RULES": "min_accuracy = ['digits=0.5']",
        "CI_COMMIT_BRANCH": "main",
        "CI_DEFAULT_BRANCH": "main",
    }
    run = ["sh", "-c", script]
    done = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "report" / "checks.xml").is_file()
    assert len(list(tmp_path.glob(".edge-bench-baseline/*/report.json"))) == 1
    environment["EDGE_BENCH_RULES"] = "max_size = ['digits=10']"
    again = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True, check=False, env=environment)
    assert again.returncode == 9
    assert "accuracy at most 0.01 lower" in again.stdout
