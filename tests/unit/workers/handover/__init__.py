"""Unit tests of workers/handover/."""
