"""What a host application gets from booksync: views, functions, signed posts, and the models that read them."""
