/** `folkmoot pg`: the group of PostgreSQL servers, as operators see and change it. */
import type { AdminClient } from '../admin/admin-client.ts';
import type { ClusterStatus, PostgresStatus } from '../admin/cluster-status.ts';
import { FolkmootError } from '../base/errors.ts';
import { adminClient, findNode } from './admin-host.ts';
import { type Command, type CommandContext, ExitCode } from './command.ts';
import { count, left, right, table } from './table.ts';

/** Whoever gives transactions up writes it out. */
const CONSENT = 'lose-what-only-they-have';

interface Action {
  /** After the name. */
  readonly words: string;
  readonly words_min: number;
  readonly words_max: number;
  run(client: AdminClient, words: readonly string[], context: CommandContext): Promise<ExitCode>;
}

const ACTIONS: Readonly<Record<string, Action>> = {
  status: { words: '', words_min: 0, words_max: 0, run: showStatus },
  switchover: { words: '[NODE]', words_min: 0, words_max: 1, run: switchOver },
  reinit: { words: 'NODE', words_min: 1, words_max: 1, run: reinit },
  set: { words: 'NAME VALUE', words_min: 2, words_max: 2, run: set },
  reset: { words: 'NAME', words_min: 1, words_max: 1, run: reset },
  override: { words: '[EPOCH WORDS]', words_min: 0, words_max: 2, run: override },
};

export const pgCommand: Command = {
  name: 'pg',
  summary: 'show and change the PostgreSQL servers',
  details: `Shows and changes the group of PostgreSQL servers, through the node on --host.

  folkmoot pg status                  who is primary, who follows, how far
  folkmoot pg switchover [NODE]       another primary, without an error for clients
  folkmoot pg reinit NODE             a new copy of the data on a standby
  folkmoot pg set NAME VALUE          a setting of PostgreSQL on all servers
  folkmoot pg reset NAME              PostgreSQL's own value again
  folkmoot pg override                go on without servers that are lost for ever: says what that means first`,
  argument: { name: 'action', description: 'status, switchover, reinit, set, reset or override', isMany: true },
  async run(context) {
    const [name = '', ...words] = context.words;
    const action = Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined;
    if (action === undefined || words.length < action.words_min || words.length > action.words_max) {
      const cure =
        action === undefined
          ? `It knows ${Object.keys(ACTIONS).join(', ')}.`
          : `Write folkmoot pg ${name} ${action.words}.`;
      throw new FolkmootError('OPTION_INVALID', `folkmoot pg does not understand "${context.words.join(' ')}"`, cure);
    }
    return action.run(adminClient(context.options), words, context);
  },
};

async function showStatus(client: AdminClient, _words: readonly string[], { options, print }: CommandContext) {
  const group = groupOf(await client.status());
  if (options.json) print(JSON.stringify(group, undefined, 2));
  else for (const line of groupLines(group)) print(line);
  return group.availability === 'serving' ? ExitCode.ok : ExitCode.failed;
}

export function groupLines(group: PostgresStatus): string[] {
  const rows = group.servers.map(({ node, name, role, alive, replayed, lag_bytes, note }) => [
    String(node),
    name,
    alive ? role : 'DEAD',
    replayed,
    count(lag_bytes),
    note,
  ]);
  const columns = [left('id'), left('name'), left('role'), right('replayed'), right('behind'), left('doing')];
  const reason = group.reason === '' ? '' : `: ${group.reason}`;
  const settings = Object.entries(group.settings).map(([name, value]) => `set ${name} = ${value}`);
  const overrides = group.overrides.map(
    ({ at_ms, epoch, pledged }) =>
      `overridden ${new Date(at_ms).toISOString()} in epoch ${epoch}, with nodes ${pledged.join(', ')} alone`,
  );
  return [
    `PostgreSQL: ${group.availability}${reason}; epoch ${group.epoch}`,
    '',
    ...table(columns, rows),
    ...settings,
    ...overrides,
  ];
}

async function switchOver(client: AdminClient, [wanted]: readonly string[], { print }: CommandContext) {
  const status = await client.status();
  const target = wanted === undefined ? undefined : findNode(status, wanted).id;
  const body = target === undefined ? {} : { node: target };
  const { primary } = (await client.call('POST', '/api/postgres/switchover', body)) as { primary: number };
  print(`${status.nodes.find(({ id }) => id === primary)?.name ?? primary} is the primary`);
  return ExitCode.ok;
}

async function reinit(client: AdminClient, [wanted = '']: readonly string[], { print }: CommandContext) {
  const node = findNode(await client.status(), wanted);
  await client.call('POST', '/api/postgres/reinit', { node: node.id });
  print(`${node.name} gets a new copy of the data; see folkmoot pg status`);
  return ExitCode.ok;
}

async function set(client: AdminClient, [name = '', value = '']: readonly string[], { print }: CommandContext) {
  return change(client, name, value, print);
}

async function reset(client: AdminClient, [name = '']: readonly string[], { print }: CommandContext) {
  return change(client, name, null, print);
}

async function change(client: AdminClient, name: string, value: string | null, print: (line: string) => void) {
  const { afterRestart } = (await client.call('POST', '/api/postgres/set', { name, value })) as {
    afterRestart: readonly string[];
  };
  const when = afterRestart.includes(name) ? '; it takes effect after a switchover or a restart of each server' : '';
  print(`${name} ${value === null ? 'is reset' : `= ${value}`}${when}`);
  return ExitCode.ok;
}

/** Asked twice: what it would do is said first, and then it has to be asked for in so many words, for that epoch. */
async function override(client: AdminClient, [epoch, words]: readonly string[], { print }: CommandContext) {
  const group = groupOf(await client.status());
  if (epoch === undefined) {
    print(`PostgreSQL: ${group.availability}: ${group.reason}; epoch ${group.epoch}`);
    print(
      'An override makes a primary of the servers that have answered. Acknowledged transactions that only the others',
    );
    print(
      'have are lost for ever, and the others are out of the group. Start them again instead, if that is possible at all.',
    );
    print(`If it is not: folkmoot pg override ${group.epoch} ${CONSENT}`);
    return ExitCode.failed;
  }
  if (Number(epoch) !== group.epoch || words !== CONSENT) {
    throw new FolkmootError(
      'OPTION_INVALID',
      'nothing was overridden',
      'Run folkmoot pg override, and read what it says.',
    );
  }
  await client.call('POST', '/api/postgres/override', { epoch: group.epoch });
  print('overridden; this is recorded for ever, see folkmoot pg status');
  return ExitCode.ok;
}

function groupOf(status: ClusterStatus): PostgresStatus {
  if (status.postgres !== undefined) return status.postgres;
  throw new FolkmootError('NOT_FOUND', 'the cluster has no PostgreSQL servers', 'Start nodes with --postgres=on.');
}
