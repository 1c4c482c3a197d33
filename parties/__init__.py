"""Who acts: people, organisations, and who may do what where until when."""
