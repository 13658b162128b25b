"""One decoder for each log. Pure: bytes of a line in, a record out."""
