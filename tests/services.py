"""The database server of a test run: started with the run, shared by its parallel workers, gone with it."""

import atexit
import os
from contextlib import ExitStack

from config import embedded

_services = ExitStack()


def ensure_database() -> None:
    """Set ``DATABASE_URL`` to a server of this run; workers inherit the address and start nothing."""
    if "DATABASE_URL" in os.environ:
        return
    services = _services.enter_context(embedded.temporary(durable=False))
    atexit.register(_services.close)
    os.environ["DATABASE_URL"] = services.database_url
