"""CTC decoding: greedy, beam search with n-gram language models, metrics."""
