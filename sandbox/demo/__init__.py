"""The demo: booksync and everything that it needs, on one machine, started by one command."""
