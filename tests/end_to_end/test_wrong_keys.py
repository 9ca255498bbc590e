"""Keys that become wrong after a worker's boot: the worker pauses, and the other workers do its work."""

from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from tests.end_to_end.installation import SCHEDULER, WORKER, Installation, kill
from tests.end_to_end.underway import eventually

pytestmark = pytest.mark.slow


def test_a_worker_that_booted_before_the_first_connection_pauses_with_wrong_keys(
    installation: Installation, tmp_path: Path
) -> None:
    """A database without a connection has no canary, so that the boot checks no keys."""
    installation.start(*WORKER, ENCRYPTION_KEYS=Fernet.generate_key().decode())
    log = tmp_path / "dramatiq-0.log"
    eventually(lambda: "Worker process is ready" in log.read_text(encoding="utf-8"))
    connection_id = installation.connect().json["connection_id"]
    eventually(lambda: '"action": "keys.waiting"' in log.read_text(encoding="utf-8"))

    for program in (WORKER, SCHEDULER):
        installation.start(*program)
    for _ in range(3):
        assert installation.run("sync", connection_id, "--wait", "--json").json["status"] == "succeeded"
    assert "step.blocked" not in log.read_text(encoding="utf-8")


def test_status_names_the_paused_worker(installation: Installation) -> None:
    installation.connect()
    installation.start(*WORKER)
    paused = installation.start(*WORKER, ENCRYPTION_KEYS=Fernet.generate_key().decode())
    trouble = "1 of 2 workers accepts no work: its ENCRYPTION_KEYS cannot read this installation's secrets. Next: give "
    eventually(lambda: trouble in installation.run("status").stdout)
    states = [worker["state"] for worker in installation.run("status", "--json").json["workers"]]
    assert sorted(states) == ["keys_refused", "working"]
    # Dramatiq's master handles SIGTERM only when its worker has booted, or after half a minute.
    kill(paused)


def test_a_paused_worker_resumes_once_the_canary_can_be_decrypted(installation: Installation, tmp_path: Path) -> None:
    """A rotation with keys that the workers do not have is undone.

    A worker checks the canary again after a secret that it cannot decrypt.
    """
    connection_id = installation.connect().json["connection_id"]
    old, new = installation.environment["ENCRYPTION_KEYS"], Fernet.generate_key().decode()
    for program in (WORKER, SCHEDULER):
        installation.start(*program)
    log = tmp_path / "dramatiq-0.log"
    eventually(lambda: "Worker process is ready" in log.read_text(encoding="utf-8"))

    assert installation.run("rotate-keys", ENCRYPTION_KEYS=f"{new},{old}").code == 0
    assert installation.run("sync", connection_id, ENCRYPTION_KEYS=f"{new},{old}").code == 0
    eventually(lambda: '"action": "keys.waiting"' in log.read_text(encoding="utf-8"))
    assert installation.run("rotate-keys", ENCRYPTION_KEYS=f"{old},{new}").code == 0
    eventually(lambda: '"action": "keys.proven"' in log.read_text(encoding="utf-8"))
    assert installation.run("sync", connection_id, "--wait", "--json").json["status"] == "succeeded"
