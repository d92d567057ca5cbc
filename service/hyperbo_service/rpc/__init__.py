"""The wire: generated messages, the table of methods, and the conversions to and from them."""
