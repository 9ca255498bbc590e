"""The rules of booksync, pure: no I/O, no clock, no settings; the present is an argument."""
