"""Training: conversations become tokens with a loss mask, tokens become packs, packs become a model."""
