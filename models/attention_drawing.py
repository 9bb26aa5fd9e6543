"""Attention as a picture: for every written symbol, how much of the decoder's attention each symbol read has."""

from collections.abc import Sequence
from xml.sax.saxutils import escape

from torch import Tensor

_CELL, _MARGIN = 16, 90


def draw_attention(weights: Tensor, read: Sequence[str], written: Sequence[str]) -> str:
    """Weights (T, L) as an SVG document: a row for each written symbol, a column for each one read, darker is more.

    Raises ValueError where the labels are not T and L.
    """
    if weights.shape != (len(written), len(read)):
        raise ValueError(f"{len(written)} rows and {len(read)} columns of labels for weights {tuple(weights.shape)}")
    width, height = _MARGIN + _CELL * len(read), _MARGIN + _CELL * len(written)
    cells = [
        f'<rect x="{_MARGIN + _CELL * column}" y="{_MARGIN + _CELL * row}" width="{_CELL}" height="{_CELL}" '
        f'fill-opacity="{share:.3f}"/>'
        for row, shares in enumerate(weights.tolist())
        for column, share in enumerate(shares)
    ]
    rows = [
        f'<text x="{_MARGIN - 4}" y="{_MARGIN + _CELL * row + 12}" text-anchor="end">{escape(label)}</text>'
        for row, label in enumerate(written)
    ]
    columns = [
        f'<text transform="translate({_MARGIN + _CELL * column + 12},{_MARGIN - 4}) rotate(-90)">{escape(label)}</text>'
        for column, label in enumerate(read)
    ]
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-size="11">'
    return "\n".join([head, *cells, *rows, *columns, "</svg>", ""])
