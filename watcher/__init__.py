"""The watcher: one process per resource kind that lists, watches, normalizes, keeps and publishes. It decides nothing about owners."""
