"""Redis as a server: its addresses, what its errors mean, and the state that it is in."""

from workers.redis_access.refusals import Refusal, RefusalKind, refusal_of

__all__ = ["Refusal", "RefusalKind", "refusal_of"]
