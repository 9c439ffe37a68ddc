"""What hears and shows: connections, audio sources, the terminal. Guesses no words."""
