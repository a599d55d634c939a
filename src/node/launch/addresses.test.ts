import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { checkAddresses, freeAddresses, standardAddresses } from './addresses.ts';

const PORTS = { redis: 6_379, redisSingle: 6_380, cql: 9_042, admin: 7_070, peer: 7_071 };

test('node N of a local cluster is on 127.0.0.N with the same ports', () => {
  expect(standardAddresses(2, PORTS)).toEqual([
    { host: '127.0.0.1', ports: PORTS },
    { host: '127.0.0.2', ports: PORTS },
  ]);
});

test('free addresses can be listened on, and differ', async () => {
  const addresses = await freeAddresses(3);
  await checkAddresses(addresses);
  expect(new Set(addresses.map(({ host, ports }) => `${host}:${ports.redis}`)).size).toBe(3);
});

test('a taken port names the option that moves it', async () => {
  const [address] = await freeAddresses(1);
  if (address === undefined) throw new Error('no address');
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(address.ports.redisSingle, address.host, resolve));
  await expect(checkAddresses([address])).rejects.toMatchObject({
    code: 'PORT_TAKEN',
    message: `port ${address.ports.redisSingle} on ${address.host} is taken by another process`,
    cure: expect.stringContaining('--redis-single-port'),
  });
  await new Promise((resolve) => server.close(resolve));
});
