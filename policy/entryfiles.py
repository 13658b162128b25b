"""The file of entries that teams keep in git, for ``sallyport compile`` and for the import.

apiVersion: sallyport.dev/v1
kind: EgressEntries
namespace: shop                 # every field but destination may stand here once, for all entries
owner: team-shop
entries:
  - destination: api.example.com
    ports: 443/tcp
    workload: app=web
    justification: Card payments
    expires: "2027-01-31"       # in force through that day, UTC; or an instant with its zone
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, TypeVar

from policy.destinations import parse_destination
from policy.entries import PolicyEntry, is_passport, new_passport
from policy.errors import DomainError
from policy.ports import PortRange, format_ports, parse_ports
from policy.selectors import LabelSelector, check_label_key, check_label_value, parse_selector
from policy.validation.schema import Items, Object, Problem, Shape, Text, TextMap, Whole, WholeOrText
from policy.validation.texts import MAXIMUM_PORT, dns_label

API_VERSION = "sallyport.dev/v1"
KIND = "EgressEntries"
MAXIMUM_ENTRIES = 50_000
MAXIMUM_PROBLEMS = 100

T = TypeVar("T")


class InvalidEntries(DomainError):
    """A file of entries with faults; ``details["errors"]`` lists each with the path of its field."""

    code = "invalid_entries"

    def __init__(self, problems: Iterable[Problem]) -> None:
        errors = [{"field": field, "message": message} for field, message in problems]
        first = errors[0]
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        super().__init__(f"{first['field']}: {first['message']}{more}", details={"errors": errors})


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One entry of a file: what the compilers take, where it belongs, and who answers for it and why."""

    field: str
    namespaces: tuple[str, ...]
    clusters: LabelSelector
    entry: PolicyEntry
    owner: str
    justification: str


def read_entries(document: Any) -> tuple[FileEntry, ...]:
    """The entries of one document; raises ``InvalidEntries`` with every fault in it.

    An entry without a passport gets one from its own content, for previews: the same entry, the same passport.
    """
    problems = list(_first(_FILE.problems(document, ""), MAXIMUM_PROBLEMS))
    if problems:
        raise InvalidEntries(problems)
    found: list[FileEntry] = []
    defaults = {key: document[key] for key in _DEFAULTS if document.get(key) is not None}
    for number, given in enumerate(document["entries"]):
        reader = _Reader({**defaults, **_present(given)}, field=f"entries[{number}]")
        found.extend(reader.entries())
        problems.extend(reader.problems)
    problems.extend(_duplicates(found))
    if problems:
        raise InvalidEntries(problems[:MAXIMUM_PROBLEMS])
    return tuple(found)


def read_instant(text: str) -> datetime:
    """The end that a text names: after the day for a date, the instant itself otherwise; raises ``ValueError``."""
    if len(text) == len("2027-01-31"):
        return datetime.combine(date.fromisoformat(text) + timedelta(days=1), time(), tzinfo=UTC)
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError("an instant needs a time zone, such as 2027-01-31T12:00:00Z")
    return instant.astimezone(UTC)


def _one_of(choice: str) -> Callable[[str], str | None]:
    return lambda text: None if text == choice else f"must be {choice}"


_LINE = Text(minimum=1, maximum=200)
_WORKLOAD = TextMap(Text(maximum=63))


@dataclass(frozen=True)
class _TextOrLabels:
    """A selector as text (``app=web``) or as an object of labels."""

    def problems(self, value: Any, path: str) -> Iterator[Problem]:
        shape: Shape = Text(maximum=4096) if isinstance(value, str) else _WORKLOAD
        return shape.problems(value, path)


_DEFAULTS: Mapping[str, Shape] = {
    "ports": WholeOrText(Whole(minimum=1, maximum=MAXIMUM_PORT), Text(maximum=2048)),
    "namespace": Text(check=dns_label),
    "namespaces": Items(Text(check=dns_label), minimum=1, is_set=True),
    "clusters": _TextOrLabels(),
    "workload": _TextOrLabels(),
    "owner": _LINE,
    "justification": Text(minimum=1, maximum=4000),
    "expires": _LINE,
    "acceptedWidening": Items(_LINE, is_set=True),
}
_ENTRY = Object({**_DEFAULTS, "destination": Text(maximum=4096), "passport": _LINE}, required=("destination",))
_FILE = Object(
    {
        **_DEFAULTS,
        "apiVersion": Text(check=_one_of(API_VERSION)),
        "kind": Text(check=_one_of(KIND)),
        "metadata": Object({"name": _LINE}),
        "entries": Items(_ENTRY, minimum=1, maximum=MAXIMUM_ENTRIES),
    },
    required=("entries",),
)


class _Reader:
    """Reads the fields of one entry, and keeps every fault instead of stopping at the first."""

    def __init__(self, given: Mapping[str, Any], *, field: str) -> None:
        self._given = given
        self._field = field
        self.problems: list[Problem] = []

    def entries(self) -> list[FileEntry]:
        """The entry, or nothing where it has faults."""
        destination = self._read("destination", parse_destination)
        ports = self._read("ports", lambda value: parse_ports(str(value)))
        workload = self._read("workload", _selector, default=LabelSelector())
        clusters = self._read("clusters", _selector, default=LabelSelector())
        expires_at = self._read("expires", read_instant)
        namespaces = self._namespaces()
        owner, justification = (self._read(key, _sentence) for key in ("owner", "justification"))
        if self.problems or destination is None or ports is None or workload is None or clusters is None:
            return []
        passport = self._passport(destination.canonical, ports, workload, namespaces)
        entry = PolicyEntry(
            passport=passport,
            destination=destination,
            ports=ports,
            workload=workload,
            expires_at=expires_at,
            accepted_widening=frozenset(self._given.get("acceptedWidening") or ()),
        )
        if self.problems:
            return []
        return [FileEntry(self._field, namespaces, clusters, entry, str(owner), str(justification))]

    def _read(self, key: str, read: Callable[[Any], T], *, default: T | None = None) -> T | None:
        value = self._given.get(key)
        if value is None:
            if default is None and key not in _OPTIONAL:
                self.problems.append((f"{self._field}.{key}", "required, here or for the whole file"))
            return default
        try:
            return read(value)
        except DomainError as error:
            self.problems.append((f"{self._field}.{key}", error.message))
        except (ValueError, OverflowError) as error:
            self.problems.append((f"{self._field}.{key}", str(error)))
        return None

    def _namespaces(self) -> tuple[str, ...]:
        one, several = self._given.get("namespace"), self._given.get("namespaces")
        if one and several:
            self.problems.append((f"{self._field}.namespaces", "give either namespace or namespaces"))
        elif not one and not several:
            self.problems.append((f"{self._field}.namespace", "required, here or for the whole file"))
        return tuple(sorted(several)) if several else ((one,) if one else ())

    def _passport(
        self, destination: str, ports: tuple[PortRange, ...], workload: LabelSelector, namespaces: tuple[str, ...]
    ) -> str:
        given = self._given.get("passport")
        if given is None:
            content = "\0".join((destination, format_ports(ports), str(workload), *namespaces))
            return new_passport(hashlib.sha256(content.encode()).digest())
        if not is_passport(given):
            self.problems.append((f"{self._field}.passport", "is no passport such as SP-7K3QF"))
            return new_passport(bytes(4))
        return str(given)


_OPTIONAL = frozenset({"expires"})


def _present(given: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that are there; ``namespace`` and ``namespaces`` of an entry stand for both of the file."""
    present = {key: value for key, value in given.items() if value is not None}
    for one, other in (("namespace", "namespaces"), ("namespaces", "namespace")):
        if one in present and other not in present:
            present[other] = None
    return present


def _selector(value: Any) -> LabelSelector:
    if isinstance(value, str):
        return parse_selector(value)
    return LabelSelector(tuple((check_label_key(key), check_label_value(text)) for key, text in value.items()))


def _sentence(value: str) -> str:
    if not value.strip() or any(not letter.isprintable() and letter not in "\n\t" for letter in value):
        raise ValueError("must be readable text")
    return value.strip()


def _duplicates(entries: Iterable[FileEntry]) -> Iterator[Problem]:
    """Two entries with one passport could not be told apart in any log."""
    seen: dict[str, str] = {}
    for one in entries:
        first = seen.setdefault(one.entry.passport, one.field)
        if first != one.field:
            yield one.field, f"says the same as {first}, or carries its passport {one.entry.passport}"


def _first(problems: Iterable[Problem], limit: int) -> Iterator[Problem]:
    for number, problem in enumerate(problems):
        if number >= limit:
            return
        yield problem
