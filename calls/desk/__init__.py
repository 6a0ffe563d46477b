"""Queries behind the pages of the manager's desk. Each page takes a constant number of them."""
