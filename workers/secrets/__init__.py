"""Secrets at rest: the vault that encrypts them, its keys, and the tokens of a grant."""
