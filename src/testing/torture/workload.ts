/**
 * A workload: what clients do to one kind of key, and the model that says what they may be told. The workloads that ship
 * are in `workloads/`; `workloads/all.ts` lists them.
 */
import type { Prng } from '../../base/prng.ts';
import type { Operation } from '../linearizability/history.ts';
import type { Model } from '../linearizability/model.ts';
import type { CqlSession } from './cql-session.ts';
import type { Session } from './session.ts';

export interface Draw {
  readonly prng: Prng;
  /** Different for every call in a run, of the same length (`TOKEN_LENGTH`) always. */
  readonly token: string;
  /** What this client was last told about this key; undefined when that was nothing, or nothing certain. */
  readonly seen: unknown;
}

/** Of every `Draw.token`: fixed, so that a string made of them can be taken apart. */
export const TOKEN_LENGTH = 8;

/** Of some door. */
export type AnySession = Session | CqlSession;

export interface Workload<Input = unknown, Output = unknown, S = AnySession> {
  readonly name: string;
  /** The protocol that it speaks. */
  readonly protocol: 'redis' | 'cql';
  /** One line for people: the commands. */
  readonly what: string;
  /** Redis commands that it needs. A server that lacks one leaves the workload out, and the report says so. */
  readonly commands: readonly string[];
  /** The name that the history gives to its keys. */
  readonly model: string;
  /** The model, when it is none of the checker's own. */
  readonly modelOf?: Model;
  /**
   * `hot`: all its clients use the same few keys, each of them at the same time. `fresh`: every write has a key of its own,
   * so that all tablets are written to.
   */
  readonly keys: 'hot' | 'fresh';
  /** The next operation of a client. */
  draw(draw: Draw): Input;
  /** Carries it out; resolves with the output as the model wants it. Rejects as `Session` does. */
  perform(session: S, key: string, input: Input): Promise<Output>;
  /** The read of everything, with which each key ends. */
  readonly read: Input;
  isWrite(input: Input): boolean;
  /** What a client has seen of the key after this operation; see `Draw.seen`. */
  seen?(input: Input, output: Output): unknown;
  /**
   * For workloads whose writes can be told apart in the last read: what a write leaves there for good, and what the last
   * read shows. Without it, only the checker speaks about lost writes.
   */
  readonly trace?: {
    readonly written: (input: Input) => readonly string[];
    readonly shown: (output: Output) => readonly string[];
  };
  /**
   * For workloads whose operations do several things that are not promised to happen at one moment: each is checked by itself, as an
   * operation on a key that begins with the operation's.
   */
  readonly parts?: {
    readonly model: string;
    readonly of: (operation: Operation<Input, Output>) => readonly Operation[];
  };
  /** False: the last read shows that something is under way that the cluster has promised to finish, so it is read again. */
  isSettled?(output: Output): boolean;
}

/** Lets a table hold workloads of different shapes: whoever calls them passes on only what they made themselves. */
export function defineWorkload<Input, Output>(workload: Omit<Workload<Input, Output, Session>, 'protocol'>): Workload {
  return { ...workload, protocol: 'redis' } as unknown as Workload;
}

export function defineCqlWorkload<Input, Output>(
  workload: Omit<Workload<Input, Output, CqlSession>, 'protocol' | 'commands'>,
): Workload {
  return { ...workload, protocol: 'cql', commands: [] } as unknown as Workload;
}
