"""What watchers published, out of a recording (`watcher.record`): as lines, and played to a matcher."""
