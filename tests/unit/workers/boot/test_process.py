"""Promises of boot/process.py: a worker has its resources."""

from typing import cast

import pytest

from workers.boot import process
from workers.boot.resources import Resources


def test_worker_uses_its_opened_resources(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "_resources", None)
    opened = cast(Resources, object())
    process.set_resources(opened)
    assert process.resources() is opened


def test_use_of_unopened_resources_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "_resources", None)
    with pytest.raises(AssertionError, match="opened before the first message"):
        process.resources()
