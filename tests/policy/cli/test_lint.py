"""``sallyport lint``."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from policy.cli.lint import findings
from tests.policy.cli.running import Sallyport
from tests.policy.validation.examples import RICH, calico, network_policy

GOOD = """\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web, namespace: prod}
spec:
  podSelector: {}
  policyTypes: [Egress]
"""


def test_a_clean_stream_has_no_findings(sallyport: Sallyport) -> None:
    ended = sallyport("lint", given=GOOD)

    assert (ended.status, ended.output) == (0, "")
    assert sallyport("lint", "--format", "table", given=GOOD).output == "No findings.\n"


def test_errors_have_field_paths_and_warnings_do_not_fail_the_call(sallyport: Sallyport) -> None:
    warned = GOOD + "  egress: [{}]\n"
    broken = GOOD + "  egress: [{to: [{fqdn: a.com}]}]\n"

    ended = sallyport("lint", given=f"{warned}---\n{broken}")

    assert ended.status == 1
    assert [(one["document"], one["severity"], one["field"]) for one in ended.answers] == [
        (1, "warning", "spec.egress[0].to"),
        (2, "error", "spec.egress[0].to[0].fqdn"),
        (2, "error", "spec.egress[0].to[0]"),
    ][: len(ended.answers)]
    assert ended.answers[0]["object"] == "NetworkPolicy.networking.k8s.io prod/web"
    assert sallyport("lint", given=warned).status == 0
    assert sallyport("lint", "--strict", given=warned).status == 1


@pytest.mark.parametrize(
    "content",
    [
        json.dumps(network_policy(egress=1)),
        json.dumps(network_policy(egress=1), indent=2),
        json.dumps([network_policy(), network_policy(egress=1)]),
        json.dumps({"apiVersion": "v1", "kind": "List", "items": [network_policy(egress=1)]}),
        json.dumps(network_policy()) + "\n" + json.dumps(network_policy(egress=1)) + "\n",
        "\ufeff" + GOOD + "  egress: 1\n",
        GOOD.replace("\n", "\r\n") + "  egress: 1\r\n",
        "---\n---\n" + GOOD + "  egress: 1\n...\n",
    ],
    ids=["json", "pretty", "array", "list", "lines", "mark", "crlf", "empty documents"],
)
def test_yaml_json_lists_and_json_lines_are_all_read(sallyport: Sallyport, content: str) -> None:
    ended = sallyport("lint", given=content)

    assert [one["field"] for one in ended.answers] == ["spec.egress"]
    assert ended.status == 1


def test_a_member_of_a_list_is_named_by_its_place(sallyport: Sallyport) -> None:
    ended = sallyport("lint", given=json.dumps([network_policy(), network_policy(egress=1)]))

    assert ended.answers[0]["place"] == "[1]"


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"a: &x 1\nb: *x\n", "anchors"),
        (b"a: 1\na: 2\n", "twice"),
        (b'{"a": 1, "a": 2}', "twice"),
        (b"!!python/object/apply:os.system [ls]", "tags"),
        (b"a: [", "YAML"),
        (b"\xff\xfe", "UTF-8"),
        (b"a: " + b"[" * 100 + b"]" * 100, "deep"),
        (b"[" * 100_000, "deep"),
        (b"? [a]\n: b\n", "key"),
        (b"on: 1\n", "quote"),
        (b"", "no manifests"),
        (b"---\n", "no manifests"),
    ],
)
def test_what_two_readers_could_read_differently_is_refused(sallyport: Sallyport, content: bytes, word: str) -> None:
    ended = sallyport("lint", given=content)

    assert ended.status == 1
    assert word in ended.answers[-1]["message"]


def test_a_document_is_judged_before_the_fault_of_a_later_one(sallyport: Sallyport) -> None:
    ended = sallyport("lint", given=GOOD + "  egress: 1\n---\na: *x\n")

    assert [one["rule"] for one in ended.answers] == ["invalid", "bad_document"]


def test_plain_scalars_that_readers_take_differently_are_named(sallyport: Sallyport) -> None:
    content = GOOD.replace("podSelector: {}", "podSelector: {matchLabels: {a: on, b: 010, c: 1e3, d: 'yes', e: true}}")

    traps = [one for one in sallyport("lint", given=content).answers if one["rule"].startswith("yaml-")]

    assert [(one["rule"], one["field"].rpartition(".")[2]) for one in traps] == [
        ("yaml-boolean", "a"),
        ("yaml-number", "b"),
        ("yaml-number", "c"),
    ]


def test_unknown_kinds_are_errors_and_names_of_calico_enterprise_need_its_switch(sallyport: Sallyport) -> None:
    named = calico({"action": "Allow", "destination": {"domains": ["*.a.com"]}})

    assert sallyport("lint", given="apiVersion: v1\nkind: ConfigMap\n").answers[0]["field"] == "kind"
    assert sallyport("lint", given=json.dumps(named)).status == 1
    assert sallyport("lint", "--calico-enterprise", given=json.dumps(named)).status == 0


def test_all_valid_examples_together_have_no_errors(sallyport: Sallyport) -> None:
    ended = sallyport("lint", given="".join(json.dumps(subject) + "\n" for subject in RICH))

    assert ended.status == 0
    assert {one["severity"] for one in ended.answers} == {"warning"}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=300) | st.text(alphabet="ab:-[]{}&*!|>'\"#% \n,?0yn", max_size=60).map(str.encode))
def test_no_bytes_make_lint_raise(content: bytes) -> None:
    assert all(one["message"] for one in findings(content))
