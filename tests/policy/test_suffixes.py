"""Wildcards are judged by who owns the names they cover."""

import pytest

from policy.suffixes import (
    is_private_suffix,
    is_public_suffix,
    is_suffix_ancestor,
    judge_wildcard,
    registrable_domain,
)


@pytest.mark.parametrize(
    ("pattern", "result"),
    [
        ("*", "refuse"),
        ("*.com", "refuse"),
        ("**.com", "refuse"),
        ("*.co.uk", "refuse"),
        ("*.s3.amazonaws.com", "refuse"),
        ("*.amazonaws.com", "refuse"),
        ("**.amazonaws.com", "refuse"),
        ("*.github.io", "refuse"),
        ("*.blob.core.windows.net", "refuse"),
        ("*.core.windows.net", "refuse"),
        ("*.cloudfront.net", "refuse"),
        ("*.sharepoint.com", "refuse"),
        ("a.*.com", "refuse"),
        ("*.*.example.com", "refuse"),
        ("api*.example.com", "refuse"),
        ("example.com", "refuse"),
        ("*.internal", "refuse"),
        ("*.foo.sharepoint.com", "flag"),
        ("*.example.com", "ok"),
        ("**.example.co.uk", "ok"),
        ("*.somebody.github.io", "ok"),
    ],
)
def test_a_wildcard_that_covers_strangers_is_refused(pattern, result):
    judged = judge_wildcard(pattern)

    assert judged.result == result
    assert bool(judged.reasons) == (result != "ok")


def test_zones_of_the_house_are_known_by_the_caller():
    assert judge_wildcard("*.internal", internal_zones=["internal"]).result == "ok"
    assert judge_wildcard("*.corp.internal", internal_zones=["corp.internal"]).result == "ok"


def test_the_list_knows_registries_and_companies():
    assert is_public_suffix("co.uk")
    assert not is_private_suffix("co.uk")
    assert is_private_suffix("github.io")
    assert is_suffix_ancestor("amazonaws.com")
    assert not is_public_suffix("amazonaws.com")
    assert registrable_domain("a.b.example.co.uk") == "example.co.uk"
    assert registrable_domain("co.uk") is None
