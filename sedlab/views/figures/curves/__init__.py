"""PSD-ROC and ROC curves with bands and operating points: what to draw, as a picture and as traces to point at."""
