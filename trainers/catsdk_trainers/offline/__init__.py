"""Training on syntheses that were made once: fine-tuning on them, and self-distillation."""
