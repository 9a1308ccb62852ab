"""What flows between the stages, as lines, while it flows."""
