"""The numeric tier: values with error bounds."""
