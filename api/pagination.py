"""One form for every list: ``?page=`` and ``?page_size=``, answered with count, next, previous and results."""

from rest_framework.pagination import PageNumberPagination


class Pages(PageNumberPagination):
    """Pages of 50, of up to 200 on request; a page that does not exist is not found."""

    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 200
