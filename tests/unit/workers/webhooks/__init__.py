"""Unit tests of workers/webhooks/."""
