"""Commands that measure the service, or try to break it, and print what they found."""
