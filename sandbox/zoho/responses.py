"""The HTTP responses of the simulator: a plain response, and Zoho's errors with their code and message."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import orjson

JSON_TYPE = "application/json;charset=UTF-8"


@dataclass(frozen=True, slots=True)
class Response:
    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = JSON_TYPE
    is_endless: bool = False  #: the body is repeated until the client closes the connection

    @classmethod
    def of(cls, document: object, status: int = 200) -> "Response":
        return cls(status, orjson.dumps(document))


class ZohoError(Exception):
    """The simulated Zoho refuses the call."""

    def __init__(self, status: int, code: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers or {}

    def as_response(self) -> Response:
        body = orjson.dumps({"code": self.code, "message": self.message})
        return Response(self.status, body, self.headers)


def bad_value(parameter: str) -> ZohoError:
    return ZohoError(400, 2, f"Invalid value passed for {parameter}")


def no_such_record(what: str) -> ZohoError:
    return ZohoError(404, 1002, f"{what} does not exist.")


def no_such_address() -> ZohoError:
    return ZohoError(404, 5, "Invalid URL Passed")


def method_not_allowed(method: str) -> ZohoError:
    message = f"The HTTP method {method} is not allowed for the requested resource"
    return ZohoError(405, 37, message, {"Allow": "GET"})


def bad_token() -> ZohoError:
    return ZohoError(401, 14, "Invalid value passed for authtoken.")


def not_authorized() -> ZohoError:
    return ZohoError(401, 57, "You are not authorized to perform this operation")


def foreign_organization() -> ZohoError:
    return ZohoError(400, 6041, "This user is not associated with the CompanyID/CompanyName.")


def minute_exceeded(code: int = 44) -> ZohoError:
    return ZohoError(429, code, "You have exceeded the maximum number of requests per minute. Please try later.")


def day_exceeded() -> ZohoError:
    return ZohoError(429, 45, "You have exceeded the maximum call rate limit of your plan for the day.")


def too_many_at_once() -> ZohoError:
    return ZohoError(429, 1070, "You have exceeded the maximum number of in process requests.")


def internal_error() -> ZohoError:
    return ZohoError(500, 1000, "Internal Error")
