"""Use cases. Each one orders decisions of `domain` and statements of `db`, and returns a typed result."""
