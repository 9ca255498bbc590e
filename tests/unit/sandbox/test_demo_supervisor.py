"""How long-running processes are looked after."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from sandbox.demo.errors import DemoError
from sandbox.demo.supervisor import DEATHS, DEATHS_WITHIN_SECONDS, Service, Supervisor


@dataclass
class FakeProcess:
    name: str
    happened: list[str]
    code: int | None = None

    def poll(self) -> int | None:
        return self.code

    def ask_to_stop(self) -> None:
        self.happened.append(f"ask {self.name}")

    def stop(self) -> int:
        self.happened.append(f"stop {self.name}")
        return 0


@dataclass
class Office:
    """A supervisor over fake processes, with a clock of its own."""

    now: float = 0.0
    happened: list[str] = field(default_factory=list)
    launched: list[FakeProcess] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.supervisor = Supervisor(
            self.launch,
            on_restart=lambda service, code: self.happened.append(f"{service.name} ended with {code}"),
            clock=lambda: self.now,
        )

    def launch(self, service: Service) -> FakeProcess:
        self.launched.append(FakeProcess(service.name, self.happened))
        return self.launched[-1]

    def start(self, name: str) -> None:
        self.supervisor.start(Service(name, (name,), Path(f"{name}.log")))

    def die(self, code: int) -> None:
        self.launched[-1].code = code
        self.supervisor.check()


@pytest.fixture
def office() -> Office:
    return Office()


def test_what_runs_is_left_alone(office: Office) -> None:
    office.start("worker")
    office.supervisor.check()
    assert len(office.launched) == 1
    assert office.happened == []


def test_what_has_ended_is_started_again_and_told(office: Office) -> None:
    office.start("worker")
    office.die(137)
    assert [process.name for process in office.launched] == ["worker", "worker"]
    assert office.happened == ["stop worker", "worker ended with 137"]


def test_what_ends_again_and_again_is_given_up_in_one_sentence(office: Office) -> None:
    office.start("worker")
    for _ in range(DEATHS - 1):
        office.die(1)
    with pytest.raises(DemoError, match=r"The worker ended 3 times in a row \(exit code 4\); its log is worker\.log"):
        office.die(4)
    assert len(office.launched) == DEATHS


def test_deaths_that_lie_far_apart_are_forgiven(office: Office) -> None:
    office.start("worker")
    for _ in range(10):
        office.now += DEATHS_WITHIN_SECONDS / (DEATHS - 1)
        office.die(1)
    assert len(office.launched) == 11


def test_all_are_asked_to_stop_before_one_is_waited_for(office: Office) -> None:
    office.start("worker")
    office.start("web")
    office.supervisor.stop()
    assert office.happened == ["ask worker", "ask web", "stop web", "stop worker"]
    office.supervisor.check()
    assert len(office.launched) == 2
