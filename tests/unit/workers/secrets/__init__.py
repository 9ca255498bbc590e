"""Unit tests of workers/secrets/."""
