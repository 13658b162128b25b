"""What an entry is to say, read from what people and programs typed, with an error beside each field."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from django.utils.translation import gettext as _

from accounts.text import LINE_BREAKS, fault_in
from allowlist.errors import InvalidProposal
from clusters.models import Environment
from policy.compilation import DIALECTS
from policy.destinations import Destination, parse_destination
from policy.entries import PolicyEntry
from policy.errors import DomainError
from policy.ports import PortRange, format_ports, parse_ports
from policy.selectors import EVERY_POD, LabelSelector, check_label_key, check_label_value, parse_selector

if TYPE_CHECKING:
    from allowlist.models import EntryRevision

MAX_DAYS = 365
DEFAULT_DAYS = 90
MIN_JUSTIFICATION = 10
MAX_JUSTIFICATION = 2_000
MAX_TICKET = 300
MAX_DESTINATION = 1_000
MAX_PORTS = 500
MAX_NAMESPACES = 50
MAX_ENVIRONMENTS = 20
DATA_CLASSES = ("public", "internal", "confidential", "restricted")
_LABEL = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """The content of an entry: where to, through which ports, from where, why, and until when."""

    destination: Destination
    ports: tuple[PortRange, ...]
    namespaces: tuple[str, ...]
    justification: str
    expires_at: datetime
    environments: tuple[str, ...] = ()
    cluster_labels: LabelSelector = EVERY_POD
    workload: LabelSelector = EVERY_POD
    ticket: str = ""
    data_class: str = ""
    accepted_widening: frozenset[str] = frozenset()

    @classmethod
    def of_columns(cls, row: Any) -> Proposal:
        """What a row with the shared columns says: a revision, or a request."""
        return cls(
            destination=parse_destination(row.destination),
            ports=parse_ports(row.ports),
            namespaces=tuple(row.namespaces),
            justification=row.justification,
            expires_at=row.expires_at,
            environments=tuple(row.environments),
            cluster_labels=LabelSelector(tuple(row.cluster_labels.items())),
            workload=LabelSelector(tuple(row.workload.items())),
            ticket=row.ticket,
            data_class=row.data_class,
            accepted_widening=frozenset(row.accepted_widening),
        )

    @classmethod
    def of_revision(cls, revision: EntryRevision, *, expires_at: datetime | None = None) -> Proposal:
        """What the revision says, with another end where one is given."""
        return replace(cls.of_columns(revision), expires_at=expires_at or revision.expires_at)

    def columns(self) -> dict[str, Any]:
        """The values under the column names that revisions and requests share."""
        return {
            "destination": self.destination.canonical,
            "ports": format_ports(self.ports),
            "environments": list(self.environments),
            "cluster_labels": self.cluster_labels.as_labels(),
            "namespaces": list(self.namespaces),
            "workload": self.workload.as_labels(),
            "accepted_widening": sorted(self.accepted_widening),
            "justification": self.justification,
            "ticket": self.ticket,
            "data_class": self.data_class,
            "expires_at": self.expires_at,
        }

    def as_policy(self, passport: str) -> PolicyEntry:
        """What the compilers take."""
        return PolicyEntry(
            passport=passport,
            destination=self.destination,
            ports=self.ports,
            workload=self.workload,
            expires_at=self.expires_at,
            accepted_widening=self.accepted_widening,
        )


def parse_proposal(fields: Mapping[str, Any], *, at: datetime) -> Proposal:
    """Read the fields of a form or of the API; raise ``InvalidProposal`` with every faulty field at once."""
    reader = _Reader()
    values: dict[str, Any] = {
        "destination": reader.read("destination", _destination, fields),
        "ports": reader.read("ports", _ports, fields),
        "namespaces": reader.read("namespaces", _namespaces, fields),
        "environments": reader.read("environments", _environments, fields),
        "cluster_labels": reader.read("cluster_labels", _selector, fields),
        "workload": reader.read("workload", _selector, fields),
        "justification": reader.read("justification", _justification, fields),
        "ticket": reader.read("ticket", _ticket, fields),
        "data_class": reader.read("data_class", _data_class, fields),
        "expires_at": reader.read("expires_at", lambda value: parse_end(value, at=at), fields),
        "accepted_widening": reader.read("accepted_widening", _dialects, fields),
    }
    if reader.errors:
        raise InvalidProposal(reader.errors, canonical=reader.canonical)
    return Proposal(**values)


class _Reader:
    """Collects the errors of all fields, so that a person corrects them in one go."""

    def __init__(self) -> None:
        self.errors: dict[str, list[str]] = {}
        self.canonical: dict[str, str] = {}

    def read(self, name: str, parse: Callable[[Any], T], fields: Mapping[str, Any]) -> T | None:
        try:
            return parse(fields.get(name))
        except _Refused as error:
            self.errors[name] = [str(error)]
        except DomainError as error:
            self.errors[name] = [error.message]
            offered = error.details.get("canonical")
            if isinstance(offered, str):
                self.canonical[name] = offered
        return None


class _Refused(ValueError):
    """A value that its field does not take, with the message for the person who typed it."""


def parse_end(value: Any, *, at: datetime) -> datetime:
    """An instant, or a date that means the end of that day in UTC; in the future and at most a year away."""
    end = _as_instant(value)
    if end <= at:
        raise _Refused(_("The end must lie in the future."))
    # A date means its whole last day, so the limit is the end of the day a year from now.
    latest = datetime.combine(at.astimezone(UTC).date() + timedelta(days=MAX_DAYS + 1), time(), tzinfo=UTC)
    if end > latest:
        raise _Refused(_("The end may be at most %(days)d days away.") % {"days": MAX_DAYS})
    return end


def _as_instant(value: Any) -> datetime:
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, date):
        return _end_of(value)
    text = _text(value, limit=40)
    if not text:
        raise _Refused(_("Every entry needs an end date."))
    try:
        return _end_of(date.fromisoformat(text)) if len(text) == 10 else _as_instant(datetime.fromisoformat(text))
    except (ValueError, OverflowError) as error:
        raise _Refused(_("Write a date such as 2027-03-31.")) from error


def _end_of(day: date) -> datetime:
    if day.year > 9000:
        raise _Refused(_("The end may be at most %(days)d days away.") % {"days": MAX_DAYS})
    return datetime.combine(day + timedelta(days=1), time(), tzinfo=UTC)


def _text(value: Any, *, limit: int, multiline: bool = False) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise _Refused(_("Write text here."))
    if len(value) > limit:
        raise _Refused(_("At most %(limit)d characters.") % {"limit": limit})
    if fault := fault_in(value):
        raise _Refused(fault)
    if not multiline and any(character in LINE_BREAKS for character in value):
        raise _Refused(_("Write it on one line."))
    return value.strip()


def _destination(value: Any) -> Destination:
    text = _text(value, limit=MAX_DESTINATION)
    if not text:
        raise _Refused(_("Say where the traffic goes: a name, a wildcard or a network."))
    destination = parse_destination(text)
    if len(destination.canonical) > MAX_DESTINATION:
        raise _Refused(_("At most %(limit)d characters.") % {"limit": MAX_DESTINATION})
    return destination


def _ports(value: Any) -> tuple[PortRange, ...]:
    text = _text(value, limit=MAX_PORTS)
    if not text:
        raise _Refused(_("Name at least one port, such as 443/tcp."))
    ports = parse_ports(text)
    if len(format_ports(ports)) > MAX_PORTS:
        raise _Refused(_("At most %(limit)d characters.") % {"limit": MAX_PORTS})
    return ports


def _words(value: Any, *, limit: int) -> list[str]:
    """Words from a list, or from text with commas or white space between them; each once, sorted."""
    if isinstance(value, list | tuple | set | frozenset):
        parts = [_text(one, limit=253) for one in value]
    else:
        parts = _text(value, limit=limit * 64, multiline=True).replace(",", " ").split()
    words = sorted({part for part in parts if part})
    if len(words) > limit:
        raise _Refused(_("At most %(limit)d of them.") % {"limit": limit})
    return words


def _namespaces(value: Any) -> tuple[str, ...]:
    words = _words(value, limit=MAX_NAMESPACES)
    if not words:
        raise _Refused(_("Name at least one namespace."))
    for word in words:
        if len(word) > 63 or not set(word) <= _LABEL or word[0] == "-" or word[-1] == "-":
            raise _Refused(_("“%(word)s” is no name of a namespace.") % {"word": word})
    return tuple(words)


def _environments(value: Any) -> tuple[str, ...]:
    words = _words(value, limit=MAX_ENVIRONMENTS)
    if not words:
        return ()
    known = set(Environment.objects.filter(slug__in=words).values_list("slug", flat=True))
    if unknown := [word for word in words if word not in known]:
        raise _Refused(_("There is no environment “%(word)s”.") % {"word": unknown[0]})
    return tuple(words)


def _selector(value: Any) -> LabelSelector:
    if isinstance(value, LabelSelector):
        return value
    if not isinstance(value, Mapping):
        return parse_selector(_text(value, limit=MAX_DESTINATION))
    if len(value) > MAX_NAMESPACES:
        raise _Refused(_("At most %(limit)d of them.") % {"limit": MAX_NAMESPACES})
    pairs = [(_text(key, limit=320), _text(word, limit=63)) for key, word in value.items()]
    return LabelSelector(tuple((check_label_key(key), check_label_value(word)) for key, word in pairs))


def _justification(value: Any) -> str:
    text = _text(value, limit=MAX_JUSTIFICATION, multiline=True)
    if len(text) < MIN_JUSTIFICATION:
        raise _Refused(_("Say why in at least %(limit)d characters.") % {"limit": MIN_JUSTIFICATION})
    return text


def _ticket(value: Any) -> str:
    text = _text(value, limit=MAX_TICKET)
    if not text:
        return ""
    try:
        parts = urlsplit(text)
        is_link = parts.scheme in ("http", "https") and bool(parts.hostname) and " " not in text
    except ValueError:
        is_link = False
    if not is_link:
        raise _Refused(_("A ticket is a link that begins with https:// or http://."))
    return text


def _data_class(value: Any) -> str:
    text = _text(value, limit=40)
    if text and text not in DATA_CLASSES:
        raise _Refused(_("Choose one of: %(classes)s.") % {"classes": ", ".join(DATA_CLASSES)})
    return text


def _dialects(value: Any) -> frozenset[str]:
    words = _words(value, limit=len(DIALECTS))
    if unknown := [word for word in words if word not in DIALECTS]:
        raise _Refused(_("There is no dialect “%(word)s”.") % {"word": unknown[0]})
    return frozenset(words)
