"""Unit tests of workers/services/."""
