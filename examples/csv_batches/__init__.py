"""A file of sales that is counted in batches, by workers that may die at any moment: see README.md beside this file."""
