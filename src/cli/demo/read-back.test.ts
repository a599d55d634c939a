import { type AddressInfo, createServer, type Server } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { readBack } from './read-back.ts';

const servers: Server[] = [];

/** A server that answers whole reads with what `answer` returns. */
async function serve(answer: (text: string) => string): Promise<{ host: string; port: number }> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.setEncoding('utf8').on('data', (text: string) => socket.write(answer(text)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  servers.push(server);
  return { host: '127.0.0.1', port: (server.address() as AddressInfo).port };
}

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

test('reading back tells what is missing or different, and does not take an error for either', async () => {
  const endpoint = await serve((text) =>
    [...text.matchAll(/GET\r\n\$\d+\r\n(\w+)/g)].map(([, key]) => (key === 'a' ? '$1\r\n1\r\n' : '$-1\r\n')).join(''),
  );
  const written = new Map([
    ['a', '1'],
    ['b', '2'],
  ]);
  expect(await readBack(endpoint, written)).toEqual(['b']);
  expect(await readBack(endpoint, new Map([['a', '9']]))).toEqual(['a']);
  const failing = await serve(() => '-CLUSTERDOWN no\r\n');
  await expect(readBack(failing, new Map([['a', '1']]))).rejects.toThrow('CLUSTERDOWN');
});
