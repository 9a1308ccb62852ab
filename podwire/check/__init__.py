"""`podwire check`: finds what would keep a pipeline from working, before it starts or while it runs, and says what to do about it."""
