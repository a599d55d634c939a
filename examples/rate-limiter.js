// A rate limiter that all servers of a site share: so many requests a minute for each visitor.
//
//   node examples/rate-limiter.js [host:port]
import { createCluster } from 'redis';

const url = `redis://${process.argv[2] ?? '127.0.0.1:6379'}`;
const redis = await createCluster({ rootNodes: [{ url }] })
  .on('error', console.error)
  .connect();

const LIMIT = 5;
const WINDOW_S = 60;
const keyOf = (visitor) => `requests:${visitor}`;

/**
 * Counts a request. The minute begins with the first one: NX keeps the others from moving its end. Both commands are one
 * transaction, so no count can stay behind without an end.
 */
async function allows(visitor) {
  const key = keyOf(visitor);
  const [count] = await redis.multi().incr(key).expire(key, WINDOW_S, 'NX').exec();
  return count <= LIMIT;
}

await redis.del(keyOf('ann'));
await redis.del(keyOf('bob'));
for (let request = 1; request <= 7; request += 1) {
  console.log(`request ${request} of ann: ${(await allows('ann')) ? 'welcome' : 'too many'}`);
}
console.log(`request 1 of bob: ${(await allows('bob')) ? 'welcome' : 'too many'}`);
const wait_s = await redis.ttl(keyOf('ann'));
console.log(`ann may come back within the minute: ${wait_s > 0 && wait_s <= WINDOW_S}`);

await redis.del(keyOf('ann'));
await redis.del(keyOf('bob'));
await redis.close();
