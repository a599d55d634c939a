/** The PostgreSQL server of this node, where it has one: its programs found, its folders made, nothing started. */
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FolkmootError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import type { LocalOptions } from '../pg/group/postgres-group.ts';
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

function socketFolderIn(folder: string): string {
  const inside = join(folder, 'primary');
  if (Buffer.byteLength(inside) <= SOCKET_FOLDER_BYTES_MAX) return inside;
  const id = createHash('sha256').update(folder).digest('hex').slice(0, 12);
  return join(tmpdir(), `folkmoot-pp-${id}`);
}
