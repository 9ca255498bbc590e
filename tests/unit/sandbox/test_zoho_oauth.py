"""The simulator's accounts server responds as Zoho's does."""

import orjson
import pytest

from sandbox.zoho.fault_requests import FaultName
from sandbox.zoho.in_process import InProcessZoho, in_process_zoho
from sandbox.zoho.oauth import User


@pytest.fixture
def zoho() -> InProcessZoho:
    return in_process_zoho(contacts=1)


def code_of(zoho: InProcessZoho, access_token: str) -> tuple[int, int]:
    """(status, code) of a call with that token."""
    zoho.access_token = access_token
    answer = zoho.response("/contacts")
    return answer.status, orjson.loads(answer.body)["code"]


def refreshed(zoho: InProcessZoho) -> str:
    return str(orjson.loads(zoho.token().body)["access_token"])


def test_refresh_returns_a_token_that_is_valid_for_an_hour(zoho: InProcessZoho) -> None:
    document = orjson.loads(zoho.token().body)
    assert document["expires_in"] == 3600
    assert document["scope"].startswith("ZohoBooks.")
    assert "refresh_token" not in document
    assert code_of(zoho, document["access_token"]) == (200, 0)
    zoho.clock.advance(3600)
    assert code_of(zoho, document["access_token"]) == (401, 57)


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"refresh_token": "unknown"}, "invalid_code"),
        ({"client_id": "somebody"}, "invalid_client"),
        ({"client_secret": "wrong"}, "invalid_client"),
        ({"grant_type": "authorization_code", "code": "unknown"}, "invalid_code"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
    ],
)
def test_refusals_come_as_http_200(zoho: InProcessZoho, form: dict[str, str], error: str) -> None:
    answer = zoho.token(**form)
    assert (answer.status, orjson.loads(answer.body)) == (200, {"error": error})


def test_the_eleventh_token_in_ten_minutes_is_denied_with_http_400(zoho: InProcessZoho) -> None:
    statuses = [zoho.token().status for _ in range(10)]  # One token was requested at the start.
    assert statuses == [200] * 9 + [400]
    assert orjson.loads(zoho.token().body)["error"] == "Access Denied"
    zoho.clock.advance(601)
    assert zoho.token().status == 200


def test_sixteenth_token_expires_the_oldest(zoho: InProcessZoho) -> None:
    zoho.simulator.tokens.max_per_window = 100
    first, second = zoho.access_token, refreshed(zoho)
    for _ in range(14):
        refreshed(zoho)
    assert code_of(zoho, first) == (401, 14)
    assert code_of(zoho, second) == (200, 0)


def test_a_grant_code_is_exchanged_once(zoho: InProcessZoho) -> None:
    code = zoho.simulator.tokens.new_grant_code(User((zoho.organization_id,)), zoho.clock.wall())
    document = orjson.loads(zoho.token(grant_type="authorization_code", code=code).body)
    assert code_of(zoho, document["access_token"]) == (200, 0)
    assert zoho.token(refresh_token=document["refresh_token"]).status == 200
    again = zoho.token(grant_type="authorization_code", code=code)
    assert orjson.loads(again.body) == {"error": "invalid_code"}


def test_grant_code_is_valid_for_a_minute(zoho: InProcessZoho) -> None:
    code = zoho.simulator.tokens.new_grant_code(User((zoho.organization_id,)), zoho.clock.wall())
    zoho.clock.advance(60)
    answer = zoho.token(grant_type="authorization_code", code=code)
    assert orjson.loads(answer.body) == {"error": "invalid_code"}


def test_a_token_without_the_scope_is_not_authorized(zoho: InProcessZoho) -> None:
    user = User((zoho.organization_id,), ("ZohoBooks.invoices.READ",))
    code = zoho.simulator.tokens.new_grant_code(user, zoho.clock.wall())
    document = orjson.loads(zoho.token(grant_type="authorization_code", code=code).body)
    assert code_of(zoho, document["access_token"]) == (401, 57)
    assert zoho.response("/invoices").status == 200


@pytest.mark.parametrize(("token", "code"), [("never-issued", 14), ("", 57)])
def test_a_bad_token_is_401(zoho: InProcessZoho, token: str, code: int) -> None:
    assert code_of(zoho, token) == (401, code)


def test_a_foreign_organisation_is_6041(zoho: InProcessZoho) -> None:
    for stranger in ("60000000001", ""):
        answer = zoho.response("/contacts", organization_id=stranger)
        assert (answer.status, orjson.loads(answer.body)["code"]) == (400, 6041)


def test_organisations_need_no_organisation_id(zoho: InProcessZoho) -> None:
    answer = zoho.simulator.serve("/organizations", {}, f"Zoho-oauthtoken {zoho.access_token}")
    entry = orjson.loads(answer.body)["organizations"][0]
    assert entry["organization_id"] == zoho.organization_id
    assert (entry["time_zone"], entry["country_code"]) == ("America/New_York", "US")
    assert "X-Rate-Limit-Remaining" in answer.headers


def test_a_revoked_refresh_token_is_invalid_until_the_fault_ends(zoho: InProcessZoho) -> None:
    fault_id = zoho.fault(FaultName.REFRESH_TOKEN_REVOKED)
    assert orjson.loads(zoho.token().body) == {"error": "invalid_code"}
    zoho.simulator.faults.clear(fault_id)
    assert "access_token" in orjson.loads(zoho.token().body)


def test_expired_tokens_are_refused_and_new_tokens_work(zoho: InProcessZoho) -> None:
    old = zoho.access_token
    zoho.fault(FaultName.ACCESS_TOKENS_EXPIRED)
    assert code_of(zoho, old) == (401, 57)
    assert code_of(zoho, refreshed(zoho)) == (200, 0)


def test_the_token_endpoint_can_be_down_or_throttled(zoho: InProcessZoho) -> None:
    zoho.fault(FaultName.TOKEN_ENDPOINT_DOWN, times=1)
    zoho.fault(FaultName.TOKEN_ENDPOINT_THROTTLED, times=1)
    assert [zoho.token().status for _ in range(3)] == [503, 400, 200]


def test_a_revoked_refresh_token_is_unknown_from_then_on(zoho: InProcessZoho) -> None:
    access_token = refreshed(zoho)
    revoked = zoho.revoke()
    assert (revoked.status, orjson.loads(revoked.body)) == (200, {"status": "success"})
    assert orjson.loads(zoho.token().body) == {"error": "invalid_code"}
    assert code_of(zoho, access_token) == (401, 14)
    assert (zoho.revoke().status, orjson.loads(zoho.revoke().body)) == (400, {"error": "invalid_token"})


def exchanged(zoho: InProcessZoho, user: User, **form: str) -> str:
    """The refresh token of a code of that user."""
    code = zoho.simulator.tokens.new_grant_code(user, zoho.clock.wall())
    return str(orjson.loads(zoho.token(grant_type="authorization_code", code=code, **form).body)["refresh_token"])


def test_the_21st_refresh_token_of_a_login_and_client_revokes_the_oldest(zoho: InProcessZoho) -> None:
    mine = User((zoho.organization_id,), login="mine")
    other_login = exchanged(zoho, User((zoho.organization_id,), login="other"))
    zoho.simulator.tokens.clients.register("second-client", "second-secret")
    other_client = {"client_id": "second-client", "client_secret": "second-secret"}
    of_other_client = exchanged(zoho, mine, **other_client)
    tokens = [exchanged(zoho, mine) for _ in range(20)]
    assert zoho.token(refresh_token=tokens[0]).status == 200

    tokens.append(exchanged(zoho, mine))

    assert orjson.loads(zoho.token(refresh_token=tokens[0]).body) == {"error": "invalid_code"}
    for token, client in [(tokens[1], {}), (tokens[20], {}), (other_login, {}), (of_other_client, other_client)]:
        assert "access_token" in orjson.loads(zoho.token(refresh_token=token, **client).body)


def test_a_revoked_refresh_token_does_not_count_among_the_20(zoho: InProcessZoho) -> None:
    mine = User((zoho.organization_id,), login="mine")
    tokens = [exchanged(zoho, mine) for _ in range(20)]
    zoho.simulator.tokens.revoke(tokens.pop())
    tokens.append(exchanged(zoho, mine))
    for token in (tokens[0], tokens[-1]):
        assert "access_token" in orjson.loads(zoho.token(refresh_token=token).body)


def test_a_client_has_a_secret_for_each_data_centre(zoho: InProcessZoho) -> None:
    in_india = exchanged(zoho, User((zoho.organization_id,), data_center="in"))
    in_the_us = exchanged(zoho, User((zoho.organization_id,)))
    zoho.simulator.tokens.clients.register("sandbox-client", "indian-secret", "in")

    assert orjson.loads(zoho.token(refresh_token=in_india).body) == {"error": "invalid_client"}
    assert "access_token" in orjson.loads(zoho.token(refresh_token=in_india, client_secret="indian-secret").body)
    assert "access_token" in orjson.loads(zoho.token(refresh_token=in_the_us).body)
    refused = zoho.token(refresh_token=in_the_us, client_secret="indian-secret")
    assert orjson.loads(refused.body) == {"error": "invalid_client"}


def test_a_refresh_token_works_only_with_the_client_that_got_it(zoho: InProcessZoho) -> None:
    token = exchanged(zoho, User((zoho.organization_id,)))
    zoho.simulator.tokens.clients.register("second-client", "second-secret")
    refused = zoho.token(refresh_token=token, client_id="second-client", client_secret="second-secret")
    assert orjson.loads(refused.body) == {"error": "invalid_code"}
