/** A connection as CLIENT LIST and CLIENT INFO show it. */
import type { ClientSession } from '../session-view.ts';

export function clientLine(client: ClientSession, now_ms: number): string {
  const age_s = Math.max(0, Math.floor((now_ms - client.created_ms) / 1000));
  const idle_s = Math.max(0, Math.floor((now_ms - client.lastActive_ms) / 1000));
  return [
    `id=${client.id}`,
    `addr=${client.remote}`,
    `laddr=${client.local}`,
    'fd=0',
    `name=${client.name}`,
    `age=${age_s}`,
    `idle=${idle_s}`,
    `flags=${flagsOf(client)}`,
    'db=0',
    'sub=0',
    'psub=0',
    'ssub=0',
    `multi=${client.queuedCount}`,
    `watch=${client.watchedCount}`,
    `qbuf=${client.inputBytes}`,
    'qbuf-free=0',
    'argv-mem=0',
    'multi-mem=0',
    'rbs=0',
    'rbp=0',
    `obl=${client.outputBytes}`,
    `oll=${client.inFlightCount}`,
    `omem=${client.outputBytes}`,
    `tot-mem=${client.inputBytes + client.outputBytes}`,
    'events=r',
    `cmd=${client.lastCommand}`,
    `user=${client.user}`,
    'redir=-1',
    `resp=${client.resp3 ? 3 : 2}`,
    `lib-name=${client.libraryName}`,
    `lib-ver=${client.libraryVersion}`,
  ].join(' ');
}

function flagsOf(client: ClientSession): string {
  let flags = '';
  if (client.queuedCount >= 0) flags += 'x';
  if (client.readOnly) flags += 'r';
  if (client.noEvict) flags += 'e';
  if (client.noTouch) flags += 'T';
  return flags === '' ? 'N' : flags;
}

const TYPES = ['normal', 'master', 'replica', 'slave', 'pubsub'];

export function isKnownClientType(type: string): boolean {
  return TYPES.includes(type);
}

/** All connections are of one type: subscribers come with pub/sub. */
export function clientType(): string {
  return 'normal';
}
