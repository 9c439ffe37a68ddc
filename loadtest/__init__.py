"""Conversations with known words, and how well a server did on them."""
