"""Outcomes: the possible results of a call, as accepted by `report_outcome` in SQL."""

from enum import StrEnum


class CallOutcome(StrEnum):
    """The result of a call."""

    REACHED = "reached"
    NO_ANSWER = "no_answer"
    PROMISED = "promised"  #: until a day: holds the customer's reminders
    DISPUTED = "disputed"  #: holds the invoice
    WRONG_NUMBER = "wrong_number"  #: the number is not called until its text changes in Zoho
    DO_NOT_CALL = "do_not_call"  #: the number goes on the user's do-not-call list
