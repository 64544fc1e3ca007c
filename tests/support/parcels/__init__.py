"""A project that uses much of what a template can say, for checks of whole projects. Nothing of it is ever run."""
