"""Programs for those who work on coldframe: checks, structure rules, and the training of the recogniser."""
