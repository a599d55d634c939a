/** A connection of the gateway's own to one server, on which one small question at a time is asked. */
import type { NodeId } from '../../../cluster/view.ts';
import type { PoolHost } from './pool-host.ts';
import { type Rows, ServerConnection } from './server-connection.ts';

/** The superuser that every PostgreSQL of the cluster has. */
const USER = 'postgres';

export class Probe {
  readonly node: NodeId;
  readonly epoch: number;
  readonly #connection: ServerConnection;
  #isOpen = false;
  #question: { readonly sql: string; readonly done: (rows: Rows | null) => void } | null = null;

  constructor(host: PoolHost, node: NodeId) {
    this.node = node;
    this.epoch = host.routes.epoch;
    const place = { node, epoch: this.epoch, user: USER, database: USER };
    const ended = (): void => this.#answered(null);
    this.#connection = new ServerConnection(
      {
        opened: () => {
          this.#isOpen = true;
          this.#send();
        },
        failed: ended,
        closed: ended,
        plansChanged: () => undefined,
      },
      place,
      host.servers.connect(node),
      host.now_ms,
    );
  }

  get isClosed(): boolean {
    return this.#connection.isClosed;
  }

  /** `done`: null when there was no answer. Not while another question is open. */
  ask(sql: string, done: (rows: Rows | null) => void): void {
    this.#question = { sql, done };
    if (this.#isOpen) this.#send();
  }

  end(): void {
    this.#connection.destroy();
  }

  #send(): void {
    const question = this.#question;
    if (question === null || this.#connection.isClosed) return;
    this.#connection.work(question.sql, (error, rows) => this.#answered(error === null ? rows : null));
  }

  #answered(rows: Rows | null): void {
    const question = this.#question;
    this.#question = null;
    question?.done(rows);
  }
}
