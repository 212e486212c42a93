"""What records say: tables in, the finished audit out. Calls no model and keeps no run."""
