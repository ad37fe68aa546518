"""Which pupil a child named by police is: pure rules over normalised names and dates."""
