"""Transcribes recordings with pocketsphinx and its own model, one line each: the peer of the benchmarks."""

import re
import sys

import numpy as np
from pocketsphinx import Decoder

from asr_app.audio.file import read_audio

decoder = Decoder(loglevel="FATAL")
for path in sys.argv[1:]:
    samples = np.clip(np.rint(read_audio(path, 16000) * 32767), -32768, 32767).astype(np.int16)
    decoder.start_utt()
    decoder.process_raw(samples.tobytes(), full_utt=True)
    decoder.end_utt()
    hypothesis = decoder.hyp()
    sys.stdout.write(re.sub(r"\(\d+\)", "", hypothesis.hypstr if hypothesis else "") + "\n")
