"""What each network hears of a sound, before and after an augmentation, with what was drawn; arrays and words."""
