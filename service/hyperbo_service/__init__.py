"""The HyperBO tuning service: its command line, and in time its server and client."""
