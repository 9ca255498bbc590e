"""The values of options that name a data centre of Zoho or its servers."""

import typer

from workers.zoho.data_centers import (
    DATA_CENTER_ALIASES,
    DATA_CENTERS,
    OF_DATA_CENTER,
    ZohoUrls,
    data_center_named,
    operators_origin,
)
from workers.zoho.errors import UnknownDataCenter, UnsafeOrigin


def data_center_of(given: str, urls: ZohoUrls = OF_DATA_CENTER) -> str:
    """Convert the value of the option `--dc` to the name of a data centre."""
    try:
        return data_center_named(given, urls)
    except UnknownDataCenter:
        known = ", ".join((*DATA_CENTERS, *DATA_CENTER_ALIASES))
        raise typer.BadParameter(f"not a data centre of Zoho; known: {known}", param_hint="--dc") from None


def origin_of(given: str | None, option: str) -> str | None:
    """Convert the address of a Zoho server to its origin; None if the option is omitted."""
    try:
        return None if given is None else operators_origin(given)
    except UnsafeOrigin as error:
        raise typer.BadParameter(str(error), param_hint=option) from None
