"""What language models are given to continue."""
