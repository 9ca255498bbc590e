"""The sentences for errors with which a command may end."""

import redis
from dramatiq.errors import BrokerConnectionError

from db.failures import DatabaseError, FailureKind, failure_of
from db.migrations.errors import MigrationError
from db.migrations.revisions import MissingRevisionsError
from domain.errors import BooksyncError
from workers.boot.servers import RedisRefusesError
from workers.boot.settings import database_url, settings
from workers.budget import BudgetUnavailable
from workers.redis_access import refusal_of
from workers.redis_access.addresses import redis_address


def sentence_of(error: Exception) -> str | None:
    """Return a sentence that says what is wrong, and the next step; None for an unexpected error, which is a defect."""
    if isinstance(error, DatabaseError):
        failure = failure_of(error)
        return None if failure.kind is FailureKind.DEFECT else failure.sentence(database_url())
    match error:
        case BrokerConnectionError():
            return "Redis refuses the message. Next: booksync status shows why; then run the command again."
        case RedisRefusesError():
            return error.refusal.at(redis_address(settings().redis_url.get_secret_value()))
        case redis.RedisError() | BudgetUnavailable():
            return refusal_of(error).at(redis_address(settings().redis_url.get_secret_value()))
        case BooksyncError() | MigrationError() | MissingRevisionsError():
            return str(error)
    return None
