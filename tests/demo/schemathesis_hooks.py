"""Reads YAML as text, as in the description: a body has several documents."""

import schemathesis
from schemathesis.core.media_types import YAML_MEDIA_TYPES


# For all media types, since otherwise the library's own deserializer of one takes precedence.
@schemathesis.deserializer(*YAML_MEDIA_TYPES)
def yaml_as_text(_context, response):
    return response.content.decode()
