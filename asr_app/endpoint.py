"""Where a segment of speech ends, by what the decoder heard: rules on trailing silence and on length."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EndpointRules:
    """Seconds; after sherpa-onnx's rules, with shorter pauses, since a segment is a line of text.

    trailing_silence_s: silence after a word that ends a segment.
    long_segment_s, long_trailing_silence_s: in a segment this long, this much silence is enough.
    longest_segment_s, shortest_silence_s: in a segment this long, any gap between two labels is.
    limit_s: a segment this long ends where it is, lest noise without a gap should fill the memory.
    """

    trailing_silence_s: float = 1.0
    long_segment_s: float = 12.0
    long_trailing_silence_s: float = 0.4
    longest_segment_s: float = 25.0
    shortest_silence_s: float = 0.08
    limit_s: float = 60.0

    def is_endpoint(self, length_s: float, silence_s: float) -> bool:
        """Whether a segment whose first word began length_s ago is over after silence_s without a label."""
        if length_s >= self.limit_s:
            return True
        if length_s >= self.longest_segment_s:
            return silence_s >= self.shortest_silence_s
        if length_s >= self.long_segment_s:
            return silence_s >= self.long_trailing_silence_s
        return silence_s >= self.trailing_silence_s
