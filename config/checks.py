"""Deployment checks: what is unsafe together."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register


@register(Tags.security, deploy=True)
def loopback_clusters(**_kwargs: Any) -> list[CheckMessage]:
    if not settings.ALLOW_LOOPBACK_CLUSTERS:
        return []
    return [
        Warning(
            "Clusters on loopback addresses are allowed.",
            hint="Unset SALLYPORT_ALLOW_LOOPBACK_CLUSTERS; it is meant for practice clusters.",
            id="sallyport.W001",
        )
    ]


@register(Tags.security, deploy=True)
def demo_mode(**_kwargs: Any) -> list[CheckMessage]:
    if not settings.DEMO_MODE:
        return []
    return [Error("Demo mode lets anybody sign in as anybody.", hint="Unset SALLYPORT_DEMO.", id="sallyport.E001")]


@register(Tags.security, deploy=True)
def plain_http(**_kwargs: Any) -> list[CheckMessage]:
    if not settings.PLAIN_HTTP:
        return []
    return [Error("Cookies travel without TLS.", hint="Unset SALLYPORT_PLAIN_HTTP.", id="sallyport.E002")]


@register(Tags.database, deploy=True)
def embedded_services(**_kwargs: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    if settings.USES_EMBEDDED_DATABASE:
        found.append(Warning("The database is the embedded one.", hint="Set DATABASE_URL.", id="sallyport.W002"))
    if settings.USES_EMBEDDED_BROKER:
        found.append(Warning("The broker is the embedded one.", hint="Set REDIS_URL.", id="sallyport.W003"))
    return found


@register(Tags.security, deploy=True)
def keys(**_kwargs: Any) -> list[CheckMessage]:
    """The opening key belongs to the pusher alone; a process that also has the portal's secret must not hold it."""
    if settings.CREDENTIAL_OPENING_KEYS and settings.SECRET_KEY:
        return [
            Error(
                "This process holds both the portal's SECRET_KEY and the clusters' opening keys.",
                hint="Give SALLYPORT_OPENING_KEYS to the pusher only, and the pusher a SECRET_KEY of its own or none.",
                id="sallyport.E003",
            )
        ]
    return []


@register(Tags.security, deploy=True)
def sealing_key(**_kwargs: Any) -> list[CheckMessage]:
    if settings.CREDENTIAL_SEALING_KEY:
        return []
    return [
        Error(
            "No sealing key: clusters cannot be registered.",
            hint="Make a pair with “manage.py make_credential_keys” and set SALLYPORT_SEALING_KEY.",
            id="sallyport.E004",
        )
    ]
