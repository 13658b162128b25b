"""``sallyport compile``."""

import json

import pytest
import yaml

from policy.entryfiles import InvalidEntries, read_entries
from policy.validation import validate_manifest
from tests.policy.cli.running import Ended, Sallyport

ENTRIES = """\
apiVersion: sallyport.dev/v1
kind: EgressEntries
namespace: shop
owner: team-shop
justification: Card payments
entries:
  - destination: api.example.com
    ports: 443/tcp
    workload: app=web
    expires: "2027-01-31"
  - passport: SP-7K3QF
    destination: 10.0.0.0/8
    ports: 5432
    workload: {app: db}
"""
AT = ("--at", "2026-11-23T12:00:00Z")


def compiled(sallyport: Sallyport, *arguments: str, given: str = ENTRIES) -> Ended:
    """The call with a fixed instant."""
    return sallyport("compile", *AT, *arguments, given=given)


def test_a_bundle_and_a_fidelity_report_come_out_for_each_namespace(sallyport: Sallyport) -> None:
    given = ENTRIES.replace("namespace: shop", "namespaces: [shop, pay]")

    ended = compiled(sallyport, "--dialect", "cilium", "--version", "1.19", given=given)

    assert ended.status == 0
    assert [bundle["namespace"] for bundle in ended.answers] == ["pay", "shop"]
    for bundle in ended.answers:
        assert [validate_manifest(manifest) for manifest in bundle["objects"]] == [()] * len(bundle["objects"])
        assert {row["destination"] for row in bundle["fidelity"]} == {"10.0.0.0/8", "api.example.com"}
        assert {row["verdict"] for row in bundle["fidelity"]} == {"exact"}
    assert "SP-7K3QF" in ended.output


def test_an_entry_that_the_target_cannot_hold_fails_the_call(sallyport: Sallyport) -> None:
    ended = compiled(sallyport, "--dialect", "networkpolicy")

    rows = {row["destination"]: row for row in ended.answers[0]["fidelity"]}
    assert ended.status == 1
    assert (rows["api.example.com"]["verdict"], rows["api.example.com"]["rendered"]) == ("impossible", False)
    assert (rows["10.0.0.0/8"]["verdict"], rows["10.0.0.0/8"]["rendered"]) == ("exact", True)


def test_a_wider_meaning_is_rendered_only_where_it_was_accepted(sallyport: Sallyport) -> None:
    given = ENTRIES.replace("api.example.com", "'*.example.com'").replace("10.0.0.0/8", "api.example.org")
    accepted = given.replace("owner:", "acceptedWidening: [squid]\nowner:")
    call = ("--dialect", "squid", "--capability", "sources=10.0.0.0/8")

    refused, widened = compiled(sallyport, *call, given=given), compiled(sallyport, *call, given=accepted)

    verdicts = [{row["verdict"] for row in ended.answers[0]["fidelity"]} for ended in (refused, widened)]
    if "widened" in verdicts[0]:
        assert (refused.status, widened.status) == (1, 0)
    else:
        assert verdicts[0] == verdicts[1]


def test_an_entry_past_its_end_is_not_compiled(sallyport: Sallyport) -> None:
    def destinations(at: str) -> list[str]:
        ended = sallyport("compile", "--dialect", "cilium", "--at", at, given=ENTRIES)
        return [row["destination"] for row in ended.answers[0]["fidelity"]]

    assert "api.example.com" in destinations("2027-01-31T23:59:59Z")
    assert "api.example.com" not in destinations("2027-02-01T00:00:00Z")


def test_same_input_is_same_output_whatever_the_order_of_entries(sallyport: Sallyport) -> None:
    document = yaml.safe_load(ENTRIES)
    turned = json.dumps(document | {"entries": document["entries"][::-1]})

    assert (
        compiled(sallyport, "--dialect", "cilium").output
        == compiled(sallyport, "--dialect", "cilium", given=turned).output
    )


def test_yaml_has_the_objects_with_every_text_in_quotes_and_the_report_as_comments(sallyport: Sallyport) -> None:
    as_json = compiled(sallyport, "--dialect", "networkpolicy").answers[0]["objects"]

    ended = compiled(sallyport, "--dialect", "networkpolicy", "--format", "yaml")

    assert list(yaml.safe_load_all(ended.output)) == as_json
    assert any(line.startswith("# SP-7K3QF 10.0.0.0/8: exact") for line in ended.output.splitlines())
    assert '"TCP"' in ended.output
    assert "&id" not in ended.output


def test_a_table_shows_the_fidelity(sallyport: Sallyport) -> None:
    ended = compiled(sallyport, "--dialect", "networkpolicy", "--format", "table")

    heading, *rows = ended.output.splitlines()
    assert heading.split()[:3] == ["NAMESPACE", "PASSPORT", "VERDICT"]
    assert len(rows) == 2


def test_the_allowance_for_dns_is_that_of_the_cluster(sallyport: Sallyport) -> None:
    call = ("--dns-namespace", "openshift-dns", "--dns-port", "5353", "--dns-node-local", "169.254.20.10")

    ended = compiled(sallyport, "--dialect", "networkpolicy", *call)

    text = json.dumps(ended.answers[0]["objects"])
    assert "openshift-dns" in text
    assert "5353" in text
    assert "169.254.20.10/32" in text


@pytest.mark.parametrize("namespace", ["shop", "other"])
def test_one_namespace_can_be_asked_for(sallyport: Sallyport, namespace: str) -> None:
    ended = compiled(sallyport, "--dialect", "cilium", "--namespace", namespace)

    assert [bundle["namespace"] for bundle in ended.answers] == (["shop"] if namespace == "shop" else [])


@pytest.mark.parametrize(
    "arguments",
    [
        ("--dialect", "bogus"),
        ("--dialect", "cilium", "--at", "tomorrow"),
        ("--dialect", "cilium", "--at", "2026-11-23T12:00:00"),
        ("--dialect", "cilium", "--version", "new"),
        ("--dialect", "cilium", "--capability", "bogus=1"),
        ("--dialect", "cilium", "--capability", "server_names"),
        ("--dialect", "cilium", "--capability", "server_names=maybe"),
        ("--dialect", "cilium", "--capability", "policy_map_entries=-1"),
        ("--dialect", "cilium", "--capability", "tls_ports=443,x"),
        ("--dialect", "cilium", "--dns-port", "x"),
        ("--dialect", "calico", "--capability", "edition=cloud"),
    ],
)
def test_a_wrong_call_ends_with_2(sallyport: Sallyport, arguments: tuple[str, ...]) -> None:
    ended = sallyport("compile", *arguments, given=ENTRIES)

    assert (ended.status, ended.output) == (2, "")
    assert ended.errors


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ("", "bad_document"),
        ("a: &x 1", "bad_document"),
        ("- 1", "invalid_entries"),
        ("entries: []", "invalid_entries"),
        (ENTRIES.replace("api.example.com", "API.example.com"), "invalid_entries"),
        (ENTRIES.replace("v1", "v2"), "invalid_entries"),
    ],
)
def test_a_file_with_faults_is_refused_as_a_whole(sallyport: Sallyport, given: str, code: str) -> None:
    ended = compiled(sallyport, "--dialect", "cilium", given=given)

    assert (ended.status, ended.answers[0]["error"]) == (1, code)
    assert len(ended.answers) == 1


def test_an_unknown_template_is_refused(sallyport: Sallyport) -> None:
    ended = compiled(sallyport, "--dialect", "cilium", "--template", "v9")

    assert (ended.status, ended.answers[0]["error"]) == (1, "unknown_template")


def _entry(**fields: object) -> dict[str, object]:
    entry = {
        "destination": "api.example.com",
        "ports": "443/tcp",
        "namespace": "shop",
        "owner": "team",
        "justification": "because",
    } | fields
    return {"entries": [entry]}


FAULTS = [
    ({"destination": "*.example.com:443"}, "entries[0].destination"),
    ({"destination": None}, "entries[0].destination"),
    ({"ports": "http"}, "entries[0].ports"),
    ({"ports": 0}, "entries[0].ports"),
    ({"ports": None}, "entries[0].ports"),
    ({"namespace": "Shop"}, "entries[0].namespace"),
    ({"namespace": None}, "entries[0].namespace"),
    ({"namespaces": ["shop"]}, "entries[0].namespaces"),
    ({"workload": "app"}, "entries[0].workload"),
    ({"workload": {"app": "a b"}}, "entries[0].workload"),
    ({"owner": ""}, "entries[0].owner"),
    ({"owner": " "}, "entries[0].owner"),
    ({"owner": "a\u202eb"}, "entries[0].owner"),
    ({"justification": None}, "entries[0].justification"),
    ({"justification": "x" * 4001}, "entries[0].justification"),
    ({"expires": "soon"}, "entries[0].expires"),
    ({"expires": "2027-02-30"}, "entries[0].expires"),
    ({"expires": "2027-01-31T12:00:00"}, "entries[0].expires"),
    ({"expires": "9999-12-31"}, "entries[0].expires"),
    ({"passport": "SP-1"}, "entries[0].passport"),
    ({"bogus": 1}, "entries[0].bogus"),
    ({"acceptedWidening": "squid"}, "entries[0].acceptedWidening"),
]


@pytest.mark.parametrize(("fields", "field"), FAULTS)
def test_a_fault_of_an_entry_is_named_by_its_field(fields: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidEntries) as refused:
        read_entries(_entry(**fields))

    assert [error["field"] for error in refused.value.details["errors"]] == [field]  # type: ignore[attr-defined]


def test_what_stands_once_for_the_file_holds_for_each_entry_that_says_nothing_else() -> None:
    document = {
        "namespace": "shop",
        "owner": "team",
        "justification": "because",
        "ports": 443,
        "entries": [
            {"destination": "a.example.com"},
            {"destination": "b.example.com", "owner": "other", "namespaces": ["b", "a"], "ports": "53/udp"},
        ],
    }

    first, second = read_entries(document)

    assert (first.owner, first.namespaces, str(first.entry.ports[0])) == ("team", ("shop",), "443/tcp")
    assert (second.owner, second.namespaces, str(second.entry.ports[0])) == ("other", ("a", "b"), "53/udp")


def test_an_entry_without_a_passport_gets_one_from_its_content() -> None:
    first, again = (read_entries(_entry())[0].entry.passport for _ in range(2))
    other = read_entries(_entry(ports="80/tcp"))[0].entry.passport

    assert first == again
    assert first != other


def test_two_entries_that_say_the_same_are_refused() -> None:
    entry = _entry()["entries"]

    with pytest.raises(InvalidEntries, match="says the same"):
        read_entries({"entries": [*entry, *entry]})  # type: ignore[misc]
