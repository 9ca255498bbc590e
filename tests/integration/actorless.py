"""A worker without actors and servers: `dramatiq tests.integration.actorless`."""

import dramatiq
from dramatiq.brokers.stub import StubBroker

from workers.jobs.middleware import OwnProcessGroup

dramatiq.set_broker(StubBroker(middleware=[OwnProcessGroup()]))
