"""What is kept of what was said: the journal of a session, and the history."""
