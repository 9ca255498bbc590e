"""Unit tests of the API budget."""
