"""One sync by dlt, run by the Python of an environment that has dlt and nothing of booksync's.

Standard input is a JSON object with the fields of `benchmarks.peers_dlt.Order`. The last line of standard output is a
JSON object: `seconds` and `cpu_seconds` of the sync without the start of the interpreter, and the number of loaded
`rows`.
"""

import json
import resource
import sys
import time
from typing import Any

import dlt  # type: ignore[import-not-found]  # Only the other environment has it.
from dlt.sources.helpers import requests  # type: ignore[import-not-found]
from dlt.sources.rest_api import rest_api_source  # type: ignore[import-not-found]

_PER_PAGE = 200


def main() -> None:
    order = json.load(sys.stdin)
    pipeline = dlt.pipeline(
        "zoho",
        destination=dlt.destinations.postgres(order["database_url"]),
        dataset_name="zoho",
        pipelines_dir=order["state_folder"],
    )
    began, cpu_before = time.monotonic(), _cpu_seconds()
    pipeline.run(_source(order))
    seconds, cpu_seconds = time.monotonic() - began, _cpu_seconds() - cpu_before
    pipeline.last_trace.last_load_info.raise_on_failed_jobs()
    counts = pipeline.last_trace.last_normalize_info.row_counts
    rows = sum(count for name, count in counts.items() if not name.startswith("_dlt"))
    print(json.dumps({"seconds": seconds, "cpu_seconds": cpu_seconds, "rows": rows}))


def _source(order: dict[str, Any]) -> Any:
    # The list of persons has neither times nor filters, so each sync reads it completely.
    return rest_api_source(
        {
            "client": {
                "base_url": f"{order['zoho_url']}/books/v3/",
                "headers": {"Authorization": f"Zoho-oauthtoken {_access_token(order)}"},
                "paginator": {
                    "type": "page_number",
                    "base_page": 1,
                    "total_path": None,
                    "has_more_path": "page_context.has_more_page",
                },
            },
            "resource_defaults": {"write_disposition": "merge"},
            "resources": [
                _changing("contacts", "contact_id", order),
                {
                    "name": "contact_persons",
                    "primary_key": "contact_person_id",
                    "endpoint": {
                        "path": "contacts/contactpersons",
                        "data_selector": "contact_persons",
                        "params": {"organization_id": order["organization_id"], "per_page": _PER_PAGE},
                    },
                },
                _changing("invoices", "invoice_id", order),
            ],
        }
    )


def _changing(name: str, primary_key: str, order: dict[str, Any]) -> dict[str, Any]:
    """A list that is read from the last modified time of the sync before."""
    return {
        "name": name,
        "primary_key": primary_key,
        "endpoint": {
            "path": name,
            "data_selector": name,
            "params": {
                "organization_id": order["organization_id"],
                "per_page": _PER_PAGE,
                "filter_by": "Status.All",
                "sort_column": "last_modified_time",
                "sort_order": "A",
            },
            "incremental": {
                "start_param": "last_modified_time",
                "cursor_path": "last_modified_time",
                "initial_value": "2000-01-01T00:00:00+0000",
            },
        },
    }


def _access_token(order: dict[str, Any]) -> str:
    form = {
        "grant_type": "refresh_token",
        "refresh_token": order["refresh_token"],
        "client_id": "sandbox-client",
        "client_secret": "sandbox-secret",
    }
    return str(requests.post(f"{order['zoho_url']}/oauth/v2/token", data=form).json()["access_token"])


def _cpu_seconds() -> float:
    """The processor time of this process and of its children that have ended."""
    uses = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(use.ru_utime + use.ru_stime for use in uses)


if __name__ == "__main__":
    main()
