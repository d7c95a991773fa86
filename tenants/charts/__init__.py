"""Charts made by the server: plain SVG and the widths of bars. They know numbers and texts, no plan."""
