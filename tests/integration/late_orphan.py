"""A worker without resources, whose master is dead when its boot ends: `dramatiq tests.integration.late_orphan`."""

import os
import time
from multiprocessing import parent_process
from pathlib import Path

import dramatiq
from dramatiq.brokers.stub import StubBroker

from workers.boot import parent_process as orphans
from workers.jobs.middleware import OwnProcessGroup

orphans.ORPHAN_SECONDS = 1


class WaitsForTheEndOfItsMaster(dramatiq.Middleware):
    """Writes its pid to the file that PID_FILE names, and waits; hooks after a boot run in reverse order."""

    def after_worker_boot(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:  # noqa: ARG002
        master = parent_process()
        assert master is not None
        Path(os.environ["PID_FILE"]).write_text(f"{os.getpid()}\n")
        while os.getppid() == master.pid:
            time.sleep(0.01)


dramatiq.set_broker(StubBroker(middleware=[WaitsForTheEndOfItsMaster(), OwnProcessGroup()]))
