"""Training on syntheses made once in advance: fine-tuning and self-distillation."""
