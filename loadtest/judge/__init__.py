"""How good captions are: errors, quality, lag and rewriting, beside the offline result."""
