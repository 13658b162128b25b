"""JSON as we accept it: of bounded size and depth, one meaning for every reader, nothing that a database refuses."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import IO, Any, NoReturn

from django.utils.translation import gettext_lazy as _
from rest_framework import status
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import BaseParser
from rest_framework.renderers import JSONRenderer

from accounts.text import fault_in

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 20
# What a signed 64-bit column holds.
SMALLEST, LARGEST = -(2**63), 2**63 - 1
LONGEST_NUMBER = 40


class BodyTooLarge(APIException):
    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_detail = _("The body is larger than what is accepted here.")
    default_code = "body_too_large"


class StrictJSONParser(BaseParser):
    """Refuses duplicate keys, NaN, control characters, numbers beyond 64 bits, deep nesting and large bodies.

    A view that takes more sets ``max_body_bytes``.
    """

    media_type = "application/json"
    renderer_class = JSONRenderer

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        view = (parser_context or {}).get("view")
        limit = getattr(view, "max_body_bytes", MAX_BYTES)
        body = stream.read(limit + 1)
        if len(body) > limit:
            raise BodyTooLarge()
        return parse_strictly(body)


def parse_strictly(body: bytes) -> Any:
    """The value, or a ParseError that says what is wrong with it."""
    try:
        value = json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_without_duplicates,
            parse_constant=_refuse_constant,
            parse_int=_bounded_integer,
            parse_float=_bounded_float,
        )
    except UnicodeDecodeError as error:
        raise ParseError("The body is not UTF-8.") from error
    except RecursionError as error:
        raise ParseError(f"The body is nested deeper than {MAX_DEPTH} levels.") from error
    except json.JSONDecodeError as error:
        raise ParseError(f"The body is not JSON: {error.msg}, line {error.lineno}, column {error.colno}.") from error
    _check(value, depth=0)
    return value


def _check(value: Any, *, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise ParseError(f"The body is nested deeper than {MAX_DEPTH} levels.")
    if isinstance(value, str):
        if fault := fault_in(value):
            raise ParseError(f"A text in the body is not acceptable. {fault}")
    elif isinstance(value, dict):
        for key, inner in value.items():
            _check(key, depth=depth + 1)
            _check(inner, depth=depth + 1)
    elif isinstance(value, list):
        for inner in value:
            _check(inner, depth=depth + 1)


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ParseError("The body names a key twice.")
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise ParseError(f"{name} is not a JSON value.")


def _bounded_integer(digits: str) -> int:
    if len(digits) > LONGEST_NUMBER or not SMALLEST <= int(digits) <= LARGEST:
        raise ParseError("A number in the body is too large.")
    return int(digits)


def _bounded_float(digits: str) -> float:
    number = float(digits)
    if number in (float("inf"), float("-inf")):
        raise ParseError("A number in the body is too large.")
    return number
