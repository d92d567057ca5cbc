"""The commands, one file a group; they load heavy libraries only when they run."""
