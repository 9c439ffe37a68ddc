"""A room in a terminal."""
