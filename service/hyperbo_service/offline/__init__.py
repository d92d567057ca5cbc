"""What commands do on this machine, without a running service; loaded when a command runs."""
