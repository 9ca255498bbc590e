"""A simulator of Zoho Books v3: its lists, details, limits, OAuth and failures, over HTTP."""
