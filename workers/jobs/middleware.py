"""Middleware that booksync adds to Dramatiq's workers: process group, memory, resources and logs."""

import os
import signal
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import structlog
from dramatiq import Broker, MessageProxy, Middleware, Worker
from dramatiq.middleware import MiddlewareError

from workers.boot import memory, parent_process, process
from workers.boot.servers import log_redis
from workers.boot.slices import SliceLimits
from workers.observability.logs import describe
from workers.queue.thread_demand import ThreadDemand
from workers.queue.thread_shares import ThreadShares

log = structlog.get_logger(__name__)


class OwnProcessGroup(Middleware):
    """Moves a worker into its own process group.

    Ctrl-C at a terminal and honcho signal the whole process group, and the master process signals its workers too. In
    the master's group a worker would get two signals, and the second one would kill the current work.
    """

    def after_process_boot(self, broker: Broker) -> None:
        if os.getpid() != os.getsid(0):
            os.setpgid(0, 0)
        # A worker in its own process group must not outlive a killed master process. While Dramatiq boots, it only
        # records other signals, and then it waits forever to report its readiness to the dead master, with its threads
        # at work.
        parent_process.die_with_parent(signal.SIGKILL)

    def after_worker_boot(self, broker: Broker, worker: Worker) -> None:
        # From this point on the worker may be processing messages.
        parent_process.stop_with_parent()

    def before_worker_shutdown(self, broker: Broker, worker: Worker) -> None:
        parent_process.stop_has_begun()


class ReturnedMemory(Middleware):
    """Makes a worker return the memory of a page of records after the page is written."""

    def after_process_boot(self, broker: Broker) -> None:
        memory.return_freed_memory()


class ShareThreads(Middleware):
    """Sets the `ThreadShares` of the process at boot, because only the worker knows how many threads it has."""

    def before_worker_boot(self, broker: Broker, worker: Worker) -> None:
        process.set_thread_shares(ThreadShares(worker.worker_threads))


class BootFailedError(MiddlewareError):
    """The worker's resources could not be opened: the process ends, and its supervisor starts another."""


class ProcessResources(Middleware):
    """Opens the process's engine and clients at boot, and closes them after its last message."""

    def __init__(self) -> None:
        self._open = ExitStack()
        self._demand: ThreadDemand | None = None

    def before_worker_boot(self, broker: Broker, worker: Worker) -> None:
        self._demand = ThreadDemand(worker)
        slices = SliceLimits(is_thread_wanted=self._demand)
        try:
            opened = self._open.enter_context(process.open_resources("booksync worker", broker))
            process.set_resources(replace(opened, slices=slices))
            log_redis(process.resources().redis)
        except Exception as error:
            # Dramatiq only logs any other error of a middleware, and the worker would continue without resources.
            raise BootFailedError(describe(error)) from error

    def before_worker_shutdown(self, broker: Broker, worker: Worker) -> None:
        if self._demand is not None:
            self._demand.stop()

    def after_worker_shutdown(self, broker: Broker, worker: Worker) -> None:
        self._open.close()


class MessageLogs(Middleware):
    """Adds the message's id to every line that is logged while the message is processed."""

    def before_process_message(self, broker: Broker, message: MessageProxy) -> None:
        structlog.contextvars.bind_contextvars(message_id=message.message_id, actor=message.actor_name)

    def after_process_message(
        self, broker: Broker, message: MessageProxy, *, result: Any = None, exception: BaseException | None = None
    ) -> None:
        structlog.contextvars.clear_contextvars()
