"""A person calls a connection by its name, its organisation's number, or the beginning of its id."""

import uuid

from hypothesis import given
from hypothesis import strategies as st

from domain.connection_names import SHORTEST_BEGINNING, Named, called
from tests.tables import table

ADA = uuid.UUID("1a2b3c4d-0000-4000-8000-000000000001")
BOB = uuid.UUID("1a2bffff-0000-4000-8000-000000000002")
EVE = uuid.UUID("e0001234-0000-4000-8000-000000000003")

CONNECTIONS = [
    Named(ADA, "ada", "60001", "Coastal Fabrics & Sons"),
    Named(BOB, "bob", "60002", "STRASSE Ltd"),
    Named(EVE, "eve", "6000", None),
]


@table(
    ("text", "meant"),
    [
        ("Coastal Fabrics & Sons", [ADA]),
        # The case does not matter, in any script.
        ("coastal fabrics & SONS", [ADA]),
        ("straße ltd", [BOB]),
        ("  Coastal Fabrics & Sons ", [ADA]),
        # A part of a name does not match.
        ("Coastal", []),
        ("60001", [ADA]),
        # A part of a number does not match, but it may be another organisation's number.
        ("6000", [EVE]),
        ("1a2b3", [ADA]),
        ("1A2B3C4D-0000", [ADA]),
        ("1a2b", [ADA, BOB]),
        # Too short for the beginning of an id.
        ("1a2", []),
        (str(BOB), [BOB]),
        (str(BOB).upper(), [BOB]),
        # No connection is called nothing, even without a name.
        ("", []),
        (" ", []),
        ("%", []),
        ("None", []),
    ],
)
def test_a_text_means_these_connections(text: str, meant: list[uuid.UUID]) -> None:
    assert [each.connection_id for each in called(text, CONNECTIONS)] == meant


def test_a_whole_id_means_its_connection_even_if_another_one_is_called_so() -> None:
    namesake = Named(EVE, "eve", "6000", str(ADA))
    assert called(str(ADA), [CONNECTIONS[0], namesake]) == [CONNECTIONS[0]]


@given(name=st.text(min_size=1).filter(str.strip), connection_id=st.uuids(), length=st.integers(SHORTEST_BEGINNING, 36))
def test_each_name_of_a_connection_finds_it(name: str, connection_id: uuid.UUID, length: int) -> None:
    named = Named(connection_id, "ada", "60001", name)
    assert named in called(str(connection_id)[:length], [named])
    assert named in called("60001", [named])
    if name.strip() == name:
        assert named in called(name, [named]) or _is_an_id(name)


def _is_an_id(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True
