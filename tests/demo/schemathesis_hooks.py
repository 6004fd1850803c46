"""Reads YAML as the description has it: as text, since the entities are several documents."""

import schemathesis
from schemathesis.core.media_types import YAML_MEDIA_TYPES


# For all of them, or the library's own deserializer of one goes first.
@schemathesis.deserializer(*YAML_MEDIA_TYPES)
def yaml_as_text(_context, response):
    return response.content.decode()
