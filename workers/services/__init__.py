"""Use cases. Each one combines decisions of `domain` with statements of `db`, and returns a typed result."""
