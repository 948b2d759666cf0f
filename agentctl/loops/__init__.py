"""The reconciler's process: watch what is applied, look at the engines, plan, carry out, report."""
