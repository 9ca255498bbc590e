"""Properties of pure code over random cases and whole tables: all regions, all keys of the budget, all calendars.

They use no server, like the unit tests, but take seconds each instead of milliseconds.
"""
