"""How fast it is: `python -m bench`. See README.md for the method."""
