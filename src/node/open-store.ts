/**
 * Opens a node's store. One that is damaged as a whole is put aside, not removed: until the node's replicas have been rebuilt it
 * may be needed, if the same has happened to the other nodes.
 */

import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { FolkmootError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import type { OpenedStorage } from '../cluster/cluster-options.ts';
import { DamagedError, StoreOpenError } from '../storage/errors.ts';
import { LmdbStore } from '../storage/lmdb-store.ts';

export async function openStore(
  folder: string,
  canRebuild: boolean,
  logger: Logger,
): Promise<Pick<OpenedStorage, 'store' | 'discardDamaged'>> {
  const aside = `${folder}.damaged`;
  const discardDamaged = (): Promise<void> => rm(aside, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  try {
    return { store: LmdbStore.open({ path: folder, nextTurn }), discardDamaged };
  } catch (error) {
    if (!(error instanceof StoreOpenError && error.cause instanceof DamagedError)) throw error;
    const what = `the store ${error.path} is damaged: ${error.cause.message}`;
    if (!canRebuild) {
      throw new FolkmootError(
        'UNRECOVERABLE',
        `${what}, and this node knows of no other that has its data`,
        'Nothing was removed. Restore the whole data folder from a backup.',
        { cause: error },
      );
    }
    logger.error({ path: error.path, aside }, `${what}; it is put aside and this node is rebuilt from its peers`);
    // The first one that was put aside has more in it than what was rebuilt since.
    if (existsSync(aside)) await rm(folder, { recursive: true, force: true });
    else await rename(folder, aside);
    await mkdir(folder, { recursive: true });
    return { store: LmdbStore.open({ path: folder, nextTurn }), discardDamaged };
  }
}
