"""What people write with the Python driver for Cassandra. Arguments: protocol version, ca.crt, port, host of every node.

The first part is the program of an article about database clusters: password and TLS. Prints a line per step; after "kill a
node" it waits for a line on stdin, then goes on with the same session.
"""
import logging
import ssl
import sys
from decimal import Decimal
from uuid import uuid4

from cassandra import ConsistencyLevel, InvalidRequest, Unauthorized
from cassandra.auth import PlainTextAuthProvider
from cassandra.cluster import Cluster, NoHostAvailable
from cassandra.query import BatchStatement, BatchType, SimpleStatement

# The driver logs each connection that is lost, which is what happens here.
logging.disable(logging.CRITICAL)

version, ca, port, hosts = int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4:]
ssl_options = {"ca_certs": ca, "cert_reqs": ssl.CERT_REQUIRED, "ssl_version": ssl.PROTOCOL_TLSv1_2}


def cluster_as(user, password):
    provider = PlainTextAuthProvider(username=user, password=password)
    return Cluster(hosts, port=port, auth_provider=provider, ssl_options=ssl_options, protocol_version=version)


def say(text):
    print(text, flush=True)


cluster = cluster_as("cassandra", "cassandra")
session = cluster.connect()
say(f"connected {len(cluster.metadata.all_hosts())}")

try:
    cluster_as("cassandra", "wrong").connect()
    say("a wrong password was accepted")
except NoHostAvailable as error:
    assert "incorrect" in str(error), error
say("wrong password")

session.execute("DROP KEYSPACE IF EXISTS shop")
session.execute("CREATE KEYSPACE shop WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 3}")
session.set_keyspace("shop")
session.execute("CREATE TYPE address (street text, zip int)")
session.execute(
    "CREATE TABLE users (id uuid PRIMARY KEY, name text, tags set<text>, scores list<int>, "
    "props map<text, int>, home frozen<address>, price decimal)"
)
user = uuid4()
insert = session.prepare("INSERT INTO users (id, name, tags, scores, props, home, price) VALUES (?, ?, ?, ?, ?, ?, ?)")
session.execute(insert, (user, "Ann", {"b", "a"}, [3, 1], {"x": 1}, ("Kirkkokatu", 90100), Decimal("1.50")))
session.execute("UPDATE users SET tags = tags + {'c'}, scores = scores + [7], props['y'] = 2 WHERE id = %s", (user,))
row = session.execute("SELECT * FROM users WHERE id = %s", (user,)).one()
assert (row.name, sorted(row.tags), row.scores, dict(row.props)) == ("Ann", ["a", "b", "c"], [3, 1, 7], {"x": 1, "y": 2})
assert (row.home.street, row.home.zip, row.price) == ("Kirkkokatu", 90100, Decimal("1.50"))
say("types")

session.execute("CREATE TABLE events (day int, at int, what text, owner text static, PRIMARY KEY (day, at)) WITH CLUSTERING ORDER BY (at DESC)")
event = session.prepare("INSERT INTO events (day, at, what) VALUES (?, ?, ?)")
event.consistency_level = ConsistencyLevel.QUORUM
futures = []
for n in range(10000):
    futures.append(session.execute_async(event, (n % 7, n, f"event {n}")))
    if len(futures) == 200:
        for future in futures:
            future.result()
        futures = []
for future in futures:
    future.result()
found = list(session.execute(SimpleStatement("SELECT at, what FROM events", fetch_size=700)))
assert len(found) == 10000 and len({row.at for row in found}) == 10000, len(found)
assert all(row.what == f"event {row.at}" for row in found)
newest = [row.at for row in session.execute("SELECT at FROM events WHERE day = 3 AND at < 5000 LIMIT 3")]
assert newest == [4994, 4987, 4980], newest
oldest = [row.at for row in session.execute("SELECT at FROM events WHERE day = 3 ORDER BY at ASC LIMIT 3")]
assert oldest == [3, 10, 17], oldest
counts = {row.day: row.count for row in session.execute("SELECT day, count(*) FROM events GROUP BY day")}
assert sum(counts.values()) == 10000 and len(counts) == 7, counts
say("paging")

batch = BatchStatement(batch_type=BatchType.LOGGED)
for n in range(20):
    batch.add(event, (100 + n, n, "in a batch"))
session.execute(batch)
assert len(list(session.execute("SELECT at FROM events WHERE day IN (%s)" % ", ".join(str(100 + n) for n in range(20))))) == 20
session.execute("CREATE TABLE counters (name text PRIMARY KEY, value counter)")
for _ in range(10):
    session.execute("UPDATE counters SET value = value + 5 WHERE name = 'hits'")
assert session.execute("SELECT value FROM counters WHERE name = 'hits'").one().value == 50
say("batches and counters")

session.execute("CREATE TABLE locks (name text PRIMARY KEY, holder text)")
assert session.execute("INSERT INTO locks (name, holder) VALUES ('one', 'a') IF NOT EXISTS").was_applied
refused = session.execute("INSERT INTO locks (name, holder) VALUES ('one', 'b') IF NOT EXISTS")
assert not refused.was_applied
wrong = session.execute("UPDATE locks SET holder = 'b' WHERE name = 'one' IF holder = 'c'").one()
assert (wrong.applied, wrong.holder) == (False, "a"), wrong
assert session.execute("UPDATE locks SET holder = 'b' WHERE name = 'one' IF holder = 'a'").was_applied
say("conditions")

for text, error in [
    ("SELECT * FROM users WHERE name = 'Ann'", "ALLOW FILTERING"),
    ("SELECT nothing FROM users", "Undefined column name"),
    ("INSERT INTO users (name) VALUES ('x')", "missing"),
]:
    try:
        session.execute(text)
        say(f"{text} was accepted")
    except InvalidRequest as refusal:
        assert error in str(refusal), refusal
session.execute("DROP ROLE IF EXISTS reader")
session.execute("CREATE ROLE reader WITH PASSWORD = 'reading' AND LOGIN = true")
session.execute("GRANT SELECT ON KEYSPACE shop TO reader")
reader = cluster_as("reader", "reading").connect("shop")
assert reader.execute("SELECT name FROM users WHERE id = %s", (user,)).one().name == "Ann"
try:
    reader.execute("DELETE FROM users WHERE id = %s", (user,))
    say("a reader deleted")
except Unauthorized:
    say("errors and permissions")

say("kill a node")
sys.stdin.readline()
# Its own retries and reconnections; nothing is repeated here but what it says may be repeated.
for n in range(300):
    for attempt in range(20):
        try:
            session.execute(event, (n % 7, 20000 + n, "after"), timeout=10)
            break
        except Exception as error:
            if attempt == 19:
                raise
found = {row.at for row in session.execute(SimpleStatement("SELECT at FROM events", fetch_size=1000)) if row.at >= 20000}
assert len(found) == 300, len(found)
say("went on")
cluster.shutdown()
