/** What a node knows of itself: prepared statements, clients, settings. */
import type { SystemRow } from './cells.ts';
import type { SystemContext } from './context.ts';

export function* preparedRows({ prepared }: SystemContext): Iterable<SystemRow> {
  for (const { id, keyspace, text } of prepared()) {
    yield { prepared_id: id, logged_keyspace: keyspace, query_string: text };
  }
}

export function* clientRows({ clients }: SystemContext): Iterable<SystemRow> {
  for (const client of clients()) {
    yield {
      // An IPv4 client of a socket that takes both is written with this in front.
      address: client.address.replace(/^::ffff:/, ''),
      port: client.port,
      connection_stage: 'ready',
      driver_name: client.driverName,
      driver_version: client.driverVersion,
      hostname: client.address,
      protocol_version: client.protocolVersion,
      request_count: client.requestCount,
      ssl_cipher_suite: client.tlsCipher,
      ssl_enabled: client.tlsProtocol !== undefined,
      ssl_protocol: client.tlsProtocol,
      username: client.user ?? 'anonymous',
    };
  }
}

export function* settingRows({ settings }: SystemContext): Iterable<SystemRow> {
  for (const [name, value] of settings()) yield { name, value };
}
