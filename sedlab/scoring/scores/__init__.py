"""Score files and tables, prediction, ensembles."""
