"""Half a minute on a GPU that tells whether it does what the product relies on, a line a check."""
