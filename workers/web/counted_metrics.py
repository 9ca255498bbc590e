"""The counters and histograms of `/metrics`, which all processes count in Redis."""

from collections.abc import Iterator

import redis
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric

from workers.observability.counters import KEY, LABELS, Family, totals
from workers.observability.histograms import CALLS, HANDOVERS, HISTOGRAMS, STEPS, WEBHOOKS, Histogram, durations


def counted_metrics(client: redis.Redis) -> Iterator[Metric]:
    """Yield the counters and histograms of all processes since Redis was last empty.

    Raises:
        RedisError: Redis is away.
    """
    counted = totals(client)

    def of(family: Family, name: str, help_text: str, *, parts: int = 1) -> CounterMetricFamily:
        counter = CounterMetricFamily(f"booksync_{name}", help_text, labels=LABELS[family])
        for labels, total in sorted(counted[family].items()):
            counter.add_metric(labels, total / parts)
        return counter

    yield of(Family.STEPS, "steps", "Attempts of workers at run steps, by the step's phase and the outcome.")
    yield of(Family.REFRESHES, "refreshes", "Attempts of workers to refresh records named by webhooks, by the outcome.")
    yield of(Family.API_CALLS, "api_calls", "Calls made to Zoho's API, by the response's HTTP status.")
    yield of(Family.BUDGET_WAITS, "budget_waits", "Waits of calls for the API budget, by the reason.")
    yield of(
        Family.BUDGET_WAIT_MS,
        "budget_wait_seconds",
        "Seconds of these waits: a short wait is slept just before the call, a longer one defers the step or the "
        "refresh. Waits with the reasons tokens and token_endpoint are for an access token.",
        parts=1000,
    )
    yield of(Family.TRUTH_CHECK_RECORDS, "truth_check_records", "Records read by truth checks, by the result.")
    yield of(Family.TRUTH_CHECK_DRIFT, "truth_check_drift", "Records that differed from Zoho in that column.")
    yield of(Family.CONSOLE_PASSWORDS, "console_passwords", "Passwords sent to the console, by the result.")
    yield of(Family.WEBHOOK_REQUESTS, "webhook_requests", "Requests with webhooks, by the status of the response.")
    for histogram in HISTOGRAMS:
        yield _histogram(client, histogram)


_HELP = {
    STEPS: "Seconds that the done run steps took, by their phase.",
    CALLS: "Seconds that requests to Zoho took, by what they read; also those without a response.",
    HANDOVERS: "Seconds that posts of handovers to the receiver took.",
    WEBHOOKS: "Seconds until the response to a webhook, by its status.",
}


def _histogram(client: redis.Redis, histogram: Histogram) -> Metric:
    family = HistogramMetricFamily(f"booksync_{histogram.name}", _HELP[histogram], labels=[histogram.label])
    for each in durations(client, KEY, histogram):
        family.add_metric([each.value], each.buckets, each.seconds)
    return family
