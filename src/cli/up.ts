/** `folkmoot up`: a local cluster in the foreground, one process a node, all in this process's group. */
import { join } from 'node:path';
import { flagsFor } from '../base/option-values.ts';
import type { OptionValues } from '../base/options.ts';
import { LOCAL_SUPERUSERS } from '../cluster/access/first-users.ts';
import { checkAddresses, standardAddresses } from '../node/launch/addresses.ts';
import type { ChildNode } from '../node/launch/child-node.ts';
import { killAll, localNodes, startAll } from '../node/launch/local-nodes.ts';
import { createLogger, type RootLogger } from '../node/logger.ts';
import { portsFrom } from '../node/options.ts';
import { type Command, type CommandContext, ExitCode } from './command.ts';
import { LocalFolder } from './local-folder.ts';
import { readyLine } from './ready-line.ts';

export const upCommand: Command = {
  name: 'up',
  summary: 'run a local cluster until Ctrl-C',
  details: `Runs a cluster on this machine until Ctrl-C or SIGTERM: node N on 127.0.0.N, one process each. Prints one line that begins with "ready" when every door serves. With --data the data stays, and the next "up" on the folder serves it again.

  folkmoot up --data=./cluster
  redis-cli -c -h 127.0.0.1 -p 6379`,
  run: runUp,
};

async function runUp(given: CommandContext): Promise<ExitCode> {
  const context = { ...given, options: await withPostgres(given) };
  const { options } = context;
  const logger = createLogger({
    level: options['log-level'],
    format: options['log-format'],
    colour: process.stderr.isTTY === true && process.env['NO_COLOR'] === undefined,
  });
  for (const warning of context.warnings) logger.warn({}, warning);
  const addresses = standardAddresses(options.nodes, portsFrom(options));
  const stop = toldToStop();
  const folder = await LocalFolder.open(options.data, options.nodes, () => checkAddresses(addresses));
  const certificates = options.tls
    ? await localCertificates(
        folder.path,
        addresses.map(({ host }) => host),
      )
    : null;
  const nodes = localNodes({ addresses, folder: folder.path, flags: nodeFlags(context), log: 'inherit', certificates });
  try {
    if (folder.temporary) logger.info({ folder: folder.path }, 'temporary data folder, removed at the end; see --data');
    const started = await Promise.race([startAll(nodes), stop.first]);
    if (started !== 'stop') {
      context.print(readyLine(options.nodes === 1 ? '1 node' : `${options.nodes} nodes`, addresses));
      if (options.auth !== 'off')
        context.print(`users ${LOCAL_SUPERUSERS.join(', ')}: the password is the name; Redis clients need none`);
      if (certificates !== null) context.print(`TLS: clients trust ${join(certificates, 'ca.crt')}`);
      const code = await serve(nodes, stop, logger);
      if (code !== ExitCode.ok) return code;
    }
    return await stopAll(nodes, stop, logger);
  } finally {
    await killAll(nodes);
    await folder.release();
  }
}

/** `auto` decided for all nodes, and said. */
async function withPostgres({ options, print }: CommandContext): Promise<OptionValues> {
  if (options.postgres !== 'auto') return options;
  const { findBinaries } = await import('../pg/server/binaries.ts');
  const { findSystemUser } = await import('../pg/server/system-user.ts');
  const user = await findSystemUser(options['postgres-user']);
  const search = await findBinaries({ folder: options['postgres-bin'], user });
  if ('binaries' in search) return { ...options, postgres: 'on' };
  print(`no PostgreSQL door: ${search.problem}. ${search.cure}`);
  return { ...options, postgres: 'off' };
}

/** For TLS on one machine; made anew at each start, of the authority that the folder has already. */
async function localCertificates(folder: string, hosts: readonly string[]): Promise<string> {
  const { makeCertificates } = await import('../node/tls/make-certificates.ts');
  const certificates = join(folder, 'certs');
  await makeCertificates({ folder: certificates, hosts, days: 365 });
  return certificates;
}

/** Options that every node takes over; who and where it is, `localNodes` says. */
function nodeFlags({ options, given }: CommandContext): string[] {
  const own =
    /^--(data|tls|name|listen|join|auto-init|supervised|redis-port|redis-single-port|cql-port|postgres-port|postgres-read-port|admin-port|peer-port)\b/;
  const flags = flagsFor(options, 'start').filter((flag) => !own.test(flag));
  // What three nodes tell each other while they form a cluster is not what somebody in front of a terminal waits for.
  return given.has('log-level') ? flags : [...flags, '--log-level=warn'];
}

/** Until told to stop (ok), or until no node is left (failed). One that ends is left alone: whoever killed it may want to see what happens. */
async function serve(nodes: readonly ChildNode[], stop: StopSignals, logger: RootLogger): Promise<ExitCode> {
  const ends = nodes.map(async (node) => {
    const { code, signal } = await node.exited();
    if (stop.asked) return;
    const left = nodes.filter((other) => other.running).length;
    const how = signal === null ? `with exit code ${code}` : `by ${signal}`;
    logger.warn({ left }, `${node.name} ended ${how}; ${left} of ${nodes.length} nodes are left`);
  });
  const outcome = await Promise.race([stop.first, Promise.all(ends)]);
  return outcome === 'stop' ? ExitCode.ok : ExitCode.failed;
}

async function stopAll(nodes: readonly ChildNode[], stop: StopSignals, logger: RootLogger): Promise<ExitCode> {
  const running = nodes.filter((node) => node.running);
  const stopped = Promise.all(running.map((node) => node.stop()));
  const outcome = await Promise.race([stopped, stop.second]);
  if (outcome === 'stop') {
    await killAll(nodes);
    return ExitCode.failed;
  }
  const failed = outcome.filter(({ code }) => code !== 0).length;
  if (failed > 0) logger.error({ failed }, 'not every node ended cleanly');
  return failed > 0 ? ExitCode.failed : ExitCode.ok;
}

interface StopSignals {
  readonly asked: boolean;
  /** Resolves at the first signal: end in order. */
  readonly first: Promise<'stop'>;
  /** Resolves at the second one: end now. */
  readonly second: Promise<'stop'>;
}

function toldToStop(): StopSignals {
  const resolvers: ((value: 'stop') => void)[] = [];
  const first = new Promise<'stop'>((resolve) => resolvers.push(resolve));
  const second = new Promise<'stop'>((resolve) => resolvers.push(resolve));
  const state = { asked: false, first, second };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      state.asked = true;
      resolvers.shift()?.('stop');
    });
  }
  return state;
}
