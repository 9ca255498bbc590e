"""Unit tests of workers/queue/."""
