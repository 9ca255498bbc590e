"""The console: an operator's and an accountant's pages, who may open them, and their common frame."""
