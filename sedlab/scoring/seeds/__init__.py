"""What trainings with several seeds say as a whole: mean and spread of every number, gains of pairs, and how sure."""
