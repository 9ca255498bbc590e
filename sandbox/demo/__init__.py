"""The demo: everything that booksync needs, and booksync itself, on one machine with one command."""
