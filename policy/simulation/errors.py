"""What a simulation refuses, always with the object, the field and a sentence."""

from collections.abc import Sequence
from typing import Any

from policy.errors import DomainError


class InvalidPolicies(DomainError):
    """At least one manifest is one that no cluster enforces; ``errors`` lists every refusal."""

    code = "invalid_policies"

    def __init__(self, errors: Sequence[dict[str, str]]) -> None:
        first = errors[0] if errors else {"object": "", "field": "", "message": "invalid"}
        message = f"{first['object']}: {first['field']}: {first['message']}"
        super().__init__(message, details={"errors": list(errors)})
        self.errors = tuple(errors)


class InvalidQuestion(DomainError):
    """The cluster state, the flow or the profile cannot be understood; ``field`` says where."""

    code = "invalid_question"

    def __init__(self, *, subject: str, field: str, message: str) -> None:
        error = {"object": subject, "field": field, "message": message}
        super().__init__(f"{subject}.{field}: {message}" if field else f"{subject}: {message}", details=dict(error))
        self.errors: tuple[dict[str, str], ...] = (error,)


def mapping_at(value: Any, *, subject: str, field: str) -> dict[str, Any]:
    """The value as an object; absent counts as empty, anything else is refused."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidQuestion(subject=subject, field=field, message="must be an object")
    return value


def list_at(value: Any, *, subject: str, field: str) -> list[Any]:
    """The value as a list; absent counts as empty, anything else is refused."""
    if value is None:
        return []
    if not isinstance(value, list | tuple):
        raise InvalidQuestion(subject=subject, field=field, message="must be a list")
    return list(value)


def text_at(value: Any, *, subject: str, field: str) -> str:
    """The value as text that is not empty."""
    if not isinstance(value, str) or not value:
        raise InvalidQuestion(subject=subject, field=field, message="must be text")
    return value
