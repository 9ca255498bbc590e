"""The demonstration, in order: servers, schema, processes, connection, first sync, preview, opening; then changes."""

import contextlib
import os
import time
import uuid
from collections.abc import Callable
from typing import Any, NoReturn

from sandbox.demo.backing import Backing
from sandbox.demo.changes import Changes
from sandbox.demo.errors import DemoError, Stopped
from sandbox.demo.folder import DemoFolder, Identity
from sandbox.demo.loopback import status_of
from sandbox.demo.options import Options
from sandbox.demo.preview import read_opened, read_preview, result_of
from sandbox.demo.programs import Programs, settings
from sandbox.demo.screen import Screen, shown
from sandbox.demo.simulator import MINUTE_SECONDS, Organization, simulator_service, wait_for_organization
from sandbox.demo.summary import read_summary
from sandbox.demo.supervisor import Service, Supervisor
from sandbox.servers import ServerError
from sandbox.servers.binaries import find_postgres
from sandbox.servers.ports import LOOPBACK, free_port

WORKERS = 2

#: The name of the operator of CONSOLE_PASSWORD.
CONSOLE_NAME = "operator"

WEB_READY_SECONDS = 30.0

_TICK_SECONDS = 0.1
_NEWS_SECONDS = 1.0


def tell(options: Options, screen: Screen, before_the_end: Callable[[], None]) -> None:
    """Run the demo until one sync is done (`once`), or until a signal raises an exception.

    `before_the_end` is called before the processes are stopped, whatever the cause of the end.

    Raises:
        SandboxError: a part failed; all processes are stopped.
    """
    folder = DemoFolder(options.folder)
    with folder.locked() as lock, contextlib.ExitStack() as ends:
        try:
            if options.fresh:
                folder.clear()
            identity = folder.identity(contacts=options.contacts, invoices=options.invoices)
            folder.begin_logs()
            screen.title(f"{identity.size.contacts:,} contacts and {identity.size.invoices:,} invoices")
            Demo(options, screen, folder, identity, lock, ends).tell()
        except Stopped:
            screen.stopping()
            raise
        finally:
            before_the_end()


class Demo:
    """One run of the demo in a locked folder. The exit stack `ends` stops the demo's processes."""

    def __init__(
        self,
        options: Options,
        screen: Screen,
        folder: DemoFolder,
        identity: Identity,
        lock: int,
        ends: contextlib.ExitStack,
    ) -> None:
        self._options = options
        self._screen = screen
        self._folder = folder
        self._identity = identity
        self._held = (lock,)
        self._ends = ends
        self._supervisors: list[Supervisor] = []

    def tell(self) -> None:
        """Run all steps of the demo."""
        simulator, backing = self._start_stand_ins()
        organization, programs = self._wait_for_stand_ins(simulator, backing)
        with self._screen.step("Preparing the schema", "The schema is up to date"):
            programs.run(["migrate"], log=self._folder.log("migrate"), on_poll=self._check)
        web = self._start_services(programs)
        connection_id = self._connect(programs, organization)
        run = self._sync(programs, connection_id)
        preview = self._preview(programs, connection_id)
        opened = self._open(programs, connection_id, preview)
        self._wait_for_web(web)
        self._screen.result(result_of(run, preview, opened))
        if not self._options.once:
            self._stay(programs, organization, backing, web, connection_id)

    def _start_stand_ins(self) -> tuple[Service, Backing]:
        backing = Backing(self._folder, os.environ, held=self._held)
        self._ends.callback(backing.stop)
        simulator = simulator_service(self._folder, self._identity.size, drifts=not self._options.once)
        self._supervise(Programs(self._options.programs, {}, self._held)).start(simulator)
        return simulator, backing

    def _wait_for_stand_ins(self, simulator: Service, backing: Backing) -> tuple[Organization, Programs]:
        names = ", ".join((*backing.names, "the Zoho simulator"))
        with self._screen.step(f"Starting {names}", f"Running: {names}"):
            database_url, redis_url = backing.database_url, backing.redis_url
            organization = wait_for_organization(simulator, self._check)
        env = settings(
            database_url=database_url,
            redis_url=redis_url,
            zoho_url=organization.origin,
            public_url=f"http://{LOOPBACK}:{free_port()}",
            encryption_key=self._folder.encryption_key(),
            console_password=self._folder.console_password(),
        )
        return organization, Programs(self._options.programs, env, self._held)

    def _start_services(self, programs: Programs) -> str:
        """Start booksync's services and return the web process's origin, without waiting until they are ready."""
        supervisor = self._supervise(programs)
        for number in range(1, WORKERS + 1):
            worker = (programs.path("dramatiq"), "workers.main", "--processes", "1", "--threads", "4")
            supervisor.start(Service(f"worker {number}", worker, self._folder.log(f"worker-{number}")))
        origin = programs.settings["PUBLIC_URL"]
        port = origin.rpartition(":")[2]
        web = (programs.path("uvicorn"), "workers.web.app:app", "--host", LOOPBACK, "--port", port)
        supervisor.start(Service("web process", web, self._folder.log("web")))
        return origin

    def _start_scheduler(self, programs: Programs) -> None:
        """Start the scheduler. Before the first sync, which the demo shows, the scheduler would start other syncs."""
        scheduler = (programs.path("booksync"), "scheduler")
        self._supervise(programs).start(Service("scheduler", scheduler, self._folder.log("scheduler")))

    def _connect(self, programs: Programs, organization: Organization) -> uuid.UUID:
        with self._screen.step("Connecting the organisation", f"Connected: {organization.name}"):
            connection = ["--organization", organization.organization_id, "--dc", "com"]
            who = ["--user", str(self._identity.user_id), "--grant-code", organization.grant_code()]
            log = self._folder.log("connect")
            reported = programs.run(["connect", *who, *connection, "--json"], log=log, on_poll=self._check)
        try:
            return uuid.UUID(reported["connection_id"])
        except (KeyError, ValueError, TypeError):
            raise DemoError("booksync connect ended without reporting its connection", log=log) from None

    def _sync(self, programs: Programs, connection_id: uuid.UUID) -> dict[str, Any]:
        self._screen.say(f"Everything is read once, within Zoho's 100 calls a minute (of {MINUTE_SECONDS} s, here).")
        command = ["sync", str(connection_id), "--full", "--wait", "--json"]
        reported = programs.run(command, log=self._folder.log("sync"), on_poll=self._check, show_progress=True)
        self._screen.summary(read_summary(reported))
        return reported

    def _preview(self, programs: Programs, connection_id: uuid.UUID) -> dict[str, Any]:
        with self._screen.step("Planning the open invoices", "Previewed: who would be called, and why others are not"):
            command = ["reminders", "preview", str(connection_id), "--limit", "1", "--json"]
            facts = programs.run(command, log=self._folder.log("preview"), on_poll=self._check)
            preview = read_preview(facts)
        self._screen.preview(preview)
        return facts

    def _open(self, programs: Programs, connection_id: uuid.UUID, preview: dict[str, Any]) -> dict[str, Any]:
        """Open the connection for handovers, unless it is open: a second opening would move the time of the first."""
        if read_preview(preview).is_open:
            self._screen.opened(read_opened(preview), by_this_start=False)
            return preview
        with self._screen.step("Opening the connection", "The demo opened its own connection, with --backlog latest"):
            command = ["reminders", "open", str(connection_id), "--backlog", "latest", "--json"]
            facts = programs.run(command, log=self._folder.log("open"), on_poll=self._check)
            opened = read_opened(facts)
        self._screen.opened(opened, by_this_start=True)
        return facts

    def _wait_for_web(self, origin: str) -> None:
        deadline = time.monotonic() + WEB_READY_SECONDS
        while time.monotonic() < deadline:
            if status_of(f"{origin}/readyz") == 200:
                return
            self._check()
            time.sleep(_TICK_SECONDS)
        raise DemoError("The web process was not ready in time", log=self._folder.log("web"))

    def _sign_in_link(self, programs: Programs) -> str:
        log = self._folder.log("link")
        reported = programs.run(["operators", "link", CONSOLE_NAME, "--json"], log=log, on_poll=self._check)
        try:
            return str(reported["url"])
        except KeyError:
            raise DemoError("booksync operators link ended without reporting its link", log=log) from None

    def _stay(
        self, programs: Programs, organization: Organization, backing: Backing, web: str, connection_id: uuid.UUID
    ) -> NoReturn:
        changes = Changes(backing.database_url, self._identity.user_id, connection_id)
        self._ends.callback(changes.close)
        self._start_scheduler(programs)
        environment = self._ends.enter_context(self._folder.environment(programs.settings))
        booksync = shown(self._options.programs / "booksync")
        self._screen.places(
            {
                "Console": self._sign_in_link(programs),
                "Later": f"{web} with the password {programs.settings['CONSOLE_PASSWORD']}",
                "Zoho": f"{organization.origin}/_sandbox/stats",
                "Database": f"{_psql()} {backing.database_url}",
                "Logs": f"{shown(self._folder.logs)}/",
                "Try": f"(set -a; . {shown(environment)}; {booksync} status)",
            }
        )
        self._screen.say("The console's link signs in once, within ten minutes. Later the password does.")
        interval = programs.settings["SYNC_INTERVAL_SECONDS"]
        self._screen.say(
            f"A sync every {interval} s reads one page of contacts and one of invoices, last changes first."
        )
        self._screen.say("If nothing changed, these are its 2 calls; before reminders up to 20 more ask for details.")
        self._screen.say("The organisation keeps changing; each sync that finds changes reports here. Ctrl-C ends it.")
        while True:
            for run in changes.news():
                self._screen.change(run, changes.reminded_invoices())
            asked_again = time.monotonic() + _NEWS_SECONDS
            while time.monotonic() < asked_again:
                self._check()
                backing.check(lambda name: self._screen.restarted(name, None))
                time.sleep(_TICK_SECONDS)

    def _supervise(self, programs: Programs) -> Supervisor:
        supervisor = Supervisor(
            programs.launch, on_restart=lambda service, code: self._screen.restarted(service.name, code)
        )
        self._supervisors.append(supervisor)
        self._ends.callback(supervisor.stop)
        return supervisor

    def _check(self) -> None:
        for supervisor in self._supervisors:
            supervisor.check()


def _psql() -> str:
    try:
        beside = find_postgres() / "psql"
    except ServerError:
        return "psql"
    return shown(beside) if beside.exists() else "psql"
