"""Handing over: why a reminder that is due stays here all the same (the SQL function `due_reminders`)."""

from enum import StrEnum


class HoldReason(StrEnum):
    """Why a due reminder is not handed over. It counts under the first that applies, in this order."""

    INVOICE_CLOSED = "invoice_closed"  #: paid, void or deleted since it was planned
    CUSTOMER_INACTIVE = "customer_inactive"  #: inactive or deleted
    PHONE_CHANGED = "phone_changed"  #: lost, invalid, or another one
    PAYMENT_EXPECTED = "payment_expected"  #: at a date that has not passed
    ZOHO_REMINDERS_OFF = "zoho_reminders_off"
    WINDOW_CLOSED = "window_closed"  #: the next run plans it anew
    PLAN_OUTDATED = "plan_outdated"  #: the policy has changed, or an earlier step was missed: the next run plans anew
    SWITCH_UNKNOWN = "switch_unknown"  #: whether Zoho's own switch is on: a run asks, a day ahead
    CACHE_STALE = "cache_stale"  #: the last good invoice sync is older than the policy allows
    CONTACTED_TODAY = "contacted_today"  #: the number has had as many contacts as the policy allows a day

    @property
    def sentence(self) -> str:
        """The reason for people."""
        return _SENTENCES[self]


_SENTENCES = {
    HoldReason.INVOICE_CLOSED: "Nobody owes anything on the invoice any more.",
    HoldReason.CUSTOMER_INACTIVE: "The customer is no longer active in Zoho.",
    HoldReason.PHONE_CHANGED: "The customer's phone number has changed.",
    HoldReason.PAYMENT_EXPECTED: "The payment is expected at a date that has not passed.",
    HoldReason.ZOHO_REMINDERS_OFF: "Payment reminders are switched off for the customer in Zoho.",
    HoldReason.WINDOW_CLOSED: "Its calling window has closed; the next run plans it anew.",
    HoldReason.PLAN_OUTDATED: "Its plan is out of date; the next run makes it anew.",
    HoldReason.SWITCH_UNKNOWN: "Whether Zoho's own reminders are on for the customer is not known yet; a run will ask.",
    HoldReason.CACHE_STALE: "The invoices were synced too long ago to know who has paid.",
    HoldReason.CONTACTED_TODAY: "The phone number has been contacted today already.",
}
