/** What carries requests of a client to a node and answers back; a saboteur may sit in between. */
export interface Line<Request extends readonly unknown[], Reply> {
  readonly lost: boolean;
  send(...request: Request): Promise<Reply>;
  close(): void;
}
