"""What the public suffix list knows: under which names strangers live, so that a wildcard covers other tenants."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

from publicsuffixlist import PublicSuffixList

from policy.errors import InvalidName
from policy.names import canonical_name, is_below

# Names under which anybody gets a name or a path, but which the public suffix list does not carry.
SHARED_HOSTING = frozenset(
    {
        "akamaihd.net",
        "akamaized.net",
        "amazonaws.com",
        "azure.com",
        "box.com",
        "digitaloceanspaces.com",
        "discordapp.com",
        "dropboxusercontent.com",
        "edgekey.net",
        "edgesuite.net",
        "googleusercontent.com",
        "microsoftonline.com",
        "ngrok.io",
        "sharepoint.com",
        "slack.com",
        "storage.googleapis.com",
        "twilio.com",
        "windows.net",
        "zendesk.com",
    }
)

Result = Literal["ok", "flag", "refuse"]


@dataclass(frozen=True, slots=True)
class WildcardJudgement:
    """``refuse``: covers strangers by the list; ``flag``: covers tenants of one provider; ``ok``: neither."""

    result: Result
    reasons: tuple[str, ...]


@cache
def _suffix_list() -> PublicSuffixList:
    return PublicSuffixList(accept_unknown=True)


@cache
def _known_ancestors() -> frozenset[str]:
    """Every proper parent of a rule of the list, and the parents of ``*.x`` rules themselves."""
    ancestors: set[str] = set()
    text = files("publicsuffixlist").joinpath("public_suffix_list.dat").read_text(encoding="utf-8")
    for line in text.splitlines():
        rule = line.strip()
        if rule and not rule.startswith(("//", "!")):
            ancestors.update(_parents(rule))
    return frozenset(ancestors)


def _parents(rule: str) -> list[str]:
    labels = [label if label.isascii() else label.encode("idna").decode() for label in rule.lower().split(".")]
    if labels[0] != "*" and "*" in labels:
        return []
    return [".".join(labels[start:]) for start in range(1, len(labels))]


def is_public_suffix(name: str) -> bool:
    """Whether strangers register names directly below ``name``; an unknown last label counts as such."""
    return bool(_suffix_list().is_public(name))


def is_private_suffix(name: str) -> bool:
    """Whether the suffix belongs to a company that gives names away (``github.io``), not to a registry."""
    return is_public_suffix(name) and "." in name and not _icann_list().is_public(name)


@cache
def _icann_list() -> PublicSuffixList:
    return PublicSuffixList(accept_unknown=True, only_icann=True)


def is_suffix_ancestor(name: str) -> bool:
    """Whether public suffixes lie below ``name``, as below ``amazonaws.com``, which itself is none."""
    return name in _known_ancestors()


def registrable_domain(name: str) -> str | None:
    """The name that one owner registered, or None for a public suffix itself."""
    found = _suffix_list().privatesuffix(name)
    return str(found) if found is not None else None


def judge_wildcard(pattern: str, *, internal_zones: Iterable[str] = ()) -> WildcardJudgement:
    """Judge ``*.x`` or ``**.x`` by who owns the names it covers; zones of the house are known by the caller only."""
    base, problem = _wildcard_base(pattern)
    if problem:
        return WildcardJudgement("refuse", (problem,))
    if any(base == zone or is_below(base, zone) for zone in internal_zones):
        return WildcardJudgement("ok", ())
    reasons = _refusals(base)
    if reasons:
        return WildcardJudgement("refuse", reasons)
    shared = next((host for host in sorted(SHARED_HOSTING) if base == host or is_below(base, host)), None)
    if shared is None:
        return WildcardJudgement("ok", ())
    if shared == base:
        return WildcardJudgement("refuse", (f"{base} is shared hosting: its names belong to many customers",))
    return WildcardJudgement("flag", (f"{base} lies on shared hosting ({shared}): check whose names these are",))


def _wildcard_base(pattern: str) -> tuple[str, str | None]:
    text = pattern.strip()
    for prefix in ("**.", "*."):
        if text.startswith(prefix):
            text = text.removeprefix(prefix)
            break
    else:
        return "", "A wildcard begins with '*.' or '**.' and stands for whole labels only"
    if "*" in text:
        return "", "Only the first label may be a wildcard"
    try:
        return canonical_name(text).ascii, None
    except InvalidName as error:
        return "", error.message


def _refusals(base: str) -> tuple[str, ...]:
    reasons = []
    if is_public_suffix(base):
        what = "a public suffix" if "." in base or _icann_list().is_public(base) else "a bare top-level label"
        reasons.append(f"{base} is {what}: strangers own the names below it")
    elif is_suffix_ancestor(base):
        reasons.append(f"public suffixes lie below {base}: the wildcard covers names that strangers own")
    return tuple(reasons)
