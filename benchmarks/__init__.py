"""Benchmarks: one command each, which prints a table (results in README.md)."""
