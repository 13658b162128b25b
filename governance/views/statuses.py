"""The status with which a page answers a refusal, by the kind of the error."""

STATUS_OF_KIND = {"invalid": 422, "forbidden": 403, "missing": 404, "conflict": 409, "unavailable": 503}
