"""What happens to scores before they are scored or become events: nothing, a median filter, event boxes."""

from sedlab.scoring.postprocess.choice import Postprocess

__all__ = ["Postprocess"]
