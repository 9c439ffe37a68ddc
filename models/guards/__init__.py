"""Why not to believe what a model wrote down, of speech or of a text."""
