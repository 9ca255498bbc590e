"""Unit tests of workers/boot/."""
