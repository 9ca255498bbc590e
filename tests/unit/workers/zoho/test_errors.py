"""Each error's sentence says what happened, whether waiting helps, and the next step."""

from tests.tables import table
from workers.zoho import errors
from workers.zoho.errors import PermanentZohoError, TransientZohoError, ZohoError

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, ZohoError)]


@table("kind", KINDS)
def test_every_error_has_its_own_sentence(kind: type[ZohoError]) -> None:
    text = str(kind())

    assert text.endswith(".")
    assert "\n" not in text
    assert kind.__doc__ is not None
    assert kind.__doc__.startswith(text.split()[0])


@table("kind", [kind for kind in KINDS if kind is not ZohoError])
def test_every_error_is_either_transient_or_permanent(kind: type[ZohoError]) -> None:
    assert issubclass(kind, TransientZohoError) is kind.transient
    assert issubclass(kind, PermanentZohoError) is not kind.transient


def test_an_error_names_the_call_the_status_and_the_code() -> None:
    error = errors.WrongOrganization("GET /contacts", status=400, code=6041)

    assert str(error).endswith("run `booksync connect` again. (GET /contacts: HTTP 400, code 6041)")
