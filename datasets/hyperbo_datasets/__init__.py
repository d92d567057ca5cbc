"""Multi-task tuning tables: their schema, their store, their loaders, and the bridge to tasks."""
