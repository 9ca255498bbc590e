"""The API calls of syncs stay within their bounds: lists 1.03 × the pages, one call for each deleted customer."""

import subprocess
import sys
from collections.abc import Callable

import pytest

from tests.end_to_end.installation import PROJECT

pytestmark = [pytest.mark.drill, pytest.mark.timeout(1800)]


def test_syncs_cost_no_more_api_calls_than_their_bounds(announce: Callable[[str], None]) -> None:
    command = [sys.executable, "-m", "benchmarks.api_calls"]
    measured = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    announce(measured.stdout)
    assert measured.returncode == 0, measured.stderr
