// A work queue that loses no job when a worker dies: a worker moves the job that it takes from one list to another, and
// removes it from there when the job is done. What a dead worker had taken is put back.
//
//   node examples/queue.js [host:port]
import { Redis } from 'ioredis';

const [host, port] = (process.argv[2] ?? '127.0.0.1:6379').split(':');
const redis = new Redis.Cluster([{ host, port: Number(port) }]);

// A command on two keys needs both in one slot. The part in braces decides which.
const WAITING = '{jobs}:waiting';
const takenBy = (worker) => `{jobs}:taken:${worker}`;

async function work(worker, doJob) {
  for (;;) {
    // One step on the server: at no moment is the job in neither list.
    const job = await redis.lmove(WAITING, takenBy(worker), 'RIGHT', 'LEFT');
    if (job === null) return;
    await doJob(job);
    await redis.lrem(takenBy(worker), 1, job);
  }
}

/** Puts back what a worker had taken, the oldest first in line. */
async function putBack(worker) {
  let count = 0;
  while ((await redis.lmove(takenBy(worker), WAITING, 'LEFT', 'RIGHT')) !== null) count += 1;
  return count;
}

await redis.del(WAITING, takenBy('ann'), takenBy('bob'), takenBy('eve'));
await redis.lpush(WAITING, ...Array.from({ length: 100 }, (_, number) => `job ${number + 1}`));
console.log(`${await redis.llen(WAITING)} jobs are waiting`);

// Eve takes a job and is never seen again.
console.log(`eve takes ${await redis.lmove(WAITING, takenBy('eve'), 'RIGHT', 'LEFT')}`);

const done = new Set();
const doJob = async (job) => done.add(job);
await Promise.all([work('ann', doJob), work('bob', doJob)]);
console.log(`ann and bob have done ${done.size} jobs`);

console.log(`${await putBack('eve')} job of eve is put back`);
await work('ann', doJob);
console.log(`${done.size} jobs are done`);

// Several at a time, for jobs that may be lost: LMPOP takes them away at once.
await redis.rpush(WAITING, 'a', 'b', 'c', 'd', 'e');
const [, batch] = await redis.lmpop(1, WAITING, 'LEFT', 'COUNT', 3);
console.log(`a batch: ${batch.join(' ')}`);

await redis.del(WAITING);
redis.disconnect();
