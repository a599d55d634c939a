/** Replies as the models want them. A reply of another type is a defect of the server. */
import type { RespValue } from '../../redis/resp-connection.ts';
import { WrongReply } from '../outcome.ts';
import { TOKEN_LENGTH } from '../workload.ts';

export function textOrNull(reply: RespValue | undefined): string | null {
  if (typeof reply === 'string' || reply === null) return reply;
  throw new WrongReply(`a text or nothing was expected: ${JSON.stringify(reply)}`);
}

export function integer(reply: RespValue | undefined): number {
  const value = typeof reply === 'string' ? Number(reply) : reply;
  if (Number.isSafeInteger(value)) return value as number;
  throw new WrongReply(`a whole number was expected: ${JSON.stringify(reply)}`);
}

/** 1 as true, 0 as false. */
export function yesOrNo(reply: RespValue | undefined): boolean {
  if (reply === 0 || reply === 1) return reply === 1;
  throw new WrongReply(`0 or 1 was expected: ${JSON.stringify(reply)}`);
}

export function texts(reply: RespValue | undefined): string[] {
  if (Array.isArray(reply) && reply.every((item) => typeof item === 'string')) return reply as string[];
  throw new WrongReply(`a list of texts was expected: ${JSON.stringify(reply)}`);
}

/** A string of tokens, one behind the other, as the list of them. What is left at the end is an item too. */
export function tokens(reply: RespValue | undefined): string[] {
  const text = textOrNull(reply) ?? '';
  const items: string[] = [];
  for (let at = 0; at < text.length; at += TOKEN_LENGTH) items.push(text.slice(at, at + TOKEN_LENGTH));
  return items;
}
