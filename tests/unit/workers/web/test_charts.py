"""The charts of a connection: their places and sizes, and what they say in words."""

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from db.connection_views import Hour, WebhookHour
from workers.web.console.charts import DAYS, HEIGHT, HOURS, WIDTH, charts_of, webhook_charts

NOW = dt.datetime(2026, 11, 28, 11, 40, tzinfo=dt.UTC)


def an_hour(ago: int, *, calls: int = 0, rows: int = 0, is_successful: bool = True) -> Hour:
    """The hour that began `ago` whole hours before the present one."""
    begins_at = NOW.replace(minute=0) - dt.timedelta(hours=ago)
    return Hour(begins_at, calls, rows, begins_at + dt.timedelta(minutes=10) if is_successful else None)


def test_without_a_run_nothing_is_drawn() -> None:
    assert charts_of([], now=NOW, day_limit=None) == []


def test_calls_are_summed_by_hour_and_by_day() -> None:
    by_hour, by_day, rows, _ = charts_of([an_hour(13, calls=5), an_hour(1, calls=30, rows=7)], now=NOW, day_limit=1000)
    assert [bar.value for bar in by_hour.bars if not bar.value.startswith("0 ")] == ["5 calls", "30 calls"]
    assert [bar.value for bar in by_day.bars][-2:] == ["5 calls", "30 calls"]
    assert by_day.sentence == "At most 30 calls (28 Nov UTC). The organisation's limit is 1,000 a day."
    assert (by_hour.first, by_hour.last, len(by_hour.bars)) == ("12:00", "11:00", HOURS)
    assert rows.sentence == "At most 7 rows (28 Nov UTC)."


def test_the_age_grows_until_the_next_successful_run() -> None:
    *_, age = charts_of([an_hour(3), an_hour(1, is_successful=False), an_hour(0)], now=NOW, day_limit=None)
    assert [bar.value for bar in age.bars] == ["50 minutes", "110 minutes", "170 minutes", "30 minutes"]


def test_webhooks_of_the_last_day_are_drawn_by_hour() -> None:
    assert webhook_charts([], now=NOW) == []
    hours = [WebhookHour(NOW.replace(minute=0) - dt.timedelta(hours=ago), ago, 23 - ago) for ago in (23, 1)]
    accepted, refused = webhook_charts(hours, now=NOW)
    assert [bar.value for bar in accepted.bars if bar.height] == ["23 events", "1 event"]
    assert [(bar.label, bar.value) for bar in refused.bars if bar.height] == [("10:00", "22 webhooks")]
    assert (accepted.is_bad, refused.is_bad, len(refused.bars)) == (False, True, HOURS)


@given(
    st.lists(
        st.tuples(st.integers(0, DAYS * 24 - 1), st.integers(0, 10**9), st.integers(0, 10**9), st.booleans()),
        min_size=1,
        unique_by=lambda hour: hour[0],
    )
)
def test_every_bar_is_inside_the_chart(given_hours: list[tuple[int, int, int, bool]]) -> None:
    hours = [an_hour(ago, calls=calls, rows=rows, is_successful=ok) for ago, calls, rows, ok in given_hours]
    for chart in charts_of(sorted(hours, key=lambda hour: hour.begins_at), now=NOW, day_limit=None):
        for bar in chart.bars:
            assert 0 <= bar.x < bar.x + bar.width <= WIDTH
            assert 0 <= bar.y <= HEIGHT
            assert abs(bar.y + bar.height - HEIGHT) < 0.11
