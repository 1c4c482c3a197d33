"""People are told what was done: letters in their own language, an inbox, e-mail."""
