/** The PostgreSQL server of this node, where it has one: its programs found, its folders made, nothing started. */
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PostgresStatus } from '../admin/cluster-status.ts';
import { FolkmootError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import { formatLsn } from '../base/postgres-lsn.ts';
import type { LocalOptions, PostgresGroup } from '../pg/group/postgres-group.ts';
import { findBinaries } from '../pg/server/binaries.ts';
import { PostgresServer } from '../pg/server/postgres-server.ts';
import { findSystemUser } from '../pg/server/system-user.ts';
import type { NodeOptions } from './node-api.ts';

/** With `/.s.PGSQL.5432` behind it, the path of a socket may have 103 bytes. */
const SOCKET_FOLDER_BYTES_MAX = 103 - '/.s.PGSQL.5432'.length;

/** Null when the node is to have none, or has no programs for it and is not told that it must. */
export async function openPostgres(options: NodeOptions, logger: Logger): Promise<LocalOptions | null> {
  const { postgres, postgresBin, postgresUser, dataFolder } = options;
  if (postgres === 'off') return null;
  const user = await findSystemUser(postgresUser);
  const search = await findBinaries({ folder: postgresBin, user });
  if ('problem' in search) {
    if (postgres === 'on') throw new FolkmootError('OPTION_INVALID', search.problem, search.cure);
    logger.info({}, `no PostgreSQL door: ${search.problem}. ${search.cure}`);
    return null;
  }
  const folder = join(dataFolder, 'postgres');
  const { binaries } = search;
  logger.info({ version: binaries.version, folder: binaries.folder }, 'PostgreSQL found');
  const server = await PostgresServer.open({ folder, binaries, user, logger });
  return { server, folder, socketFolder: socketFolderIn(folder), user };
}

/** Of the group, for `status`; null where there is none. */
export function postgresStatus(group: PostgresGroup): PostgresStatus | null {
  const { record } = group;
  if (record === null) return null;
  const { availability, reason, epoch, primary, servers } = group.view();
  let end = 0n;
  for (const { replayedLsn } of servers) if (replayedLsn > end) end = replayedLsn;
  return {
    availability,
    reason,
    epoch,
    primary,
    servers: servers.map(({ node, name, role, isAlive, replayedLsn, note }) => ({
      node,
      name,
      role,
      alive: isAlive,
      replayed: formatLsn(replayedLsn),
      lag_bytes: Number(end - replayedLsn),
      note,
    })),
    settings: record.settings,
    overrides: record.overrides,
  };
}

function socketFolderIn(folder: string): string {
  const inside = join(folder, 'primary');
  if (Buffer.byteLength(inside) <= SOCKET_FOLDER_BYTES_MAX) return inside;
  const id = createHash('sha256').update(folder).digest('hex').slice(0, 12);
  return join(tmpdir(), `folkmoot-pp-${id}`);
}
