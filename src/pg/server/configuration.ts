/**
 * The configuration files of a server, in a folder beside the data folder, so that a clone does not copy another node's:
 *
 *   postgresql.conf   includes the files below, in this order
 *   defaults.conf     what we set and users may change (settings.ts)
 *   users.conf        what users set
 *   following.conf    whom it follows; written at each start, so it need not be durable
 *   synchronous.conf  whom a commit waits for
 *   pg_hba.conf, pg_ident.conf
 *
 * What is fixed is on the command line. PostgreSQL reads postgresql.auto.conf (ALTER SYSTEM) last, which would override the last two:
 * lines of managed settings are taken out of it before each start and each reload.
 */
import { open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { FolkmootError } from '../../base/errors.ts';
import { isThere, type ServerFolders, syncFolder } from './folders.ts';
import type { Follow } from './local-server.ts';
import { isManaged, isRefused, SETTINGS, type SettingContext, settingLine, settingValue } from './settings.ts';
import type { SystemUser } from './system-user.ts';

const HBA = 'local all all trust\nlocal replication all trust\n';
const MAIN = ['defaults', 'users', 'following', 'synchronous'].map((name) => `include '${name}.conf'\n`).join('');

export class Configuration {
  readonly #folders: ServerFolders;
  readonly #user: SystemUser | null;
  readonly #context: SettingContext;
  #conninfo = '';
  #synchronous = '';

  /** Writes the files; what moves is as it was left. */
  static async open(folders: ServerFolders, user: SystemUser | null, clusterName: string): Promise<Configuration> {
    const configuration = new Configuration(folders, user, clusterName);
    await configuration.#prepare();
    return configuration;
  }

  private constructor(folders: ServerFolders, user: SystemUser | null, clusterName: string) {
    this.#folders = folders;
    this.#user = user;
    this.#context = {
      dataFolder: folders.data,
      confFolder: folders.conf,
      socketFolder: folders.socket,
      clusterName,
      platform: process.platform,
    };
  }

  /** The value of synchronous_standby_names. */
  get synchronous(): string {
    return this.#synchronous;
  }

  get conninfo(): string {
    return this.#conninfo;
  }

  get usersFile(): string {
    return this.#path('users.conf');
  }

  /** Of the program `postgres`. */
  arguments(): string[] {
    const list = ['-D', this.#folders.data, '-c', `config_file=${this.#path('postgresql.conf')}`];
    for (const setting of SETTINGS) {
      if (setting.kind === 'fixed') list.push('-c', `${setting.name}=${settingValue(setting, this.#context)}`);
    }
    return list;
  }

  /** Of the program `pg_rewind`, which starts PostgreSQL for itself. */
  rewindArgument(): string {
    return `--config-file=${this.#path('postgresql.conf')}`;
  }

  async setFollow(follow: Follow | null): Promise<void> {
    this.#conninfo = follow === null ? '' : conninfoOf(follow);
    await this.#writeFollowing();
  }

  /**
   * For a standby that was told no rule yet. Commits of one that is promoted without a rule wait for ever, rather than for nobody; and
   * that there is a rule at all, which processes learn late, does not change with the promotion.
   */
  async setSomeRule(): Promise<void> {
    if (this.#synchronous === '') await this.setSynchronous(['nobody yet'], 1);
  }

  async setSynchronous(names: readonly string[], k: number): Promise<void> {
    this.#synchronous = k === 0 ? '' : `ANY ${k} (${names.map(quotedName).join(', ')})`;
    await this.#writeSynchronous();
  }

  /** Throws BAD_REQUEST for managed settings. */
  async setUsers(settings: Readonly<Record<string, string>>): Promise<void> {
    let text = '';
    for (const [name, value] of Object.entries(settings)) {
      if (isManaged(name)) {
        throw new FolkmootError(
          'BAD_REQUEST',
          `the setting ${name} of PostgreSQL is managed by the cluster`,
          'Leave it out.',
        );
      }
      if (isRefused(name, value)) {
        throw new FolkmootError('BAD_REQUEST', `${name} cannot be ${value} in a cluster`, 'Leave it out.');
      }
      if (!/^[A-Za-z_][\w$]*(\.[A-Za-z_][\w$]*)?$/.test(name) || /[\0\n\r]/.test(value)) {
        throw new FolkmootError(
          'BAD_REQUEST',
          `PostgreSQL has no setting like ${name}`,
          'Check the name and the value.',
        );
      }
      text += settingLine(name, value);
    }
    await this.#write('users.conf', text);
  }

  async users(): Promise<string> {
    return readFile(this.usersFile, 'utf8');
  }

  async restoreUsers(text: string): Promise<void> {
    await this.#write('users.conf', text);
  }

  /** Before each start and reload. */
  async cleanAutomatic(): Promise<void> {
    const path = join(this.#folders.data, 'postgresql.auto.conf');
    const text = await readFile(path, 'utf8').catch(() => '');
    const lines = text.split('\n');
    const kept = lines.filter((line) => !isManaged(/^\s*([\w.]+)/.exec(line)?.[1] ?? ''));
    if (kept.length < lines.length) await replaceFile(path, kept.join('\n'), this.#user);
  }

  async #prepare(): Promise<void> {
    let defaults = '';
    for (const setting of SETTINGS) {
      if (setting.kind === 'default') {
        defaults += `# ${setting.why}\n${settingLine(setting.name, settingValue(setting, this.#context))}`;
      }
    }
    await this.#write('postgresql.conf', MAIN);
    await this.#write('defaults.conf', defaults);
    await this.#write('pg_hba.conf', HBA);
    await this.#write('pg_ident.conf', '');
    if (!(await isThere(this.usersFile))) await this.#write('users.conf', '');
    this.#conninfo = await this.#read('following.conf', 'primary_conninfo');
    this.#synchronous = await this.#read('synchronous.conf', 'synchronous_standby_names');
    await this.#writeFollowing();
    await this.#writeSynchronous();
  }

  async #read(file: string, name: string): Promise<string> {
    return lineValue(await readFile(this.#path(file), 'utf8').catch(() => ''), name);
  }

  async #writeFollowing(): Promise<void> {
    const path = this.#path('following.conf');
    await replaceFile(path, settingLine('primary_conninfo', this.#conninfo), this.#user, { isDurable: false });
  }

  async #writeSynchronous(): Promise<void> {
    await this.#write('synchronous.conf', settingLine('synchronous_standby_names', this.#synchronous));
  }

  async #write(name: string, text: string): Promise<void> {
    await replaceFile(this.#path(name), text, this.#user);
    await syncFolder(this.#folders.conf);
  }

  #path(name: string): string {
    return join(this.#folders.conf, name);
  }
}

/** Whoever reads the file sees the old or the new text, also after a power cut when it is durable. */
export async function replaceFile(
  path: string,
  text: string,
  user: SystemUser | null,
  { isDurable = true } = {},
): Promise<void> {
  const temporary = `${path}.tmp`;
  const file = await open(temporary, 'w', 0o600);
  try {
    await file.writeFile(text);
    if (user !== null) await file.chown(user.uid, user.gid);
    if (isDurable) await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
}

/** libpq's notation: values in quotes, backslashes before quotes and backslashes. */
export function conninfoOf(follow: Follow): string {
  const quoted = (value: string): string => `'${value.replace(/['\\]/g, '\\$&')}'`;
  return (
    `host=${quoted(follow.socketFolder)} port=5432 user=postgres application_name=${quoted(follow.applicationName)} ` +
    'sslmode=disable gssencmode=disable connect_timeout=3'
  );
}

/** An identifier of SQL. */
function quotedName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** What `settingLine` wrote. */
function lineValue(text: string, name: string): string {
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${name} = '`));
  if (line === undefined) return '';
  return line.slice(`${name} = '`.length, -1).replaceAll("''", "'").replaceAll('\\\\', '\\');
}
