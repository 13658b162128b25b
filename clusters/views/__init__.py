"""Pages of the fleet, split by what people do on them."""
