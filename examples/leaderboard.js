// A leaderboard: a sorted set has the players in the order of their points, however many there are.
//
//   node examples/leaderboard.js [host:port]
import { Redis } from 'ioredis';

const [host, port] = (process.argv[2] ?? '127.0.0.1:6379').split(':');
const redis = new Redis.Cluster([{ host, port: Number(port) }]);
const BOARD = 'board:season-1';

/** Adds points; returns the new sum. */
async function score(player, points) {
  return Number(await redis.zincrby(BOARD, points, player));
}

/** Players and points from one rank to another, 0 being the best. */
async function ranks(from, to) {
  const flat = await redis.zrange(BOARD, from, to, 'REV', 'WITHSCORES');
  return Array.from(
    { length: flat.length / 2 },
    (_, place) => `${from + place + 1}. ${flat[place * 2]} ${flat[place * 2 + 1]}`,
  );
}

await redis.del(BOARD);
const points = { ada: 310, ben: 120, cleo: 275, dora: 275, emil: 90, finn: 180 };
await Promise.all(Object.entries(points).map(([player, sum]) => score(player, sum)));
console.log(`the best: ${(await ranks(0, 2)).join(', ')}`);

console.log(`finn scores and has ${await score('finn', 100)}`);
const rank = await redis.zrevrank(BOARD, 'finn');
console.log(`around finn: ${(await ranks(Math.max(0, rank - 1), rank + 1)).join(', ')}`);
console.log(`${await redis.zcount(BOARD, 200, '+inf')} of ${await redis.zcard(BOARD)} have 200 or more`);

await redis.del(BOARD);
redis.disconnect();
