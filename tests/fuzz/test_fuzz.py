"""Random bytes for every parser of external data: it raises only documented errors, and no input takes long.

`make fuzz` runs for FUZZ_SECONDS (60), with FUZZ_SEED if it is set. An input that breaks a promise is printed
as a line for `found.txt`, whose lines every test run replays first.
"""

import os
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.fuzz.mutations import mutated
from tests.fuzz.targets import TARGETS, Target

#: Each line: a target's name, a tab, the bytes as a Python literal without its b and quotes.
_FOUND = Path(__file__).parent / "found.txt"

#: Processor time of one input. The largest inputs have some 30,000 bytes.
_LONGEST_SECONDS = 2.0

_BY_NAME = {target.name: target for target in TARGETS}


def found() -> list[tuple[str, bytes]]:
    return list(_lines())


def _lines() -> Iterator[tuple[str, bytes]]:
    for line in _FOUND.read_text(encoding="ascii").splitlines():
        if line and not line.startswith("#"):
            name, _, content = line.partition("\t")
            yield name, content.encode("ascii").decode("unicode_escape").encode("latin-1")


def holds(target: Target, content: bytes) -> None:
    began = time.process_time()
    try:
        target.run(content)
    except Exception as error:
        raise AssertionError(f"{_line(target, content)}\n{type(error).__name__}") from error
    assert time.process_time() - began < _LONGEST_SECONDS, _line(target, content)


def _line(target: Target, content: bytes) -> str:
    written = content.decode("latin-1").encode("unicode_escape").decode("ascii")
    return f"add to {_FOUND.name}:\n{target.name}\t{written}"


@pytest.mark.parametrize(("name", "content"), found())
def test_input_that_once_broke_a_promise_no_longer_breaks_it(name: str, content: bytes) -> None:
    holds(_BY_NAME[name], content)


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_seeds_of_the_inputs_break_no_promise(target: Target) -> None:
    for seed in target.seeds:
        holds(target, seed)


@pytest.mark.fuzz
@pytest.mark.timeout(600)
def test_no_mutated_input_breaks_a_promise(announce: Callable[[str], None]) -> None:
    seed = int(os.environ.get("FUZZ_SEED", random.randrange(1_000_000_000)))
    ends_at = time.monotonic() + float(os.environ.get("FUZZ_SECONDS", "60"))
    inputs = 0
    announce(f"FUZZ_SEED={seed}")
    # A generator for each round, so that the inputs of a seed do not depend on the machine's speed.
    while time.monotonic() < ends_at:
        chance = random.Random(f"{seed}/{inputs}")
        for target in TARGETS:
            holds(target, mutated(chance.choice(target.seeds), chance))
        inputs += 1
    announce(f"{inputs * len(TARGETS)} inputs")
