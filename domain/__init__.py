"""The pure rules of booksync. This package has no I/O, no clock and no settings; the present time is an argument."""
