"""Unit tests of workers/observability/."""
