"""Secrets at rest: the vault, its keys, and the tokens of a grant."""
