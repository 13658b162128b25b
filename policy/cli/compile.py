"""``sallyport compile``: a file of entries in; the bundle of each namespace and its fidelity report out."""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from policy.bundles import Bundle
from policy.capabilities import Capabilities
from policy.cli.capabilities import add_capabilities, read_capabilities
from policy.cli.command import ACCEPTED, REFUSED, Command, UsageError, add_source
from policy.cli.lines import open_source, print_json, refusal, wants_table
from policy.cli.manifests import as_yaml, comment
from policy.cli.table import fitted
from policy.compilation import DIALECTS, compile_namespace
from policy.documents import MAXIMUM_BYTES, BadDocument, read_documents
from policy.entryfiles import FileEntry, read_entries
from policy.errors import DomainError
from policy.template import DnsAllowance, Template, template

_COLUMNS = ("namespace", "passport", "verdict", "destination", "reason")


def _configure(parser: ArgumentParser) -> None:
    parser.add_argument("--dialect", required=True, choices=DIALECTS, help="the target to compile for")
    parser.add_argument("--version", help="version of the product that enforces; the oldest supported when absent")
    parser.add_argument("--template", default="v1", help="version of the standard template")
    parser.add_argument("--namespace", help="compile this namespace only")
    parser.add_argument("--at", help="the instant to compile for, with its zone; now when absent")
    parser.add_argument("--format", choices=("auto", "json", "table", "yaml"), default="auto", help="what is printed")
    add_capabilities(parser)
    _add_dns(parser)
    add_source(parser)


def _add_dns(parser: ArgumentParser) -> None:
    defaults = DnsAllowance()
    parser.add_argument("--dns-namespace", default=defaults.namespace, help="where the DNS pods of the cluster are")
    parser.add_argument("--dns-port", type=int, action="append", help="port of the DNS pods; may be repeated")
    parser.add_argument("--dns-node-local", action="append", default=[], help="address of a node-local DNS cache")
    parser.add_argument("--dns-service", action="append", default=[], help="address of the DNS Service")


def _run(options: Namespace) -> int:
    capabilities = read_capabilities(options)
    try:
        bundles = list(_bundles(options, capabilities))
    except DomainError as error:
        print_json(refusal(error))
        return REFUSED
    entries = {one.entry.passport: one for _, members in bundles for one in members}
    _print(options, [bundle for bundle, _ in bundles], entries)
    refused = any(_is_refused(bundle, passport, entries) for bundle, _ in bundles for passport in bundle.fidelity)
    return REFUSED if refused else ACCEPTED


def _bundles(options: Namespace, capabilities: Capabilities) -> Iterator[tuple[Bundle, list[FileEntry]]]:
    entries = _entries(options.file)
    at, chosen = _instant(options.at), _template(options)
    for namespace in sorted({name for one in entries for name in one.namespaces}):
        if options.namespace not in (None, namespace):
            continue
        members = [one for one in entries if namespace in one.namespaces]
        yield (
            compile_namespace(
                capabilities=capabilities,
                template=chosen,
                namespace=namespace,
                entries=[one.entry for one in members],
                at=at,
            ),
            members,
        )


def _entries(path: str) -> list[FileEntry]:
    with open_source(path) as source:
        content = source.read(MAXIMUM_BYTES + 1)
    found: list[FileEntry] = []
    for document in read_documents(content):
        if document.value is not None:
            found.extend(read_entries(document.value))
    if not found:
        raise BadDocument("The input holds no entries")
    return found


def _template(options: Namespace) -> Template:
    dns = DnsAllowance(
        namespace=options.dns_namespace,
        ports=tuple(sorted(set(options.dns_port or DnsAllowance().ports))),
        node_local_addresses=tuple(options.dns_node_local),
        service_addresses=tuple(options.dns_service),
    )
    return template(options.template, dns=dns)


def _instant(text: str | None) -> datetime:
    if text is None:
        return datetime.now(tz=UTC)
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"--at: {error}") from error
    if instant.tzinfo is None:
        raise UsageError("--at needs a time zone, such as 2027-01-31T12:00:00Z")
    return instant


def _is_refused(bundle: Bundle, passport: str, entries: dict[str, FileEntry]) -> bool:
    """Whether the entry is not in the bundle: the target cannot hold it, or would hold more than was accepted."""
    verdict = bundle.fidelity[passport].verdict
    accepted = passport in entries and bundle.dialect in entries[passport].entry.accepted_widening
    return verdict == "impossible" or (verdict == "widened" and not accepted)


def _print(options: Namespace, bundles: Iterable[Bundle], entries: dict[str, FileEntry]) -> None:
    if options.format == "yaml":
        for bundle in bundles:
            sys.stdout.write("".join(comment(line) for line in _summary(bundle, entries)))
            sys.stdout.write(as_yaml(bundle.objects))
        return
    if wants_table(options):
        rows = [row for bundle in bundles for row in _rows(bundle, entries)]
        sys.stdout.write(fitted(rows, columns=_COLUMNS))
        return
    for bundle in bundles:
        print_json(_answer(bundle, entries))


def _answer(bundle: Bundle, entries: dict[str, FileEntry]) -> dict[str, Any]:
    return {
        "namespace": bundle.namespace,
        "dialect": bundle.dialect,
        "template": bundle.template_version,
        "hash": bundle.hash,
        "objects": list(bundle.objects),
        "fidelity": [
            {key: value for key, value in row.items() if key != "namespace"} for row in _rows(bundle, entries)
        ],
    }


def _rows(bundle: Bundle, entries: dict[str, FileEntry]) -> Iterator[dict[str, Any]]:
    for passport, fidelity in sorted(bundle.fidelity.items()):
        one = entries.get(passport)
        yield {
            "namespace": bundle.namespace,
            "passport": passport,
            "destination": one.entry.destination.canonical if one else None,
            "verdict": fidelity.verdict,
            "rendered": not _is_refused(bundle, passport, entries),
            "reason": fidelity.reason,
            "witnesses": list(fidelity.witnesses),
        }


def _summary(bundle: Bundle, entries: dict[str, FileEntry]) -> Iterator[str]:
    yield f"{bundle.dialect}, template {bundle.template_version}, namespace {bundle.namespace}, {bundle.hash}"
    for row in _rows(bundle, entries):
        yield f"{row['passport']} {row['destination']}: {row['verdict']}. {row['reason']}"


COMMAND = Command(
    name="compile",
    summary="compile a file of entries for one target, with a fidelity report",
    configure=_configure,
    run=_run,
)
