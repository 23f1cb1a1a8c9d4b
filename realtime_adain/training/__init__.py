"""Training: a lean student end to end or its style encoder alone, the paper's decoder, and one
style's statistics refined."""
