"""Requests to one API server: encoding, patience where it asks for it, and answers turned into objects or errors."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import orjson

from connectors.access import ClusterAccess
from connectors.addresses import AddressPolicy
from connectors.errors import Throttled, Unreachable
from connectors.http import HttpClient, Limits, Reply, Scrubber
from connectors.kube.replies import Object, read_error, read_object, retry_after
from connectors.tls import client_context

JSON = "application/json"


class Transport:
    """One API server and our credential for it."""

    def __init__(
        self,
        *,
        access: ClusterAccess,
        address_policy: AddressPolicy,
        limits: Limits | None = None,
        connections: int = 4,
    ) -> None:
        self.server = access.server
        self.scrub = Scrubber(access.secrets)
        self.limits = limits or Limits()
        self._http = HttpClient(
            server=access.server,
            address_policy=address_policy,
            context=client_context(
                ca_pem=access.ca_pem,
                client_certificate_pem=access.client_certificate_pem,
                client_key_pem=access.client_key_pem,
            ),
            limits=self.limits,
            authorization=f"Bearer {access.token}" if access.token is not None else None,
            connections=connections,
        )

    def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        content_type: str = JSON,
        accept: str = JSON,
    ) -> Object:
        """One request and the JSON object that answers it; a failed answer raises the error it stands for."""
        reply = self.raw(method, path, query=query, body=body, content_type=content_type, accept=accept)
        return read_object(reply, scrub=self.scrub)

    def raw(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        content_type: str = JSON,
        accept: str = JSON,
    ) -> Reply:
        """One request and its answer; a request to come back later is honoured once, if the time allows it."""
        headers = {"Accept": accept}
        content = None
        if body is not None:
            content = orjson.dumps(body)
            headers["Content-Type"] = content_type
        target = f"{path}?{urlencode(query)}" if query else path
        over_at = time.monotonic() + self.limits.total
        reply = self._once(method, target, headers, content, over_at)
        if reply.status != 429:
            return reply
        pause = retry_after(reply)
        if pause is None or time.monotonic() + pause >= over_at:
            raise self._throttled(reply)
        time.sleep(pause)
        reply = self._once(method, target, headers, content, over_at)
        if reply.status == 429:
            raise self._throttled(reply)
        return reply

    def _once(self, method: str, target: str, headers: dict[str, str], content: bytes | None, over_at: float) -> Reply:
        """A read over a kept-alive connection that the server just closed is tried again; a write never is."""
        left = max(over_at - time.monotonic(), 0.001)
        try:
            return self._http.request(method=method, path=target, headers=headers, body=content, total=left)
        except Unreachable as error:
            if method != "GET" or type(error) is not Unreachable or not _was_dropped(error):
                raise
        left = max(over_at - time.monotonic(), 0.001)
        return self._http.request(method=method, path=target, headers=headers, body=content, total=left)

    def _throttled(self, reply: Reply) -> Throttled:
        error = read_error(reply, scrub=self.scrub)
        return Throttled(error.message, retry_after=retry_after(reply), details=error.details)

    def close(self) -> None:
        self._http.close()

    def __repr__(self) -> str:
        return f"Transport({self.server})"


def _was_dropped(error: Unreachable) -> bool:
    """Whether an established connection went away, which is worth one more try."""
    return any(isinstance(one, ConnectionError) for one in getattr(error.__cause__, "args", ()))
