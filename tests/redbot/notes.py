"""Asks redbot about a URL and prints what it notes, one JSON document."""

import json
import sys
from configparser import ConfigParser

import thor
from redbot.resource import HttpResource

parser = ConfigParser()
parser.read_dict({"redbot": {"enable_local_access": "True"}})
resource = HttpResource(parser["redbot"])
resource.set_request(sys.argv[1])


@thor.events.on(resource)
def check_done():
    thor.stop()


resource.check()
thor.run()
asked = [resource, *resource.subreqs.values()]
notes = [(note.level.value, type(note).__name__) for one in asked for note in one.response.notes]
print(
    json.dumps(
        {
            "complete": resource.response.complete,
            "status": resource.response.status_code,
            "notes": [{"level": level, "name": name} for level, name in notes],
            "ranges": resource.partial_support,
            "by_tag": resource.inm_support,
            "by_date": resource.ims_support,
            "gzip": resource.gzip_support,
        }
    )
)
