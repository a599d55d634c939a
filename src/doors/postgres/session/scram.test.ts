import { describe, expect, test } from 'vitest';
import { makeVerifier } from '../../../cluster/access/scram.ts';
import { decoyVerifier, ScramExchange } from './scram.ts';

describe('the server\u2019s side of SCRAM', () => {
  test('refuses what is none of its messages, and proofs for another nonce', async () => {
    const exchange = new ScramExchange(await makeVerifier('right'));
    for (const first of [
      '',
      'n,,',
      'p=tls-server-end-point,,n=,r=abc',
      'n,,m=x,n=,r=abc',
      'n,,n=,r=',
      'n,,n=,r=a\u00e9',
    ]) {
      expect(exchange.begin(first), first).toBeNull();
    }
    const answer = exchange.begin('n,,n=,r=abc') ?? '';
    expect(answer).toMatch(/^r=abc.{20,},s=.+,i=4096$/);
    for (const last of [
      '',
      'c=biws,r=abc,p=AAAA',
      `c=biws,${answer.split(',')[0]},p=AAAA`,
      `c=eSws,${answer.split(',')[0]},p=${'A'.repeat(43)}=`,
    ]) {
      expect(exchange.finish(last), last).toBeNull();
    }
  });

  test('a name that nobody has always has the same salt', () => {
    const secret = Buffer.from('secret');
    expect(decoyVerifier(secret, 'a', 4_096).salt).toBe(decoyVerifier(secret, 'a', 4_096).salt);
    expect(decoyVerifier(secret, 'a', 4_096).salt).not.toBe(decoyVerifier(secret, 'b', 4_096).salt);
  });
});
