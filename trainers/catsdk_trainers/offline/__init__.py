"""Training on syntheses that are made once: fine-tuning and self-distillation."""
