"""From recognised words to written text: stages, each of which sees and gives pieces of text tied to their words."""
