"""Live sessions: a stream that is heard as it comes, and the two passes over it."""
