"""What all models share: the declarative base, the names of constraints, and the recurring columns.

The tables are in the schema `booksync`, except the four that booksync shares with its host application (`SHARED`).
"""

import datetime as dt
import uuid
from typing import Annotated, Any

from sqlalchemy import DateTime, MetaData, Text, Uuid, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, mapped_column
from sqlalchemy.sql.schema import BLANK_SCHEMA

Moment = Annotated[dt.datetime, mapped_column(DateTime(timezone=True))]
CreatedAt = Annotated[dt.datetime, mapped_column(DateTime(timezone=True), server_default=func.now())]
Id = Annotated[uuid.UUID, mapped_column(Uuid, primary_key=True, server_default=text("gen_random_uuid()"))]


#: Table options of a table that stays in the host's schema.
SHARED = {"schema": BLANK_SCHEMA}


class Base(DeclarativeBase):
    """The root of the models. Constraints are named by one pattern, so that migrations can refer to them."""

    metadata = MetaData(
        schema="booksync",
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        },
    )
    type_annotation_map = {  # noqa: RUF012  (SQLAlchemy reads it from the class)
        str: Text,
        dict[str, Any]: JSONB,
        list[dict[str, Any]]: JSONB,
    }
