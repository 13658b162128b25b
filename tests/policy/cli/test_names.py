"""``sallyport name``, ``wildcard`` and ``match``."""

import pytest

from tests.policy.cli.running import Sallyport

NAMES = [
    ("example.com", "example.com"),
    ("EXAMPLE.com", "example.com"),
    ("example.com.", "example.com"),
    ("bücher.example", "xn--bcher-kva.example"),
    ("BÜCHER.example", "xn--bcher-kva.example"),
    ("bu\u0308cher.example", "xn--bcher-kva.example"),
    ("faß.de", "xn--fa-hia.de"),
    ("xn--fa-hia.de", "xn--fa-hia.de"),
    ("ｅｘａｍｐｌｅ。com", "example.com"),
    ("_dmarc.example.com", "_dmarc.example.com"),
    ("пример.рф", "xn--e1afmkfd.xn--p1ai"),
]


@pytest.mark.parametrize(("given", "ascii_form"), NAMES)
def test_a_name_has_one_ascii_form(sallyport: Sallyport, given: str, ascii_form: str) -> None:
    ended = sallyport.ask("name", questions=[{"input": given}])

    assert ended.status == 0
    assert ended.answers[0]["ascii"] == ascii_form
    assert ended.answers[0]["mapped"] is (given not in (ascii_form, ended.answers[0]["unicode"]))


NO_NAMES = [
    "",
    ".",
    "a..b",
    ".a",
    "a b",
    "-a.com",
    "a-.com",
    "☃.net",
    "a" * 254,
    "a" * 64 + ".com",
    "xn--a",
    "ab--c.com",
]


@pytest.mark.parametrize(
    "given", [*NO_NAMES, "http://a.com", "a.com:443", "*.a.com", "1.2.3.4", "a\u200d.com", "example.com.."]
)
def test_what_is_no_name_has_a_code_and_a_sentence(sallyport: Sallyport, given: str) -> None:
    ended = sallyport.ask("name", questions=[{"input": given}])

    assert ended.status == 1
    assert ended.answers[0].keys() >= {"error", "message"}
    assert "ascii" not in ended.answers[0]


def test_a_look_alike_is_answered_with_a_warning(sallyport: Sallyport) -> None:
    answer = sallyport.ask("name", questions=[{"input": "аpple.com"}]).answers[0]

    assert answer["ascii"].startswith("xn--")
    assert {warning["kind"] for warning in answer["warnings"]} >= {"mixed-script"}


WILDCARDS = [
    ("*.example.com", "ok"),
    ("**.example.com", "ok"),
    ("*.a.github.io", "ok"),
    ("api.example.com", "ok"),
    (".example.com", "ok"),
    ("*", "refuse"),
    ("**", "refuse"),
    ("*.", "refuse"),
    ("*.com", "refuse"),
    ("*.CO.UK", "refuse"),
    ("*.co.uk.", "refuse"),
    (".co.uk", "refuse"),
    ("*.github.io", "refuse"),
    ("*.s3.amazonaws.com", "refuse"),
    ("*.amazonaws.com", "refuse"),
    ("*.рф", "refuse"),
    ("*.a*.com", "refuse"),
    ("a.*.com", "refuse"),
    ("", None),
]


@pytest.mark.parametrize(("pattern", "result"), WILDCARDS)
def test_a_wildcard_is_judged_by_who_owns_the_names_below(
    sallyport: Sallyport, pattern: str, result: str | None
) -> None:
    ended = sallyport.ask("wildcard", questions=[{"pattern": pattern}])

    assert ended.answers[0].get("result") == result
    assert ended.status == (0 if result == "ok" else 1)
    assert result == "ok" or ended.answers[0].get("reasons") or ended.answers[0]["message"]


def test_match_answers_for_one_pattern_for_a_set_and_for_a_field(sallyport: Sallyport) -> None:
    questions = [
        {"pattern": ".x.com", "name": "x.com"},
        {"patterns": ["x.com", ".x.com"], "name": "x.com"},
        {"patterns": [], "name": "x.com"},
        {"pattern": "^x", "name": "x.com", "field": "dstdom_regex"},
        {"pattern": ".x.com", "name": "x.com", "field": None},
    ]

    ended = sallyport.ask("match", "--dialect", "squid", questions=questions)

    assert [answer["result"] for answer in ended.answers] == ["match", "invalid", "no-match", "match", "match"]
    assert all(answer["reason"] for answer in ended.answers)
    assert ended.status == 1


def test_match_takes_the_version_of_the_call_and_that_of_a_line_over_it(sallyport: Sallyport) -> None:
    question = {"pattern": "**.x.com", "name": "a.b.x.com"}

    ended = sallyport.ask(
        "match", "--dialect", "cilium", "--version", "1.18", questions=[question, question | {"version": "1.19"}]
    )

    assert [answer["result"] for answer in ended.answers] == ["no-match", "match"]
    assert ended.status == 0


@pytest.mark.parametrize(
    ("question", "code"),
    [
        ({"name": "x"}, "bad_input"),
        ({"pattern": "x", "patterns": ["x"], "name": "x"}, "bad_input"),
        ({"patterns": "x", "name": "x"}, "bad_input"),
        ({"patterns": [1], "name": "x"}, "bad_input"),
        ({"pattern": "x"}, "bad_input"),
        ({"pattern": "x", "name": "x", "field": 1}, "bad_input"),
        ({"pattern": "x", "name": "x", "field": "bogus"}, "unknown_field"),
        ({"pattern": "x", "name": "x", "version": "bogus"}, "unknown_version"),
        ({"pattern": "x", "name": "x", "version": [1]}, "bad_input"),
    ],
)
def test_match_refuses_a_wrong_question(sallyport: Sallyport, question: dict[str, object], code: str) -> None:
    ended = sallyport.ask("match", "--dialect", "cilium", questions=[question])

    assert (ended.status, ended.answers[0]["error"]) == (1, code)
