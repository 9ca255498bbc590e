"""What a process has: settings, resources, servers and the schema it works with."""
