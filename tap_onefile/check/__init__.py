"""How this OneFile answers what nobody outside OneFile knows: asked, compared with what is assumed, and reported."""
