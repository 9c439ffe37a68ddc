"""How likely it is that somebody speaks."""
