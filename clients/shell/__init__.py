"""What the shell meets: settings, completions, the manual, and the doctor. Starts no engine."""
