"""Where training and audits meet: train on the objective that the prompt announces, look again."""
