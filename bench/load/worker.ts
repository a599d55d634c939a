/**
 * A load process: takes a plan, opens its connections, and runs until it is told to stop. One plan a process, so that no
 * point inherits another one's heap or connections.
 */
import { LoadClient, type Tally } from './client.ts';
import { Histogram } from './histogram.ts';
import { KeySpace } from './keys.ts';
import type { FromWorker, LoadPlan, ToWorker } from './plan.ts';

class LoadProcess {
  readonly #tally: Tally = {
    recording: false,
    operations: 0,
    misses: 0,
    moved: 0,
    waitShort: 0,
    errors: 0,
    errorSamples: [],
    latency: new Histogram(),
  };
  #clients: LoadClient[] = [];
  #busy = 0;
  #recorded_ms = 0;
  #cpuAtRecord = process.cpuUsage();

  async handle(message: ToWorker): Promise<void> {
    switch (message.type) {
      case 'plan':
        await this.#open(message.plan);
        return send({ type: 'open' });
      case 'start':
        this.#busy = this.#clients.length;
        for (const client of this.#clients) client.start();
        return;
      case 'record':
        this.#tally.recording = true;
        this.#recorded_ms = performance.now();
        this.#cpuAtRecord = process.cpuUsage();
        return;
      case 'stop':
        return this.#stop();
      case 'close':
        for (const client of this.#clients) client.close();
        process.disconnect();
    }
  }

  async #open(plan: LoadPlan): Promise<void> {
    const keys = new KeySpace(plan.keyCount, plan.nodes.length, plan.slots);
    const filled = plan.nodes.map(() => 0);
    const shared = { ...plan, keys, tally: this.#tally, filled, onIdle: () => this.#onIdle() };
    this.#clients = Array.from(
      { length: plan.clients },
      (_, index) => new LoadClient({ ...shared, seed: plan.seed + index * 7_919 }),
    );
    await Promise.all(this.#clients.map((client) => client.open()));
  }

  #stop(): void {
    const { recording: _, latency, ...counts } = this.#tally;
    const cpu = process.cpuUsage(this.#cpuAtRecord);
    this.#tally.recording = false;
    for (const client of this.#clients) client.stop();
    send({
      type: 'counts',
      counts: {
        ...counts,
        window_ms: performance.now() - this.#recorded_ms,
        cpu_ms: (cpu.user + cpu.system) / 1_000,
        latency: latency.toJSON(),
      },
    });
  }

  /** A client has nothing more to do: after `stop`, at the end of a fill, or because its connection is gone. */
  #onIdle(): void {
    this.#busy--;
    if (this.#busy === 0) send({ type: 'filled' });
  }
}

function send(message: FromWorker): void {
  if (process.connected) process.send?.(message);
}

const load = new LoadProcess();
process.on('message', (message: ToWorker) => {
  load.handle(message).catch((error: unknown) => send({ type: 'failed', reason: String(error) }));
});
// Without its driver a load process has no purpose.
process.on('disconnect', () => process.exit(0));
