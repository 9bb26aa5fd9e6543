"""Inverse text normalisation of English by rules: spoken words to numbers, dates, times, money, addresses."""
