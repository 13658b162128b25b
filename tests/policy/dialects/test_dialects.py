"""What each dialect makes of a pattern, by literal tables."""

import json
from pathlib import Path

import pytest

from policy.dialects import DIALECTS, MatchResult, match
from policy.dialects.result import UnknownField, UnknownVersion
from policy.errors import UnknownDialect

NAMES = ("x.com", "a.x.com", "b.a.x.com", "evil-x.com", "y.com", "x.com.evil.org")


def matched(dialect: str, pattern: str, *, field: str | None = None, version: str | None = None) -> list[str]:
    """Which of the usual names the pattern takes; fails where it is invalid."""
    answers = {name: match(dialect=dialect, pattern=pattern, name=name, field=field, version=version) for name in NAMES}
    assert "invalid" not in {answer.result for answer in answers.values()}, answers
    return [name for name, answer in answers.items() if answer.result == "match"]


def result(dialect: str, *patterns: str, name: str = "a.x.com", field: str | None = None) -> str:
    """The result for a set of patterns."""
    return match(dialect=dialect, patterns=patterns, name=name, field=field).result


BELOW, EVERY_DEPTH = ["a.x.com"], ["a.x.com", "b.a.x.com"]

MEANINGS = [
    ("canonical", "x.com", ["x.com"]),
    ("canonical", "*.x.com", BELOW),
    ("canonical", "**.x.com", EVERY_DEPTH),
    ("canonical", "*.x.com +apex", ["x.com", *BELOW]),
    ("canonical", "**.x.com +apex", ["x.com", *EVERY_DEPTH]),
    ("cilium", "x.com", ["x.com"]),
    ("cilium", "*.x.com", BELOW),
    ("cilium", "**.x.com", EVERY_DEPTH),
    ("cilium", "***.x.com", EVERY_DEPTH),
    ("cilium", "*x.com", ["x.com", "evil-x.com"]),
    ("cilium", "*.*.x.com", ["b.a.x.com"]),
    ("cilium", "b.**.x.com", ["b.a.x.com"]),
    ("cilium", "*", list(NAMES)),
    ("cilium", "**.", list(NAMES)),
    ("calico", "x.com", ["x.com"]),
    ("calico", "*.x.com", EVERY_DEPTH),
    ("calico", "b.*.com", ["b.a.x.com"]),
    ("calico", "*.com", ["x.com", "a.x.com", "b.a.x.com", "evil-x.com", "y.com"]),
    ("squid", "x.com", ["x.com"]),
    ("squid", ".x.com", ["x.com", *EVERY_DEPTH]),
    ("squid", "*.x.com", []),
    ("squid", "..x.com", []),
    ("squid", ".", []),
    ("squid", "x.com.", []),
    ("squid", ".X.Com", ["x.com", *EVERY_DEPTH]),
    ("squid", ".com", ["x.com", "a.x.com", "b.a.x.com", "evil-x.com", "y.com"]),
    ("aws-nfw", "x.com", ["x.com"]),
    ("aws-nfw", ".x.com", ["x.com", *EVERY_DEPTH]),
    ("clusternetworkpolicy", "x.com", ["x.com"]),
    ("clusternetworkpolicy", "*.x.com", EVERY_DEPTH),
    ("clusternetworkpolicy", "*.X.com.", EVERY_DEPTH),
    ("clusternetworkpolicy", "^x.com", []),
    ("gke", "x.com", ["x.com"]),
    ("gke", "*.x.com", BELOW),
    ("gke", "**.x.com", BELOW),
    ("gke", "*.*.x.com", ["b.a.x.com"]),
    ("gke", "*x.com", ["x.com", "evil-x.com"]),
    ("gke", "*", list(NAMES)),
    ("gke", "**", []),
    ("ovn", "x.com", ["x.com"]),
    ("ovn", "*.x.com", BELOW),
    ("ovn", "*.X.COM.", BELOW),
    ("antrea", "x.com", ["x.com"]),
    ("antrea", "*.x.com", EVERY_DEPTH),
    ("antrea", "*x.com", ["x.com", "a.x.com", "b.a.x.com", "evil-x.com"]),
    ("antrea", "b*x.com", ["b.a.x.com"]),
    ("antrea", "*", list(NAMES)),
    ("antrea", "x.com.", []),
]


@pytest.mark.parametrize(("dialect", "pattern", "names"), MEANINGS)
def test_pattern_takes_these_names_and_no_others(dialect: str, pattern: str, names: list[str]) -> None:
    assert matched(dialect, pattern) == names


@pytest.mark.parametrize("dialect", sorted(DIALECTS))
def test_case_and_final_dot_of_a_name_make_no_difference(dialect: str) -> None:
    assert result(dialect, "a.x.com", name="A.X.COM.") == "match"


INVALID = [
    ("canonical", "X.com"),
    ("canonical", "x.com."),
    ("canonical", "*"),
    ("canonical", "a.*.x.com"),
    ("canonical", "bücher.ch"),
    ("canonical", ""),
    ("canonical", "10.0.0.1/8"),
    ("cilium", ""),
    ("cilium", "."),
    ("cilium", ".x.com"),
    ("cilium", "*..com"),
    ("cilium", "x.com.."),
    ("cilium", "bücher.ch"),
    ("cilium", "x.com:443"),
    ("cilium", "https://x.com"),
    ("cilium", "\u212a.com"),
    ("cilium", "a" * 256),
    ("calico", "*"),
    ("calico", "**.x.com"),
    ("calico", "a*.x.com"),
    ("calico", "*.*.x.com"),
    ("calico", "x.*"),
    ("calico", "x.com."),
    ("calico", ""),
    ("squid", "-x.com"),
    ("squid", "+x.com"),
    ("squid", ""),
    ("squid", "a b"),
    ("squid", "x.com\n"),
    ("squid", '"file"'),
    ("squid", "'file'"),
    ("squid", "#x"),
    ("aws-nfw", "*"),
    ("aws-nfw", "*.x.com"),
    ("aws-nfw", "..x.com"),
    ("aws-nfw", "x.com."),
    ("aws-nfw", ""),
    ("aws-nfw", "https://x.com"),
    ("clusternetworkpolicy", "*"),
    ("clusternetworkpolicy", "*.com"),
    ("clusternetworkpolicy", "*com"),
    ("clusternetworkpolicy", "**.x.com"),
    ("clusternetworkpolicy", "a.*.com"),
    ("clusternetworkpolicy", "com"),
    ("clusternetworkpolicy", "a-.com"),
    ("clusternetworkpolicy", "a_.com"),
    ("clusternetworkpolicy", "-a.com"),
    ("clusternetworkpolicy", "a^b.com"),
    ("clusternetworkpolicy", "x.com.."),
    ("clusternetworkpolicy", ""),
    ("gke", ""),
    ("gke", ".a"),
    ("gke", "-a.com"),
    ("gke", "a-.com"),
    ("gke", "a..com"),
    ("gke", "_a.com"),
    ("ovn", "*"),
    ("ovn", "a_b.com"),
    ("ovn", "**.x.com"),
    ("ovn", "a.*.com"),
    ("ovn", "a..com"),
    ("ovn", ""),
    ("antrea", "http://x y"),
    ("antrea", "a_b.com"),
    ("antrea", ""),
]


@pytest.mark.parametrize(("dialect", "pattern"), INVALID)
def test_pattern_is_refused_whatever_the_name(dialect: str, pattern: str) -> None:
    answer = match(dialect=dialect, pattern=pattern, name="x.com")

    assert answer.result == "invalid"
    assert answer.reason


@pytest.mark.parametrize("dialect", sorted(set(DIALECTS) - {"canonical"}))
@pytest.mark.parametrize("name", ["", ".", "..", "a..x.com.", "bücher.ch", "\u212a.com", "a b", "a\n.x.com", "a" * 300])
def test_what_is_no_name_never_matches_a_name(dialect: str, name: str) -> None:
    assert result(dialect, "k.com", name=name) == "no-match"
    if dialect in ("squid", "aws-nfw"):
        assert result(dialect, ".k.com", name=name) == "no-match"


def test_cilium_before_1_19_knows_no_depth_and_only_one_star_for_every_name() -> None:
    assert matched("cilium", "**.x.com", version="1.18") == BELOW
    assert matched("cilium", "**.x.com", version="1.18.9") == BELOW
    assert matched("cilium", "**", version="1.18") == []
    assert matched("cilium", "*", version="1.18") == list(NAMES)
    assert matched("cilium", "**.x.com", version="1.19") == EVERY_DEPTH
    assert matched("cilium", "**", version="1.19") == list(NAMES)
    assert matched("cilium", "**.x.com", version="v1.20.2") == EVERY_DEPTH
    assert matched("cilium", "**.x.com", version="2") == EVERY_DEPTH


def test_cilium_server_names_know_wildcards_from_1_20_on() -> None:
    assert matched("cilium", "*.x.com", field="serverNames", version="1.20") == BELOW
    assert matched("cilium", "*.x.com", field="serverNames", version="1.19") == []
    assert matched("cilium", "a.x.com", field="serverNames", version="1.19") == BELOW
    assert result("cilium", "a.com", "a.com", field="serverNames") == "invalid"


def test_cilium_match_name_takes_no_wildcard() -> None:
    assert result("cilium", "*.x.com", field="matchName") == "invalid"
    assert result("cilium", "a.X.com.", field="toFQDNs.matchName") == "match"


def test_cilium_star_fits_an_empty_label_as_its_expression_does() -> None:
    assert result("cilium", "www.*.x.com", name="www..x.com") == "match"
    assert result("cilium", "**.x.com", name="www..x.com") == "no-match"
    assert result("cilium", "*", name=".") == "match"
    assert result("cilium", "*", name="a!.com") == "no-match"
    assert result("cilium", "*.x.com", name="a!.x.com") == "no-match"


STARS = [
    ("a*b*c.x", "abc.x", True),
    ("a*b*c.x", "a1b2c.x", True),
    ("a*b*c.x", "acb.x", False),
    ("a*b*c.x", "a1c.x", False),
    ("a*b*b.x", "ab.x", False),
    ("*bb*bb.x", "bbb.x", False),
    ("*bb*bb.x", "bbbb.x", True),
    ("*ab*ab*.x", "xabxabx.x", True),
    ("*ab*ab*.x", "xabx.x", False),
    ("ab*ba.x", "aba.x", False),
    ("ab*ba.x", "abba.x", True),
    ("*a*.x", "bbb.x", False),
]


@pytest.mark.parametrize("dialect", ["cilium", "gke", "antrea"])
@pytest.mark.parametrize(("pattern", "name", "is_taken"), STARS)
def test_stars_take_texts_that_do_not_overlap(dialect: str, pattern: str, name: str, is_taken: bool) -> None:
    assert result(dialect, pattern, name=name) == ("match" if is_taken else "no-match")


def test_a_name_has_at_most_the_length_that_dns_carries() -> None:
    longest = "a." * 126 + "com"

    assert (len(longest), len(f"{longest}.")) == (255, 256)
    assert result("antrea", "*", name=longest) == "match"
    assert result("antrea", "*", name=f"{longest}.") == "no-match"


def test_gke_name_is_exact() -> None:
    assert result("gke", "*.x.com", field="name") == "invalid"
    assert result("gke", "A.x.com.", field="name") == "match"


def test_cluster_network_policy_takes_25_different_names_in_one_peer() -> None:
    names = [f"a{number}.x.com" for number in range(26)]

    assert result("clusternetworkpolicy", *names[:25], name="a24.x.com") == "match"
    assert result("clusternetworkpolicy", *names, name="a24.x.com") == "invalid"
    assert result("clusternetworkpolicy", "a.x.com", "a.x.com") == "invalid"


def test_canonical_takes_addresses_and_offers_the_right_spelling() -> None:
    assert result("canonical", "10.0.0.0/8 except 10.1.0.0/16", name="10.2.3.4") == "match"
    assert result("canonical", "10.0.0.0/8 except 10.1.0.0/16", name="10.1.3.4") == "no-match"
    assert result("canonical", "10.0.0.0/8", name="x.com") == "no-match"
    assert result("canonical", "2001:db8::/32", name="2001:DB8::1") == "match"
    assert "'x.com'" in match(dialect="canonical", pattern="X.com", name="x.com").reason


SQUID_SETS = [
    (("x.com", ".x.com"), "invalid"),
    ((".x.com", "x.com"), "invalid"),
    (("X.com", ".x.COM"), "invalid"),
    (("www.x.com", ".x.com"), "invalid"),
    ((".www.x.com", ".x.com"), "invalid"),
    (("*.x.com", ".x.com"), "invalid"),
    (("..x.com", ".x.com"), "invalid"),
    (("b.a.x.com", "y.com", ".x.com"), "invalid"),
    ((".x.com", "www.x.com"), "match"),
    ((".x.com", ".www.x.com"), "match"),
    ((".x.com", ".x.com"), "match"),
    (("x.com", "X.COM"), "no-match"),
    ((".com", "x.com"), "match"),
    (("evil-x.com", ".x.com"), "match"),
    (("x.com.", ".x.com"), "match"),
    (("y.com", "a.x.com"), "match"),
    ((), "no-match"),
]


@pytest.mark.parametrize("field", ["dstdomain", "ssl::server_name"])
@pytest.mark.parametrize(("patterns", "expected"), SQUID_SETS)
def test_squid_judges_the_values_of_an_acl_together(patterns: tuple[str, ...], expected: str, field: str) -> None:
    assert result("squid", *patterns, field=field) == expected


SQUID_EXPRESSIONS = [
    (r"^[^.]+\.x\.com$", "match"),
    (r"x\.com", "match"),
    (r"^x\.com$", "no-match"),
    ("X", "no-match"),
    ("[[:alpha:]]{1,3}", "match"),
    (r"a{2}", "no-match"),
    ("(a", "invalid"),
    ("+b", "invalid"),
    ("a{1", "invalid"),
    ("a{1,", "invalid"),
    ("a{x", "invalid"),
    (r"(a)\1", "invalid"),
]


@pytest.mark.parametrize("field", ["dstdom_regex", "ssl::server_name_regex"])
@pytest.mark.parametrize(("pattern", "expected"), SQUID_EXPRESSIONS)
def test_squid_expressions_are_searched_in_the_lower_case_name(pattern: str, expected: str, field: str) -> None:
    assert result("squid", pattern, name="A.x.com", field=field) == expected


def test_reasons_say_which_pattern_and_how() -> None:
    assert match(dialect="squid", patterns=("y.com", ".x.com"), name="x.com") == MatchResult(
        "match", "it fits '.x.com' (the apex and any depth)"
    )
    assert "literally" in match(dialect="squid", pattern="*.x.com", name="a.x.com").reason
    assert "1.20" in match(dialect="cilium", pattern="*.x", name="a.x", field="serverNames", version="1.19").reason
    assert "final dot" in match(dialect="antrea", pattern="x.com.", name="x.com").reason


CILIUM_REASONS = [
    ("x.com", "x.com", "1.20", "(exact)"),
    ("*", "x.com", "1.18", "(every name)"),
    ("**", "x.com", "1.19", "(every name)"),
    ("**.x.com", "a.x.com", "1.19", "(one or more labels)"),
    ("**.x.com", "a.x.com", "1.18", "(a star stays inside its label)"),
    ("*.x.com", "a.x.com", "1.20", "(a star stays inside its label)"),
    ("**a.com", "xa.com", "1.20", "(a star stays inside its label)"),
    ("*.x.com", "x.com", "1.20", "outside '*.x.com' (a star stays inside its label; the apex is not included)"),
    ("x.com", "y.com", "1.20", "no pattern is exactly this name"),
]


@pytest.mark.parametrize(("pattern", "name", "version", "words"), CILIUM_REASONS)
def test_reasons_of_cilium_say_what_the_star_means_to_this_version(
    pattern: str, name: str, version: str, words: str
) -> None:
    assert words in match(dialect="cilium", pattern=pattern, name=name, version=version).reason


def test_the_reason_for_server_names_is_about_them_only() -> None:
    assert "literally" not in match(dialect="cilium", pattern="*.x", name="b.y", version="1.19").reason
    assert (
        "literally"
        not in match(dialect="cilium", pattern="*.x", name="b.y", field="serverNames", version="1.20").reason
    )


def test_reasons_of_squid_say_why_nothing_fits() -> None:
    assert "never matches" in match(dialect="squid", patterns=(), name="x.com").reason
    assert match(dialect="squid", pattern="y.com", name="x.com").reason == "no value fits this name"


def test_an_expression_outside_of_posix_is_not_judged_by_guessing() -> None:
    assert result("squid", r"\d", field="dstdom_regex") == "invalid"


def test_a_value_of_squid_has_a_limit() -> None:
    assert result("squid", "a" * 8192) == "no-match"
    assert result("squid", "a" * 8193) == "invalid"


def test_a_wrong_call_is_an_error_and_no_answer() -> None:
    with pytest.raises(UnknownDialect):
        match(dialect="bogus", pattern="x", name="x")
    with pytest.raises(UnknownField):
        match(dialect="gke", pattern="x", name="x", field="matchName")
    for version in ("", "x", "1.x", "1.99999999", "\u0661.19"):
        with pytest.raises(UnknownVersion):
            match(dialect="cilium", pattern="x", name="x", version=version)


def test_cilium_agrees_with_its_own_recorded_vectors(shared: Path) -> None:
    vectors = json.loads((shared / "crds" / "cilium" / "wildcard_vectors.json").read_text(encoding="utf-8"))["vectors"]
    wrong = []
    for pattern, names in vectors.items():
        for name in names:
            # The proxy lower-cases names before it matches; the recording shows what its package says without.
            expected = "match" if names[name.lower()] else "no-match"
            if result("cilium", pattern, name=name) != expected:
                wrong.append((pattern, name, expected))

    assert wrong == []
    assert len(vectors) >= 10
