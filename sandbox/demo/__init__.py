"""The demo: booksync and everything that it needs, on one machine with one command."""
