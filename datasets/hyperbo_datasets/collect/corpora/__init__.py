"""Corpora: what workloads learn from, one loader a layout."""

from hyperbo_datasets.collect.corpora.catalogue import Entry, download, entries, load
from hyperbo_datasets.collect.corpora.places import corpora_folder
from hyperbo_datasets.collect.corpora.splits import (
    Split,
    Windows,
    split_images,
    split_rows,
    split_sequences,
    split_text,
    window_sequences,
)
from hyperbo_datasets.collect.corpora.text import LOWER, PRINTABLE, Alphabet, encode
from hyperbo_datasets.collect.corpora.values import (
    OTHER,
    Corpus,
    Images,
    Rows,
    Sequences,
    Text,
    digest,
)

__all__ = [
    "LOWER",
    "OTHER",
    "PRINTABLE",
    "Alphabet",
    "Corpus",
    "Entry",
    "Images",
    "Rows",
    "Sequences",
    "Split",
    "Text",
    "Windows",
    "corpora_folder",
    "digest",
    "download",
    "encode",
    "entries",
    "load",
    "split_images",
    "split_rows",
    "split_sequences",
    "split_text",
    "window_sequences",
]
