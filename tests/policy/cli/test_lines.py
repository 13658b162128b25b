"""What holds for every subcommand that answers line by line."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from policy.cli import lines as lines_module
from policy.cli import main, subcommands
from tests.policy.cli.running import Sallyport

BY_LINE = [("name",), ("wildcard",), ("match", "--dialect", "squid")]


def test_the_subcommands_are_the_modules_that_have_one() -> None:
    assert {"compile", "lint", "match", "name", "wildcard"} <= set(subcommands())
    assert not {"lines", "table", "command", "__main__"} & set(subcommands())


@pytest.mark.parametrize(
    "arguments", [(), ("bogus",), ("match",), ("name", "--bogus"), ("name", "a", "b"), ("name", "--form", "json")]
)
def test_a_wrong_call_ends_with_2_and_says_why(sallyport: Sallyport, arguments: tuple[str, ...]) -> None:
    ended = sallyport(*arguments)

    assert ended.status == 2
    assert "error" in ended.errors
    assert ended.output == ""


@pytest.mark.parametrize("path", ["/nowhere/at/all", "/", "a\0b"])
def test_an_unreadable_file_ends_with_2(sallyport: Sallyport, path: str) -> None:
    ended = sallyport("name", path)

    assert (ended.status, ended.output) == (2, "")
    assert "cannot read" in ended.errors


def test_help_is_no_failure(sallyport: Sallyport) -> None:
    assert sallyport("--help").status == 0
    assert sallyport("match", "--help").status == 0


BAD_LINES = [
    b"x",
    b"{",
    b'{"input": "a"',
    b'{"input": "a", "input": "b"}',
    b'{"input": NaN}',
    b'{"input": -Infinity}',
    b'{"input": "\xff"}',
    b'{"input": "a"}{"input": "b"}',
    b'{"input":' * 100_000,
    b"[" * 100_000,
    b'{"input": ' + b"9" * 5_000 + b"}",
]


@pytest.mark.parametrize("arguments", BY_LINE, ids=" ".join)
@pytest.mark.parametrize("line", BAD_LINES, ids=lambda line: repr(line[:20]))
def test_a_line_that_is_no_json_is_named_and_the_next_is_answered(
    sallyport: Sallyport, arguments: tuple[str, ...], line: bytes
) -> None:
    good = {"input": "a.com", "pattern": "*.example.com", "name": "a.com"}

    ended = sallyport(*arguments, given=line + b"\n" + json.dumps(good).encode())

    assert ended.status == 1
    assert (ended.answers[0]["error"], ended.answers[0]["line"]) == ("bad_json", 1)
    assert ended.answers[0]["message"]
    assert "error" not in ended.answers[1]


@pytest.mark.parametrize("arguments", BY_LINE, ids=" ".join)
@pytest.mark.parametrize(
    "line", ["1", "null", '"a"', "[]", "{}", '{"input": 1, "pattern": 1}', '{"input": null, "pattern": [1]}']
)
def test_json_that_is_no_question_is_refused(sallyport: Sallyport, arguments: tuple[str, ...], line: str) -> None:
    ended = sallyport(*arguments, given=line)

    assert ended.status == 1
    assert ended.answers[0]["error"] == "bad_input"


def test_blank_lines_are_no_questions_but_count(sallyport: Sallyport) -> None:
    ended = sallyport("name", given=b'\n  \n{"input": "a.com"}\r\n\nx\n')

    assert [answer.get("ascii") for answer in ended.answers] == ["a.com", None]
    assert ended.answers[1]["line"] == 5


def test_nothing_in_is_nothing_out(sallyport: Sallyport) -> None:
    ended = sallyport("name")

    assert (ended.status, ended.output) == (0, "")


def test_a_line_that_is_too_long_is_refused_and_skipped(sallyport: Sallyport, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines_module, "MAXIMUM_LINE_BYTES", 100)
    long = json.dumps({"input": "a" * 1000})

    ended = sallyport("name", given=f'{long}\n{{"input": "a.com"}}\n')

    assert [answer.get("error") for answer in ended.answers] == ["bad_json", None]


def test_a_fault_of_ours_in_one_line_does_not_take_the_others(
    sallyport: Sallyport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("policy.cli.name.canonical_name", lambda text: 1 / 0)

    ended = sallyport("name", given=b'{"input": "a"}\n{"input": "b"}\n')

    assert [answer["error"] for answer in ended.answers] == ["internal", "internal"]
    assert ended.status == 1


def test_a_file_is_read_and_so_is_a_dash(sallyport: Sallyport, tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text('{"input": "a.com"}')

    assert sallyport("name", str(tmp_path / "in.jsonl")).answers[0]["ascii"] == "a.com"
    assert sallyport("name", "-", given='{"input": "b.com"}').answers[0]["ascii"] == "b.com"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100)
@given(content=st.binary(max_size=200), arguments=st.sampled_from(BY_LINE))
def test_no_bytes_make_the_command_raise(sallyport: Sallyport, content: bytes, arguments: tuple[str, ...]) -> None:
    ended = sallyport(*arguments, given=content)

    assert ended.status in (0, 1)
    assert all(isinstance(answer, dict) for answer in ended.answers)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100)
@given(
    texts=st.lists(st.text(st.characters(), max_size=30), min_size=2, max_size=2),
    arguments=st.sampled_from(
        [*BY_LINE, *[("match", "--dialect", name) for name in ("cilium", "canonical", "antrea")]]
    ),
)
def test_no_text_makes_the_command_raise(sallyport: Sallyport, texts: list[str], arguments: tuple[str, ...]) -> None:
    ended = sallyport.ask(*arguments, questions=[{"input": texts[0], "pattern": texts[0], "name": texts[1]}])

    assert len(ended.answers) == 1
    assert ended.answers[0].get("error") not in ("internal", "bad_json")


def test_a_table_is_printed_for_people_and_hostile_text_stays_text(sallyport: Sallyport) -> None:
    ended = sallyport("match", "--dialect", "ovn", "--format", "table", given='{"pattern": "\\u001b[2J", "name": "a"}')

    assert ended.output.splitlines()[0].split() == ["RESULT", "REASON", "ERROR"]
    assert ended.output.splitlines()[1].startswith("invalid")
    assert "\x1b" not in ended.output
    assert ended.status == 1


def test_each_answer_is_there_before_the_next_question() -> None:
    command = [sys.executable, "-m", "policy.cli", "name"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        for name in ("a.com", "b.com"):
            running.stdin.write(json.dumps({"input": name}) + "\n")
            running.stdin.flush()
            assert json.loads(running.stdout.readline())["ascii"] == name
        running.stdin.close()
        assert running.wait(timeout=30) == 0


def test_a_reader_that_goes_away_causes_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text('{"input": "a.com"}\n' * 20_000)
    command = f"{sys.executable} -m policy.cli name {tmp_path}/in.jsonl | head -1"

    done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, timeout=60)

    assert json.loads(done.stdout)["ascii"] == "a.com"
    assert done.stderr == ""


def test_an_interrupt_ends_with_130(monkeypatch: pytest.MonkeyPatch, sallyport: Sallyport) -> None:
    def interrupt(text: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("policy.cli.name.canonical_name", interrupt)

    assert sallyport("name", given='{"input": "a"}').status == 130


def test_the_entry_point_of_the_package_is_this_command() -> None:
    project = (Path(__file__).resolve().parents[3] / "pyproject.toml").read_text(encoding="utf-8")

    assert 'sallyport = "policy.cli:main"' in project
    assert callable(main)
