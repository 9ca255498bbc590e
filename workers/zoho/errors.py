"""The errors of calls to Zoho.

The docstring of an error type begins with the error's default message.

Each error reports whether waiting may help: a `TransientZohoError` is worth another attempt, a `PermanentZohoError` is
not. An error's text never contains a body, a secret or personal data: it names the method, the path, the status and
Zoho's code.
"""

# ruff: noqa: N818 - the names describe the events; the suffix "Error" would add nothing.

from typing import ClassVar

from domain.errors import BooksyncError

#: The seconds of the pause after the token endpoint has refused, unless the response names a time.
TOKEN_PAUSE_SECONDS = 60.0


class ZohoError(BooksyncError):
    """Something went wrong with Zoho."""

    transient: ClassVar[bool] = True  #: whether the same call to Zoho may succeed later

    def __init__(self, call: str = "", *, status: int | None = None, code: int | None = None, detail: str = "") -> None:
        """Build the message.

        `call` is method and path without query ("GET /contacts"); `detail` is never Zoho's text.
        """
        self.call = call
        self.status = status
        self.code = code
        self.detail = detail
        super().__init__(self._text())

    def _text(self) -> str:
        response = [f"HTTP {self.status}"] if self.status is not None else []
        response += [f"code {self.code}"] if self.code is not None else []
        response += [self.detail] if self.detail else []
        facts = ": ".join(part for part in (self.call, ", ".join(response)) if part)
        sentence = " ".join((self.__doc__ or type(self).__name__).split("\n\n")[0].split())
        return f"{sentence} ({facts})" if facts else sentence


class TransientZohoError(ZohoError):
    """Zoho cannot respond at the moment."""


class PermanentZohoError(ZohoError):
    """Zoho refuses this call permanently."""

    transient = False


class ZohoUnavailable(TransientZohoError):
    """Zoho could not be reached, or did not respond."""


class ProxyUnavailable(ZohoUnavailable):
    """The proxy of ZOHO_PROXY_URL has not connected booksync with Zoho: check that it runs and that this host may use
    it."""


class ProxySignInRefused(ZohoUnavailable):
    """The proxy of ZOHO_PROXY_URL does not accept booksync's user and password: check both in ZOHO_PROXY_URL."""


class ProxyRefused(ZohoUnavailable):
    """The proxy of ZOHO_PROXY_URL refuses to connect booksync with Zoho: allow Zoho's hosts there."""


class CertificateNotTrusted(ZohoUnavailable):
    """The TLS certificate is not trusted: if a proxy decrypts TLS, set ZOHO_CA_BUNDLE to a file with its CA."""


class UnusableResponse(TransientZohoError):
    """Zoho returned something that is not a response of its API."""


class TooLarge(UnusableResponse):
    """Zoho's response is larger than booksync reads.

    If the response is that of a detail call, only that one record cannot be read.
    """


class Throttled(TransientZohoError):
    """Zoho refuses further calls of this organisation for a while.

    `code` names the limit that was exceeded: 44 calls a minute, 45 calls a day, 1070 calls at once, 43 "blocked for
    some time" (API section 4). The API budget has already recorded the refusal.
    """


class WaitForToken(TransientZohoError):
    """Zoho grants no access token for a while.

    `seconds` is the wait before the next request for an access token. The wait does not count as an attempt.
    """

    def __init__(self, call: str = "", *, seconds: float = TOKEN_PAUSE_SECONDS, status: int | None = None) -> None:
        super().__init__(call, status=status)
        self.seconds = seconds


class OAuthThrottled(WaitForToken):
    """Zoho refuses further access tokens for some minutes: too many were requested."""


class OAuthFailed(TransientZohoError):
    """Zoho's accounts server returned no token, for a reason that booksync does not know."""


class GrantRefused(PermanentZohoError):
    """Zoho's accounts server has returned no token for hours, for a reason that booksync does not know: look the
    word up in Zoho's documentation, correct what it names, then run `booksync resume`, or `booksync connect` with a
    new grant."""


class TokenNotRenewed(WaitForToken):
    """Zoho rejects the access token repeatedly, and grants no other for some minutes."""


class MissingScope(PermanentZohoError):
    """Zoho does not allow this user or this grant to make the call: check the user's role in Zoho Books, then run
    `booksync connect` again with a grant for ZohoBooks.contacts.READ, ZohoBooks.invoices.READ and
    ZohoBooks.settings.READ."""


class OrganizationScopeMissing(MissingScope):
    """Zoho does not let this grant read the organisation: the scope ZohoBooks.settings.READ is missing. Run
    `booksync connect` again with a grant for ZohoBooks.contacts.READ, ZohoBooks.invoices.READ and
    ZohoBooks.settings.READ."""


class TokenRejected(PermanentZohoError):
    """Zoho rejects even a new access token: check the connection's data centre, then run `booksync connect` again."""


class TokenRevoked(PermanentZohoError):
    """Zoho no longer knows the refresh token (it was revoked, or belongs to another data centre): run
    `booksync connect` again."""


class GrantCodeInvalid(PermanentZohoError):
    """Zoho does not accept the grant code: it is valid for 60 seconds, once, and only in the data centre that issued
    it. Make a new one and run `booksync connect` at once."""


class ClientRejected(PermanentZohoError):
    """Zoho does not accept the client: check ZOHO_CLIENT_ID, ZOHO_CLIENT_SECRET and the data centre."""


class ClientNotSet(PermanentZohoError):
    """The access token has to be renewed, and the web process has no ZOHO_CLIENT_ID and ZOHO_CLIENT_SECRET for that:
    set both there, or use the command line."""


class NamedClientRejected(PermanentZohoError):
    """Zoho does not accept the connection's own client: run `booksync clients rotate` with its present secret, and
    `booksync resume --all`."""


class UnknownClient(PermanentZohoError):
    """There is no OAuth client of this name with a secret for the data centre: run `booksync clients list`, then
    `booksync clients add`."""


class RefreshTokenMissing(PermanentZohoError):
    """Zoho's response to the grant code has no refresh token: request the code with access_type=offline and
    prompt=consent, then run `booksync connect` again."""


class WrongOrganization(PermanentZohoError):
    """The Zoho user does not belong to this organisation, or the data centre is wrong: check both and run
    `booksync connect` again."""


#: The errors that Zoho returns for an expired token, a missing scope, and a record that the grant's user may not see.
REFUSED_TOKEN = (MissingScope, TokenRejected)

#: Errors of a client with a name, which a person corrects without a new grant.
CLIENT_ERRORS = (NamedClientRejected, UnknownClient)

#: Errors that concern every call of a connection until a person reconnects it.
PARKING_ERRORS = (
    MissingScope,
    TokenRejected,
    TokenRevoked,
    GrantRefused,
    WrongOrganization,
    *CLIENT_ERRORS,
)


class UnknownDataCenter(PermanentZohoError):
    """This is not a data centre of Zoho."""


class UnsafeOrigin(PermanentZohoError):
    """This is not an address of a Zoho server: it must be https://host, or http://127.0.0.1:9000 for a server on this
    host, without user, path and query."""


class InvalidOrigin(PermanentZohoError):
    """ZOHO_API_URL and ZOHO_ACCOUNTS_URL are origins such as https://host or http://127.0.0.1:9000, without user, path
    and query."""


class BadRequest(PermanentZohoError):
    """Zoho does not accept the call as it was made: a parameter that it does not support, or a defect of booksync."""


class Refused(PermanentZohoError):
    """Zoho refuses the call: check what the organisation's plan and the user's role allow."""


class NotFound(PermanentZohoError):
    """Zoho has no such record or address."""


class RecordUnreadable(PermanentZohoError):
    """Zoho returned a record that booksync cannot understand."""


class BulkPersonsRefused(PermanentZohoError):
    """Zoho refuses the list of all contact persons for this organisation: read each contact's details instead."""
