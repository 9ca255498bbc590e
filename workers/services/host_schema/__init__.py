"""The schema for host applications, as text for an ORM or a tool that reads SQL."""

from workers.services.host_schema.notation import HostSchema, Notation
from workers.services.host_schema.schema import schema_text

__all__ = ["HostSchema", "Notation", "schema_text"]
