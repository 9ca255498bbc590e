"""Handover: the reasons to hold back a due reminder, as in the SQL functions `reminder_checks` and `due_reminders`."""

from enum import StrEnum

from domain.reminders.permission import SkipReason


class HoldReason(StrEnum):
    """Why a due reminder is not handed over. The first reason in this order that applies is used."""

    INVOICE_CLOSED = "invoice_closed"  #: the invoice was paid, voided or deleted since the reminder was planned
    GONE = "gone"  #: Zoho returned 404 for the invoice or its customer
    CUSTOMER_INACTIVE = "customer_inactive"  #: the customer is inactive or deleted
    PHONE_CHANGED = "phone_changed"  #: the phone number was removed, is invalid, or was replaced
    NOT_CALLABLE = "not_callable"
    NUMBER_SHARED = "number_shared"  #: another customer may have got the number since the plan
    WRONG_NUMBER = "wrong_number"
    DO_NOT_CALL = "do_not_call"
    ZOHO_REMINDERS_OFF = "zoho_reminders_off"
    INVOICE_REMINDERS_OFF = "invoice_reminders_off"
    DISPUTED = "disputed"
    SUB_STATUS = "sub_status"
    PAYMENT_UNDER_WAY = "payment_under_way"
    COVERED_BY_CREDIT = "covered_by_credit"
    BELOW_MINIMUM = "below_minimum"
    NO_DUE_DATE = "no_due_date"
    TOO_OLD = "too_old"
    PROMISED = "promised"
    PAYMENT_EXPECTED = "payment_expected"  #: the customer has promised to pay by a date that has not passed
    HANDOVER_CLOSED = "handover_closed"  #: no person has opened the connection for handovers
    TIME_ZONE_UNKNOWN = "time_zone_unknown"  #: the time zones of the number are unknown, or were not determined yet
    OUTSIDE_HOURS = "outside_hours"  #: the calling window is closed on some clock of the number
    WINDOW_CLOSED = "window_closed"  #: the planned calling window is over; the next run plans the reminder again
    PLAN_OUTDATED = "plan_outdated"  #: the policy changed, or an earlier step was missed: the next run plans again
    #: The details of the invoice's or the customer's present version were not requested yet. A run requests them.
    SWITCH_UNKNOWN = "switch_unknown"
    CACHE_STALE = "cache_stale"  #: the last successful invoice sync is older than the policy allows
    CONTACTED_TODAY = "contacted_today"  #: the number has had the policy's maximum of handovers for this day
    CONTACTED_THIS_WEEK = "contacted_this_week"  #: the number has had the policy's maximum of handovers in seven days

    @property
    def sentence(self) -> str:
        """The reason as a sentence for people."""
        return _SENTENCES[self] if self in _SENTENCES else SkipReason(self).sentence


#: Sentences only for the reasons that a plan does not have.
_SENTENCES = {
    HoldReason.INVOICE_CLOSED: "Nothing is owed on the invoice any more.",
    HoldReason.CUSTOMER_INACTIVE: "The customer is not active in Zoho.",
    HoldReason.PHONE_CHANGED: "The customer's phone number has changed.",
    HoldReason.PAYMENT_EXPECTED: "The payment is expected at a date that has not passed.",
    HoldReason.HANDOVER_CLOSED: "The connection is closed for handovers.",
    HoldReason.OUTSIDE_HOURS: "It is outside the calling window on a clock by which the number may ring.",
    HoldReason.WINDOW_CLOSED: "Its calling window has closed; the next run plans it again.",
    HoldReason.PLAN_OUTDATED: "Its plan is out of date; the next run makes it again.",
    HoldReason.SWITCH_UNKNOWN: "The details that may forbid it have not been read yet; a run will ask for them.",
    HoldReason.CACHE_STALE: "The invoices were synced too long ago to know who has paid.",
    HoldReason.CONTACTED_TODAY: "The phone number had as many handovers today as the policy allows.",
    HoldReason.CONTACTED_THIS_WEEK: "The phone number had as many handovers this week as the policy allows.",
}
