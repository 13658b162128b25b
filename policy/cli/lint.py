"""``sallyport lint``: manifests in; what is wrong with them and what they may mean unmeant, with field paths, out."""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping
from typing import Any

from policy.cli.command import ACCEPTED, REFUSED, Command, add_format, add_source
from policy.cli.lines import open_source, print_json, wants_table
from policy.cli.table import fitted
from policy.documents import MAXIMUM_BYTES, BadDocument, Document, read_documents
from policy.validation import object_name, validate_manifest
from policy.validation.advice import advise

Finding = dict[str, Any]

_COLUMNS = ("severity", "object", "field", "message")


def _configure(parser: ArgumentParser) -> None:
    parser.add_argument("--strict", action="store_true", help="exit with 1 for warnings too")
    parser.add_argument(
        "--calico-enterprise",
        action="store_true",
        help="admit the fields of Calico Enterprise and Cloud, such as domains",
    )
    add_format(parser)
    add_source(parser)


def _run(options: Namespace) -> int:
    with open_source(options.file) as source:
        content = source.read(MAXIMUM_BYTES + 1)
    found = list(findings(content, calico_enterprise=options.calico_enterprise))
    if wants_table(options):
        sys.stdout.write(fitted(found, columns=_COLUMNS) or "No findings.\n")
    else:
        for finding in found:
            print_json(finding)
    refused = any(finding["severity"] == "error" or options.strict for finding in found)
    return REFUSED if refused else ACCEPTED


def findings(content: bytes, *, calico_enterprise: bool = False) -> Iterator[Finding]:
    """Every finding about the manifests of a stream, in the order of the documents; an unreadable one ends it."""
    manifests = 0
    try:
        for document in read_documents(content):
            for manifest, place in _manifests(document.value):
                manifests += 1
                for finding in _about(manifest, calico_enterprise=calico_enterprise):
                    yield _placed(finding, document=document, place=place)
            yield from _about_traps(document)
    except BadDocument as error:
        yield _finding(severity="error", rule=error.code, about="input", field="", message=error.message)
        return
    if not manifests:
        yield _finding(severity="error", rule="no-manifests", about="input", field="", message="holds no manifests")


def _manifests(value: Any) -> Iterator[tuple[Any, str]]:
    """The manifests of a document: itself, the members of a list, or the items of a Kubernetes List."""
    if value is None:
        return
    if isinstance(value, list):
        for number, member in enumerate(value):
            yield member, f"[{number}]"
    elif isinstance(value, Mapping) and value.get("kind") == "List" and isinstance(value.get("items"), list):
        for number, member in enumerate(value["items"]):
            yield member, f"items[{number}]"
    else:
        yield value, ""


def _about(manifest: Any, *, calico_enterprise: bool) -> Iterator[Finding]:
    name = object_name(manifest)
    errors = validate_manifest(manifest, calico_enterprise=calico_enterprise)
    for error in errors:
        yield _finding(severity="error", rule="invalid", about=name, field=error.field, message=error.message)
    if errors:
        return
    for advice in advise(manifest, calico_enterprise=calico_enterprise):
        yield _finding(severity="warning", rule=advice.rule, about=name, field=advice.field, message=advice.message)


def _about_traps(document: Document) -> Iterator[Finding]:
    for trap in document.traps:
        rule = "yaml-boolean" if isinstance(trap.value, bool) else "yaml-number"
        message = f"plain {trap.text} is read as {str(trap.value).lower()} here and differently elsewhere: quote it"
        about = object_name(document.value)
        finding = _finding(severity="warning", rule=rule, about=about, field=trap.path, message=message)
        yield _placed(finding, document=document, place="")


def _placed(finding: Finding, *, document: Document, place: str) -> Finding:
    within = {"document": document.number} | ({"place": place} if place else {})
    return within | finding


def _finding(*, severity: str, rule: str, about: str, field: str, message: str) -> Finding:
    return {"severity": severity, "rule": rule, "object": about, "field": field, "message": message}


COMMAND = Command(
    name="lint",
    summary="find what servers and controllers would refuse in manifests, and what they may mean unmeant",
    configure=_configure,
    run=_run,
)
