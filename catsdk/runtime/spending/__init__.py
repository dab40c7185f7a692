"""What calls cost, and the budgets that pay for them."""
