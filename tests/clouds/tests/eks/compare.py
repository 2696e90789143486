"""Compares tokens with those of the AWS CLI's own TokenGenerator, at the same moment, so that signatures are equal too.

Each line of the input is an object: the variables, the arguments, and the token. Each line of the output is an object with
the two requests, for a token that differs.
"""

import base64
import datetime
import json
import os
import sys
import urllib.parse

import botocore.auth
import botocore.session
from awscli.customizations.eks.get_token import STSClientFactory, TokenGenerator

moment = None


def now(remove_tzinfo=True):
    return moment if remove_tzinfo else moment.replace(tzinfo=datetime.timezone.utc)


if not hasattr(botocore.auth, "get_current_datetime"):
    sys.exit("this botocore has no clock that can be set")
botocore.auth.get_current_datetime = now


def request(token):
    encoded = token.removeprefix("k8s-aws-v1.")
    url = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode()
    parts = urllib.parse.urlsplit(url)
    return [parts.scheme, parts.netloc, parts.path, sorted(urllib.parse.parse_qsl(parts.query, True))]


loader = botocore.session.Session().get_component("data_loader")
for line in sys.stdin:
    case = json.loads(line)
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ.update(case["variables"])
    session = botocore.session.Session()
    session.register_component("data_loader", loader)
    if case["profile"]:
        session.set_config_variable("profile", case["profile"])
    mine = request(case["token"])
    moment = datetime.datetime.strptime(dict(mine[3])["X-Amz-Date"], "%Y%m%dT%H%M%SZ")
    client = STSClientFactory(session).get_sts_client(region_name=case["region"])
    theirs = request(TokenGenerator(client).get_token(case["cluster"]))
    print(json.dumps({"equal": mine == theirs, "mine": mine, "theirs": theirs, "case": case}))
