"""A call whose token Zoho refuses: it is tried once more, the token is renewed, or the refusal is raised."""

from contextlib import suppress

import httpx
import pytest

from tests.unit.workers.zoho.fakes import FakeBudget, FakeTokens, FakeZoho, a_reply, a_transport
from workers.zoho.errors import MissingScope, TokenRejected, TokenRevoked
from workers.zoho.ports import Token
from workers.zoho.transport import TRY_AGAIN_SECONDS


@pytest.mark.parametrize("code", [57, 14])
def test_refused_token_is_renewed_once_and_the_call_is_repeated(code: int) -> None:
    zoho = FakeZoho(a_reply(401, code=code), a_reply(code=0))
    tokens, budget = FakeTokens(), FakeBudget()
    transport = a_transport(zoho, tokens=tokens, budget=budget)

    transport.get("/contacts", {"page": "3"})

    assert tokens.renewals == [Token("secret-token-1")]
    assert zoho.requests[1].headers["Authorization"] == "Zoho-oauthtoken secret-token-2"
    assert zoho.query["page"] == "3"
    # The repeated call counts too.
    assert budget.told == [(401, code), (200, 0)]
    assert transport.calls == 2


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (57, MissingScope),
        (14, TokenRejected),
        (None, TokenRejected),
    ],
)
def test_refused_new_token_is_not_renewed_again(code: int | None, kind: type[Exception]) -> None:
    zoho = FakeZoho(a_reply(401, code=code), a_reply(401, code=code))
    tokens = FakeTokens()

    with pytest.raises(kind):
        a_transport(zoho, tokens=tokens).get("/contacts")

    assert len(tokens.renewals) == 1
    assert zoho.replies == []


def test_transient_refusal_costs_a_short_pause_and_no_new_token() -> None:
    zoho = FakeZoho(a_reply(401, code=57), a_reply(code=0))
    tokens, pauses = FakeTokens(keeps_first=True), list[float]()

    a_transport(zoho, tokens=tokens, sleep=pauses.append).get("/contacts")

    assert [request.headers["Authorization"] for request in zoho.requests] == ["Zoho-oauthtoken secret-token-1"] * 2
    assert (pauses, tokens.renewals) == ([TRY_AGAIN_SECONDS], [])


@pytest.mark.parametrize("last", [a_reply(code=0), a_reply(401, code=57)], ids=["accepted", "refused"])
def test_twice_refused_token_is_renewed_and_the_new_token_decides(last: httpx.Response) -> None:
    zoho = FakeZoho(a_reply(401, code=57), a_reply(401, code=57), last)
    tokens = FakeTokens(keeps_first=True)
    transport = a_transport(zoho, tokens=tokens)

    if last.status_code == 200:
        transport.get("/contacts")
    else:
        with pytest.raises(MissingScope):
            transport.get("/contacts")

    assert len(tokens.renewals) == 1
    assert zoho.requests[2].headers["Authorization"] == "Zoho-oauthtoken secret-token-2"


class TestReuse:
    @pytest.mark.parametrize(("seconds", "looks"), [(15.0, 1), (0.0, 3)])
    def test_a_token_is_used_again_for_as_long_as_it_allows(self, seconds: float, looks: int) -> None:
        tokens = FakeTokens(Token("t", reusable_seconds=seconds))
        transport = a_transport(FakeZoho(*[a_reply(code=0)] * 3), tokens=tokens)
        for _ in range(3):
            transport.get("/contacts")
        assert tokens.looks == looks

    def test_the_stored_token_is_read_again_after_a_final_refusal(self) -> None:
        zoho = FakeZoho(*[a_reply(401, code=57)] * 2, a_reply(code=0))
        tokens = FakeTokens(Token("t", reusable_seconds=15))
        transport = a_transport(zoho, tokens=tokens)
        with pytest.raises(MissingScope):
            transport.get("/contacts")
        transport.get("/contacts")
        assert tokens.looks == 2


class TestRefusedRecords:
    """Zoho refuses the token in calls of single records."""

    def test_a_token_that_has_just_served_another_call_is_tried_once_more_only(self) -> None:
        zoho = FakeZoho(a_reply(code=0), a_reply(401, code=57), a_reply(401, code=57))
        tokens = FakeTokens()
        transport = a_transport(zoho, tokens=tokens)

        transport.get("/contacts")
        with pytest.raises(MissingScope):
            transport.get("/contacts/1", is_one_record=True)

        assert (tokens.renewals, transport.calls, transport.renewals) == ([], 3, 0)

    def test_the_second_record_in_a_row_renews_it(self) -> None:
        refused = [a_reply(401, code=57)] * 2
        zoho = FakeZoho(a_reply(code=0), *refused, a_reply(401, code=57), a_reply(code=0))
        tokens = FakeTokens()
        transport = a_transport(zoho, tokens=tokens)

        transport.get("/contacts")
        with pytest.raises(MissingScope):
            transport.get("/contacts/1", is_one_record=True)
        transport.get("/contacts/2", is_one_record=True)

        assert (len(tokens.renewals), transport.renewals) == (1, 1)

    def test_one_that_is_read_between_them_ends_the_row(self) -> None:
        refused = [a_reply(401, code=57)] * 2
        zoho = FakeZoho(a_reply(code=0), *refused, a_reply(code=0), *refused)
        tokens = FakeTokens()
        transport = a_transport(zoho, tokens=tokens)

        transport.get("/contacts")
        for path in ("/contacts/1", "/contacts/2", "/contacts/3"):
            with suppress(MissingScope):
                transport.get(path, is_one_record=True)

        assert (tokens.renewals, zoho.replies) == ([], [])

    def test_a_list_renews_it(self) -> None:
        zoho = FakeZoho(a_reply(code=0), a_reply(401, code=57), a_reply(code=0))
        tokens = FakeTokens()
        transport = a_transport(zoho, tokens=tokens)

        transport.get("/contacts")
        transport.get("/invoices")

        assert len(tokens.renewals) == 1


def test_refusal_is_raised_without_another_token() -> None:
    zoho = FakeZoho(a_reply(401, code=57), a_reply(401, code=57))

    with pytest.raises(MissingScope):
        a_transport(zoho, tokens=FakeTokens(keeps_first=True, is_all=True)).get("/contacts")

    assert len(zoho.requests) == 2


def test_errors_of_a_renewal_are_raised_unchanged() -> None:
    with pytest.raises(TokenRevoked):
        a_transport(FakeZoho(a_reply(401, code=14)), tokens=FakeTokens(refusal=TokenRevoked())).get("/contacts")
