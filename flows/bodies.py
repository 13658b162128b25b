"""The body of a delivery, made into lines without trusting its sizes."""

from __future__ import annotations

import zlib

from flows.errors import BodyTooLarge, TooManyLines, UnreadableBody

MAX_BODY_BYTES = 16 << 20
MAX_PLAIN_BYTES = 96 << 20
MAX_LINES = 50_000
MAX_LINE_BYTES = 64 << 10
_GZIP_MARK = b"\x1f\x8b"
_GZIP_WINDOW = 31


def lines_of(body: bytes) -> list[bytes]:
    """The lines of a plain or gzipped body; raises before anything large is made of something small."""
    if len(body) > MAX_BODY_BYTES:
        raise BodyTooLarge(f"A body has at most {MAX_BODY_BYTES >> 20} MiB.")
    plain = unpack(body) if body.startswith(_GZIP_MARK) else body
    if plain.count(b"\n") > MAX_LINES:
        raise TooManyLines(f"A batch has at most {MAX_LINES} lines.", details={"limit": MAX_LINES})
    lines = plain.split(b"\n")
    return lines if lines[-1] else lines[:-1]


def unpack(packed: bytes) -> bytes:
    """The content of one or several gzip members, up to ``MAX_PLAIN_BYTES``."""
    parts: list[bytes] = []
    size = 0
    while packed:
        stream = zlib.decompressobj(wbits=_GZIP_WINDOW)
        try:
            part = stream.decompress(packed, MAX_PLAIN_BYTES - size + 1)
        except zlib.error:
            raise UnreadableBody("The gzip body is damaged.") from None
        size += len(part)
        if size > MAX_PLAIN_BYTES:
            raise BodyTooLarge(f"Unpacked, a body has at most {MAX_PLAIN_BYTES >> 20} MiB.")
        if not stream.eof:
            raise UnreadableBody("The gzip body is cut off.")
        parts.append(part)
        packed = stream.unused_data
    return b"".join(parts)
