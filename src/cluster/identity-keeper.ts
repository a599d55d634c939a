/** This node's identity while it runs: what is known, and that every change of it reaches the disk, one after the other. */
import type { Disk } from '../base/disk.ts';
import type { Logger } from '../base/log.ts';
import type { Seed } from './cluster-messages.ts';
import { beginLife, type Identity, NOBODY_YET, saveIdentity } from './identity.ts';
import type { NodeId } from './view.ts';

export class IdentityKeeper {
  readonly #disk: Disk;
  readonly #folder: string;
  readonly #log: Logger;
  #identity: Identity = NOBODY_YET;
  #saving: Promise<void> = Promise.resolve();

  constructor(options: { disk: Disk; folder: string; logger: Logger }) {
    this.#disk = options.disk;
    this.#folder = options.folder;
    this.#log = options.logger;
  }

  get current(): Identity {
    return this.#identity;
  }

  async beginLife(token: string): Promise<void> {
    this.#identity = await beginLife(this.#disk, this.#folder, token);
  }

  /** Resolves when the change is durable. */
  change(change: Partial<Identity>): Promise<void> {
    this.#identity = { ...this.#identity, ...change };
    this.#saving = this.#saving.then(() => saveIdentity(this.#disk, this.#folder, this.#identity));
    return this.#saving;
  }

  /** The first records are written: nothing is to be remembered for them any more. */
  forgetFirstAccess(): void {
    if (this.#identity.firstAccess === undefined) return;
    const { firstAccess: _written, ...rest } = this.#identity;
    this.#identity = rest;
    this.change({}).catch((error: unknown) => {
      this.#log.warn({ error: String(error) }, 'the identity of the node could not be saved');
    });
  }

  /** A damaged node has only this file to tell it where the others are, and whose votes count. */
  rememberMembers(seeds: readonly Seed[], voters: readonly NodeId[]): void {
    const { seeds: knownSeeds, voters: knownVoters } = this.#identity;
    if (seeds.length === 0 || voters.length === 0) return;
    if (JSON.stringify([seeds, voters]) === JSON.stringify([knownSeeds, knownVoters])) return;
    this.change({ seeds, voters }).catch((error: unknown) => {
      this.#log.warn({ error: String(error) }, 'the list of members could not be saved');
    });
  }

  /** The other members, as last heard. */
  get others(): Seed[] {
    return this.#identity.seeds.filter((seed) => seed.node !== this.#identity.node);
  }

  /** Resolves when every change is durable, or could not be made so. */
  async settled(): Promise<void> {
    await this.#saving.catch(() => undefined);
  }
}
