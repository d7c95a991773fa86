"""American dates with whole months: "December 31, 2026" instead of "Dec. 31, 2026"."""

DATE_FORMAT = "F j, Y"
DATETIME_FORMAT = "F j, Y, P"
