"""What is asked before value moves: versioned rules, their results, and alerts."""
