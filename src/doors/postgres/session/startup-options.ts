/** What a client says of itself in its first message (PostgreSQL documentation, "Start-up"). */

export interface StartupOptions {
  readonly user: string;
  readonly database: string;
  /** Settings, those of `options` included; names in lower case. */
  readonly settings: ReadonlyMap<string, string>;
  /** Of the gateway: `folkmoot.pool_mode` and the like. */
  readonly own: ReadonlyMap<string, string>;
  /** Options of the protocol (`_pq_.`), of which none is known. */
  readonly protocolOptions: readonly string[];
  readonly isReplication: boolean;
}

const OWN_PREFIX = 'folkmoot.';

/** Null when it is cut off. `body`: what follows the version. */
export function readStartup(body: Buffer): StartupOptions | null {
  if (body.at(-1) !== 0) return null;
  const words = body.toString('utf8', 0, body.length - 1).split('\0');
  const settings = new Map<string, string>();
  const own = new Map<string, string>();
  const protocolOptions: string[] = [];
  let user = '';
  let database = '';
  let isReplication = false;
  const set = (name: string, value: string): void => {
    (name.startsWith(OWN_PREFIX) ? own : settings).set(name, value);
  };
  for (let i = 0; i + 1 < words.length; i += 2) {
    const name = words[i] as string;
    const value = words[i + 1] as string;
    if (name === '') break;
    if (name.startsWith('_pq_.')) protocolOptions.push(name);
    else if (name === 'user') user = value;
    else if (name === 'database') database = value;
    else if (name === 'replication') isReplication = !/^(false|off|no|0)$/i.test(value);
    else if (name === 'options') for (const [key, given] of readCommandLine(value)) set(key, given);
    else set(name.toLowerCase(), value);
  }
  return { user, database: database === '' ? user : database, settings, own, protocolOptions, isReplication };
}

/** `-c name=value`, `-cname=value`, `--name=value`; a backslash takes the meaning from what follows it. */
function readCommandLine(line: string): [string, string][] {
  const words = line.match(/(?:\\[\s\S]|[^\s\\])+/g) ?? [];
  const settings: [string, string][] = [];
  for (let i = 0; i < words.length; i += 1) {
    let word = (words[i] as string).replaceAll(/\\([\s\S])/g, '$1');
    if (word === '-c') {
      i += 1;
      word = `-c${(words[i] ?? '').replaceAll(/\\([\s\S])/g, '$1')}`;
    }
    const match = /^(?:-c|--)([^=]+)=([\s\S]*)$/.exec(word);
    if (match !== null) settings.push([(match[1] as string).replaceAll('-', '_').toLowerCase(), match[2] as string]);
  }
  return settings;
}
