"""Training: the paper's recipe, and a student trained end to end."""
