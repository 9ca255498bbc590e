"""What each process of booksync needs: settings, resources, servers, and the schema that its code works with."""
