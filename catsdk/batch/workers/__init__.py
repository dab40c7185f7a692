"""Many workers of one job: budget, limits and answers are held in one place for all of them."""
