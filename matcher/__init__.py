"""The matcher: joins pods with their owners, keeps what the reducer has yet to hear, and says it once per epoch."""
