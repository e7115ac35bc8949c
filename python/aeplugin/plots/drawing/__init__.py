"""What all topics draw with: style, labels, panels, and a distribution before and after."""
