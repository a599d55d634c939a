/** `folkmoot verify`: is it true? A throw-away cluster under load is disturbed, and every answer is checked. */
import { randomInt } from 'node:crypto';
import type { Cluster } from '../testing/cluster.ts';
import { SABOTAGES } from '../testing/torture/sabotage.ts';
import { type Command, type CommandContext, ExitCode } from './command.ts';
import { runAndShow } from './verify/run.ts';

export const verifyCommand: Command = {
  name: 'verify',
  summary: 'see that a cluster keeps its promises: disturb it, check every answer',
  details: `Starts a cluster of throw-away nodes on free addresses of this machine. Clients use it through every door while its nodes are killed, paused, cut off from each other and restarted. Every answer goes through a linearizability checker, and in the end everything is read back. Needs no privileges.

Exit code 0: valid. 1: a violation. 2: the command line is wrong. 3: it could not run to its end, or proved nothing. The history is written to --out, with pictures when there is a violation.

  folkmoot verify --seconds=10
  folkmoot verify --sabotage=lost-write     a client lies: the verdict must be a violation`,
  run: runVerify,
  errorCode: ExitCode.unproved,
};

async function runVerify({ options, print }: CommandContext): Promise<ExitCode> {
  const sabotage = SABOTAGES.find((name) => name === options.sabotage);
  const report = await runAndShow({
    seed: options.seed === 0 ? randomInt(1, 2 ** 32) : options.seed,
    seconds: options.seconds,
    nodes: options.nodes,
    out: options.out,
    print,
    ...(sabotage === undefined ? {} : { sabotage }),
    onCluster: closeAtSignals,
  });
  if (report.verdict === 'valid') return ExitCode.ok;
  return report.verdict === 'violation' ? ExitCode.failed : ExitCode.unproved;
}

/** Its processes would end with this one anyway, but its folder would stay. */
function closeAtSignals(cluster: Cluster): void {
  const end = (): void => {
    void cluster.close().finally(() => process.exit(ExitCode.unproved));
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, end);
}
