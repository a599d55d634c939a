/** What a node process and the process that started it say to each other over their IPC channel. */
import type { ErrorCode } from '../../base/errors.ts';

/** From the node to its parent. */
export type ChildReport =
  | { readonly type: 'listening' }
  | { readonly type: 'ready'; readonly line: string }
  | { readonly type: 'failed'; readonly code: ErrorCode; readonly text: string; readonly cure: string };

export function isChildReport(message: unknown): message is ChildReport {
  if (typeof message !== 'object' || message === null || !('type' in message)) return false;
  return message.type === 'listening' || message.type === 'ready' || message.type === 'failed';
}

/** Tells the parent, when there is one; resolves when it has left this process. */
export function report(message: ChildReport): Promise<void> {
  return new Promise((resolve) => {
    if (process.send === undefined || !process.connected) resolve();
    else process.send(message, undefined, undefined, () => resolve());
  });
}
