"""The pure rules of booksync: no I/O, no clock, no settings; the present time is an argument."""
