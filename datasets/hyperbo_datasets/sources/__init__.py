"""One loader a file for each public layout of tuning results."""
