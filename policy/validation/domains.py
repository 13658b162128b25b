"""``domainNames`` as the policy API, and AWS after it, take them."""

from policy.dialects import clusternetworkpolicy as dialect
from policy.dialects.result import InvalidPattern
from policy.validation.schema import Items, Text


def domain_name(text: str) -> str | None:
    """What keeps the text from being a domain name of the policy API."""
    try:
        dialect.check_pattern(text)
    except InvalidPattern as problem:
        return str(problem)
    return None


def domain_names(*, maximum: int | None) -> Items:
    """A set of domain names."""
    return Items(Text(check=domain_name), minimum=1, maximum=maximum, is_set=True)
