/** `folkmoot start`: one node of a real cluster, in the foreground. Also what `up`, `demo` and tests start as child processes. */
import { describeError, FolkmootError, folderError } from '../base/errors.ts';
import type { OptionValues } from '../base/options.ts';
import { allowGarbage } from '../node/garbage.ts';
import { report } from '../node/launch/supervision.ts';
import { createLogger, type RootLogger } from '../node/logger.ts';
import type { NodeApi } from '../node/node-api.ts';
import { nodeOptionsFrom, portsFrom } from '../node/options.ts';
import { type Command, type CommandContext, ExitCode } from './command.ts';
import { accessRequest } from './first-access.ts';
import { readyLine } from './ready-line.ts';

/** Over the drain's own time: closing connections, the last flush. */
const STOP_MARGIN_MS = 15_000;

export const startCommand: Command = {
  name: 'start',
  summary: 'run one node',
  details: `Runs one node in the foreground until SIGTERM or Ctrl-C. Start one on each machine with the same --join list, then form the cluster once with "folkmoot init". Prints one line that begins with "ready" when every door serves.

  folkmoot start --data=/var/lib/folkmoot --listen=10.0.0.1 --join=10.0.0.1,10.0.0.2,10.0.0.3`,
  run: runStart,
};

async function runStart(context: CommandContext): Promise<ExitCode> {
  const { options } = context;
  if (options.data === undefined) {
    throw new FolkmootError('OPTION_INVALID', '--data is missing', 'Name the folder for the data: --data=DIR.');
  }
  const logger = createLogger({
    level: options['log-level'],
    format: options['log-format'],
    colour: process.stderr.isTTY === true && process.env['NO_COLOR'] === undefined,
  });
  for (const warning of context.warnings) logger.warn({}, warning);
  if (options.supervised) followParent();
  endOnFailure(options.data, logger);
  allowGarbage();
  const told = toldToStop(context, logger);
  try {
    // Loaded here, since the other commands need neither the store nor the doors and should answer at once.
    const { Node } = await import('../node/node.ts');
    const access = await accessRequest(options, false);
    const node = new Node(nodeOptionsFrom(options, options.data, logger.child({ name: nodeName(options) }), access));
    const before = await Promise.race([serve(node, context, logger), told]);
    if (before !== 'stop') await Promise.race([told, node.whenRemoved()]);
    await stopNode(node, options, logger);
    return ExitCode.ok;
  } catch (error) {
    const { code, text, cure } = describeError(error);
    if (options['log-level'] === 'debug') logger.debug({ error }, 'start failed');
    await report({ type: 'failed', code, text, cure });
    // Who supervises prints it; twice would be once too often.
    if (options.supervised) return ExitCode.failed;
    throw error;
  }
}

async function serve(node: NodeApi, context: CommandContext, logger: RootLogger): Promise<'serving'> {
  const { options } = context;
  const started = node.start();
  node.whenListening().then(
    async () => {
      await report({ type: 'listening' });
      if (options.join.length > 0 && !options['auto-init'] && node.status().clusterId === '') {
        logger.info({ admin: `${options.listen}:${options['admin-port']}` }, 'waiting for `folkmoot init`');
      }
    },
    // `start` rejects with the same error.
    () => undefined,
  );
  await started;
  const { self, nodes } = node.status();
  const line = readyLine(nodeName(options), [
    {
      host: options.listen,
      // As the cluster knows them: a door may have stayed closed.
      ports: nodes.find(({ id }) => id === self)?.ports ?? portsFrom(options),
    },
  ]);
  context.print(line);
  await report({ type: 'ready', line });
  return 'serving';
}

/** Resolves at the first signal that ends the process; the second one does not wait any longer. */
function toldToStop(context: CommandContext, logger: RootLogger): Promise<'stop'> {
  const { options } = context;
  return new Promise((resolve) => {
    let asked = false;
    const stop = (signal: NodeJS.Signals): void => {
      if (asked) process.exit(ExitCode.failed);
      asked = true;
      logger.info({ signal }, 'stopping');
      resolve('stop');
    };
    process.on('SIGTERM', stop);
    // Ctrl-C reaches the whole process group; a supervised node leaves it to its parent, which says SIGTERM.
    process.on('SIGINT', options.supervised ? () => undefined : stop);
    if (options.supervised) process.on('SIGHUP', () => undefined);
    else if (options.config === undefined) process.on('SIGHUP', stop);
    else process.on('SIGHUP', () => void reload(context, logger));
  });
}

/** Takes over what the option table marks as reloadable. */
async function reload(context: CommandContext, logger: RootLogger): Promise<void> {
  try {
    const options = await context.reload();
    logger.setLevel(options['log-level']);
    logger.info({ level: options['log-level'] }, 'config file read again');
  } catch (error) {
    logger.error({ error }, 'config file not taken over');
  }
}

async function stopNode(node: NodeApi, options: OptionValues, logger: RootLogger): Promise<void> {
  const drain_ms = options['drain-timeout-ms'];
  const watchdog = setTimeout(() => {
    logger.error({}, 'the node does not stop; ending the process');
    process.exit(ExitCode.failed);
  }, drain_ms + STOP_MARGIN_MS);
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, drain_ms);
  });
  try {
    await Promise.race([node.drain(), deadline]);
  } catch (error) {
    logger.warn({ error }, 'leadership was not handed over');
  }
  clearTimeout(timer);
  await node.stop();
  clearTimeout(watchdog);
}

/** A child without its parent would be a stray that keeps ports and folder. */
function followParent(): void {
  process.on('disconnect', () => process.exit(ExitCode.failed));
  if (process.send === undefined) {
    throw new FolkmootError('OPTION_INVALID', '--supervised without an IPC channel', 'Leave it out.');
  }
}

/**
 * A node that broke one of its own rules, or whose disk failed, ends at once: its peers repair a crash, not corruption.
 * The log is written synchronously; the report to a parent is a courtesy.
 */
function endOnFailure(folder: string, logger: RootLogger): void {
  const end = (thrown: unknown): void => {
    const error = folderError(thrown, folder);
    const { code, text, cure } = describeError(error);
    logger.error(
      { error: thrown, cure },
      code === 'INTERNAL' ? 'the node ends because of a bug' : `the node ends: ${text}`,
    );
    void report({ type: 'failed', code, text, cure });
    process.exit(ExitCode.failed);
  };
  process.on('uncaughtException', end);
  process.on('unhandledRejection', end);
}

function nodeName(options: OptionValues): string {
  return options.name ?? options.listen;
}
