"""FOCUS out: bills, vouchers and billing periods as tables of the FinOps specification."""
