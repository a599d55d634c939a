"""What people write with redis-py's RedisCluster. Arguments: host:port of every node.

Prints a line per step; after "kill the leader of KEY" it waits for a line on stdin, then goes on with the same client.
"""
import logging
import sys

from redis.cluster import ClusterNode, RedisCluster

# redis-py logs each error that it handles itself.
logging.disable(logging.CRITICAL)

nodes = []
for argument in sys.argv[1:]:
    host, port = argument.split(":")
    nodes.append(ClusterNode(host, int(port)))

rc = RedisCluster(startup_nodes=nodes)
print("connected", len(rc.get_primaries()), flush=True)

rc.set("foo", "bar")
assert rc.get("foo") == b"bar"
for n in range(200):
    assert rc.set(f"python:{n}", f"value {n}")
assert [rc.get(f"python:{n}") for n in range(200)] == [b"value %d" % n for n in range(200)]
assert rc.set("python:short", "x", px=10000) and 0 < rc.pttl("python:short") <= 10000
assert rc.incr("python:counter", 41) == 41 and rc.incr("python:counter") == 42
assert rc.get("python:never written") is None
print("set and get", flush=True)

with rc.pipeline() as pipe:
    for n in range(100):
        pipe.set(f"python:pipe:{n}", n)
    assert pipe.execute() == [True] * 100
    for n in range(100):
        pipe.get(f"python:pipe:{n}")
    assert pipe.execute() == [b"%d" % n for n in range(100)]
print("pipeline", flush=True)

assert rc.mset_nonatomic({f"python:many:{n}": n for n in range(50)})
assert rc.mget_nonatomic([f"python:many:{n}" for n in range(50)]) == [b"%d" % n for n in range(50)]
found = set(rc.scan_iter(match="python:pipe:*", count=20))
assert found == {b"python:pipe:%d" % n for n in range(100)}, len(found)
assert rc.delete(*[f"python:pipe:{n}" for n in range(100)]) == 100
print("scan and delete", flush=True)

print("kill the leader of foo", flush=True)
sys.stdin.readline()
assert rc.set("foo", "after the kill")
assert rc.get("foo") == b"after the kill"
for n in range(200):
    assert rc.get(f"python:{n}") == b"value %d" % n
    assert rc.set(f"python:{n}", "new")
print("went on", flush=True)
