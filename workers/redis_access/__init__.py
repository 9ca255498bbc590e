"""Redis as a server: its addresses, what its errors mean, and the state that it is in."""

from workers.redis_access.client import new_redis_client
from workers.redis_access.refusals import Refusal, RefusalKind, refusal_of

__all__ = ["Refusal", "RefusalKind", "new_redis_client", "refusal_of"]
