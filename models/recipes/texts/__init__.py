"""What learns from text: the tagger, the span writer, language models, spelling to sound."""
