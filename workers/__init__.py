"""Everything that runs: actors, Zoho client, API budget, web, scheduler, command line."""
