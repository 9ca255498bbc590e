"""Redis as a server: its addresses, the meanings of its errors, and its state."""

from workers.redis_access.client import new_redis_client
from workers.redis_access.refusals import Refusal, RefusalKind, refusal_of

__all__ = ["Refusal", "RefusalKind", "new_redis_client", "refusal_of"]
