"""The loop that all trainings share: steps, ranks, optimisers, averaged weights, state and log."""
