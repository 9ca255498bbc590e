"""A run's steps take turns when they write; a webhook's refresh needs no turn."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from domain.entities import CUSTOMER
from tests.integration.webhooks.hooks import Hooks, a_contact_id
from workers.boot.turns import Turns


class CountedTurns(Turns):
    """Turns that count how many are taken."""

    def __init__(self) -> None:
        super().__init__()
        self.taken = 0

    @contextmanager
    def turn(self) -> Iterator[None]:
        with super().turn():
            self.taken += 1
            yield


def counted(hooks: Hooks) -> tuple[Hooks, CountedTurns]:
    turns = CountedTurns()
    resources = replace(hooks.bench.resources, turns=turns)
    return Hooks(replace(hooks.bench, resources=resources)), turns


def test_a_run_takes_at_least_a_turn_for_each_call(hooks: Hooks) -> None:
    hooks, turns = counted(hooks)
    hooks.bench.zoho.edit_contact(a_contact_id(hooks), contact_name="Renamed Bakery")
    calls = hooks.bench.sync()["api_calls"]
    assert turns.taken >= calls > 0


def test_a_refresh_needs_no_turn(hooks: Hooks) -> None:
    hooks, turns = counted(hooks)
    contact_id = a_contact_id(hooks)
    hooks.bench.zoho.edit_contact(contact_id, contact_name="Renamed Bakery")
    hooks.tell_of(CUSTOMER, contact_id)
    assert hooks.work() == 1
    assert hooks.bench.customers()[contact_id]["customer_name"] == "Renamed Bakery"
    assert turns.taken == 0
