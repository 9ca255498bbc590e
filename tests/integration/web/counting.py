"""Counts of the console that are not ready yet."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from db import connection_facts, invoice_lists
from workers.services import kept


@contextmanager
def counting_waits(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Within the block no count gets ready, and no request waits for one."""
    ready = threading.Event()
    with monkeypatch.context() as patch:
        for module, name in ((connection_facts, "connection_states"), (invoice_lists, "reasons")):
            patch.setattr(module, name, _after(ready, getattr(module, name)))
        patch.setattr(kept, "PATIENCE_SECONDS", 0.0)
        try:
            yield
        finally:
            ready.set()
            for thread in threading.enumerate():
                if thread.name == "kept reading":
                    thread.join()


def _after(ready: threading.Event, function: Any) -> Any:
    def waits(*values: Any, **options: Any) -> Any:
        assert ready.wait(60)
        return function(*values, **options)

    return waits
