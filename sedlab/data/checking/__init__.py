"""What is there of the corpora under a root, and what is wrong with it."""

from sedlab.data.checking.check import CHECK_VERSION as CHECK_VERSION
from sedlab.data.checking.check import Check as Check
from sedlab.data.checking.check import check_corpus as check_corpus
from sedlab.data.checking.findings import Finding as Finding
