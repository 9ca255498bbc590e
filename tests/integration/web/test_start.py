"""A web process that cannot start says why in one line."""

import json
import os
import subprocess
import sys

import pytest

WEB = [sys.executable, "-m", "uvicorn", "workers.web.app:app", "--port", "0"]


@pytest.mark.slow
def test_missing_settings_end_a_web_process_with_one_line_that_names_them() -> None:
    ended = subprocess.run(WEB, env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 1
    (line,) = (ended.stdout + ended.stderr).splitlines()
    assert json.loads(line)["event"] == "Missing settings: DATABASE_URL, REDIS_URL, ENCRYPTION_KEYS."
