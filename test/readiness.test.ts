import { tmpdir } from 'node:os';
import { expect } from 'chai';
import { readiness } from '../readiness.ts';

type Core = Parameters<typeof readiness>[0];

describe('how the service says that it stands', () => {
  const never = new Promise<never>(() => {});
  const core = (change: object = {}): Core =>
    ({
      pipeline: { holds: null, storeFails: false },
      store: { ping: async () => undefined },
      registry: { ping: async () => undefined },
      spool: null,
      ...change,
    }) as unknown as Core;
  const partsOf = async (of: Core, trouble: string | null = null) => {
    const parts = await readiness(of, tmpdir(), { trouble: () => trouble }, 20);
    return Object.fromEntries(parts.map(({ part, ready, detail }) => [part, ready ? true : detail]));
  };

  it('is ready in all its parts', async () => {
    expect(await partsOf(core())).to.deep.equal({ store: true, registry: true, disk: true, broker: true, ingest: true });
  });

  it('tells of a store or a registry that takes the question and never answers', async () => {
    const parts = await partsOf(core({ store: { ping: () => never }, registry: { ping: () => never } }));
    expect(parts).to.include({ store: 'the store does not answer now', broker: true, ingest: true });
    expect(parts['registry']).to.match(/cannot be written now/);
  });

  it('tells why senders wait', async () => {
    const holding = async (holds: string) => (await partsOf(core({ pipeline: { holds, storeFails: false } })))['ingest'];
    expect(await holding('full')).to.equal('too much is not committed yet: the broker is held back');
    expect(await holding('nowhere')).to.equal('neither the store nor the spool takes readings: senders wait');
  });

  it('tells of a store that is away, and of a broker', async () => {
    const away = core({ store: { ping: () => Promise.reject(new Error('refused')) } });
    expect(await partsOf(away, 'the broker is offline')).to.include({
      store: 'the store does not answer now',
      registry: true,
      broker: 'the broker is offline',
    });
  });
});
