"""What can stand in the way of a bundle, each named for what happened."""

from typing import ClassVar

from policy.errors import DomainError, Kind


class RolloutError(DomainError):
    code = "rollout_error"
    kind: ClassVar[Kind] = "conflict"


class NotAllowed(RolloutError):
    """The actor's roles do not reach this far."""

    code = "not_allowed"
    kind: ClassVar[Kind] = "forbidden"


class Unknown(RolloutError):
    """No such thing, or none that the actor may see."""

    code = "not_found"
    kind: ClassVar[Kind] = "missing"


class NotPossibleNow(RolloutError):
    """The state does not permit this step."""

    code = "not_possible_now"


class NotProved(RolloutError):
    """There is no proof of this very effect."""

    code = "not_proved"


class SamePerson(RolloutError):
    """Four eyes: the person who asked for the change cannot confirm it."""

    code = "same_person"
    kind: ClassVar[Kind] = "forbidden"


class StatementMissing(RolloutError):
    code = "statement_missing"
    kind: ClassVar[Kind] = "invalid"


class InvalidEnd(RolloutError):
    code = "invalid_end"
    kind: ClassVar[Kind] = "invalid"


class InvalidQuestion(RolloutError):
    """What was asked cannot be read; ``details["field"]`` says which part."""

    code = "invalid_question"
    kind: ClassVar[Kind] = "invalid"


class NotOursToRevert(RolloutError):
    """The object belongs to somebody else: it is shown, never touched."""

    code = "not_ours_to_revert"


class LeaseLost(RolloutError):
    """Another pusher has taken the work over; nothing more may be written under this claim."""

    code = "lease_lost"


class Superseded(RolloutError):
    """The cluster carries a newer generation than the one about to be written."""

    code = "superseded"

    def __init__(self, message: str, *, live_generation: int, details: dict[str, object] | None = None) -> None:
        super().__init__(message, details=details)
        self.live_generation = live_generation


class SuspiciousShrink(RolloutError):
    """So much would go at once that a person has to look first."""

    code = "suspicious_shrink"


class NotReadBack(RolloutError):
    """The cluster accepted the write but does not show what was written."""

    code = "not_read_back"


class NamespaceChanged(RolloutError):
    """The namespace is gone, or one of the same name has been created in its place."""

    code = "namespace_changed"
