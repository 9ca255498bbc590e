"""Call outcomes: the possible results of a reminder call, as the SQL function `report_outcome` accepts them."""

from enum import StrEnum


class CallOutcome(StrEnum):
    """The result of a reminder call, reported by the application that made it."""

    REACHED = "reached"
    NO_ANSWER = "no_answer"
    PROMISED = "promised"  #: promised: holds the customer's reminders until the promised day
    DISPUTED = "disputed"  #: holds the invoice
    WRONG_NUMBER = "wrong_number"  #: wrong number: the number is not called until its text changes in Zoho
    DO_NOT_CALL = "do_not_call"  #: do not call: the number goes on the user's do-not-call list
